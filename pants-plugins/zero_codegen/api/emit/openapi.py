"""The OpenAPI 3.1 document of a contract."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit.messages import Messages, Operation, Parameter, Shape, texts
from zero_codegen.api.emit.openapi_head import head_of, scheme_of
from zero_codegen.api.emit.openapi_schemas import REFERENCE, Schema, Schemas
from zero_codegen.api.endpoint import Endpoint

_MULTIPART = "multipart/form-data"
_URLENCODED = "application/x-www-form-urlencoded"

_BEARER = "bearerAuth"
_SIGNATURE = "signature"
_SCHEMES: dict[str, Schema] = {
    _BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    _SIGNATURE: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Content-Security",
        "description": "key, secret and signature of the request, as go-zero has them",
    },
}

_PROBLEM: Schema = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "The wrong fields of the request.",
            "items": {
                "type": "object",
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "Its dotted path: `address.lines[0]`. Empty for the request as a whole.",
                    },
                    "message": {"type": "string"},
                },
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status"],
}
_PROBLEM_REFERENCE = {"$ref": f"{REFERENCE}Problem"}
_PROBLEM_CONTENT = {"application/problem+json": {"schema": _PROBLEM_REFERENCE}}


def emit_openapi(contract: Contract) -> str:
    """The text of `<stem>_api.openapi.json`. Raises ContractError when what `info` says for it is wrong."""
    document = _Document(contract).build()
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


class _Document:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._messages = Messages(contract, reserved={"Problem", "ProblemEvent"})
        self._schemas = Schemas(self._messages)

    def build(self) -> Schema:
        document: Schema = {"openapi": "3.1.0", **head_of(self._contract)}
        if tags := self._tags():
            document["tags"] = tags
        document["paths"] = self._paths()
        document["components"] = self._components()
        return document

    def _tags(self) -> list[Schema]:
        """The tags in the order of the contract; one that is the only one of a group says what the group is."""
        found: dict[str, Schema] = {}
        for endpoint in self._contract.endpoints:
            tags = _tags(endpoint)
            for tag in tags:
                found.setdefault(tag, {"name": tag})
            if len(tags) == 1 and endpoint.summary:
                found[tags[0]].setdefault("description", endpoint.summary)
        return list(found.values())

    def _paths(self) -> Schema:
        """Operations by path. Paths that differ in the names of parameters alone are one, with the first's names."""
        paths: dict[str, tuple[str, Schema]] = {}
        for operation in self._messages.operations:
            endpoint = operation.endpoint
            path = re.sub(r":([^/]+)", r"{\1}", endpoint.path)
            first, item = paths.setdefault(re.sub(r"\{[^}]+\}", "{}", path), (path, {}))
            names = dict(zip(_names(path), _names(first), strict=True))
            item[str(endpoint.route.method)] = self._operation(operation, names)
        return dict(paths.values())

    def _operation(self, operation: Operation, names: dict[str, str]) -> Schema:
        endpoint = operation.endpoint
        result: Schema = {}
        if tags := _tags(endpoint):
            result["tags"] = tags
        summary, description = texts(endpoint, self._contract)
        result |= {"summary": summary} if summary else {}
        result |= {"description": description} if description else {}
        if url := endpoint.docs.get("externalDocsURL"):
            about = endpoint.docs.get("externalDocsDescription")
            result["externalDocs"] = ({"description": about} if about else {}) | {"url": url}
        result["operationId"] = operation.name
        if endpoint.docs.get("deprecated") == "true":
            result["deprecated"] = True
        if schemes := _security(endpoint):
            result["security"] = [{scheme: [] for scheme in schemes}]
        if parameters := list(self._parameters(operation, names)):
            result["parameters"] = parameters
        if body := self._body(operation):
            result["requestBody"] = body
        result["responses"] = self._responses(operation)
        return result

    def _parameters(self, operation: Operation, names: dict[str, str]) -> Iterator[Schema]:
        for parameter in operation.path:
            yield self._parameter(parameter._replace(wire=names[parameter.wire]), "path")
        for parameter in operation.query:
            yield self._parameter(parameter, "query")
        for parameter in operation.header:
            yield self._parameter(parameter, "header")

    def _parameter(self, parameter: Parameter, place: str) -> Schema:
        result: Schema = {"name": parameter.wire, "in": place}
        if parameter.required:
            result["required"] = True
        if text := self._contract.comments(parameter.member.name):
            result["description"] = text
        schema = self._schemas.text(parameter)
        if place == "path" and schema.get("minLength") == 1:
            schema["pattern"] = "^[^/]+$"
        return result | {"schema": schema}

    def _body(self, operation: Operation) -> Schema | None:
        if operation.form:
            schema = self._schemas.form(operation.form)
            media = (_MULTIPART,) if operation.has_files else (_URLENCODED, _MULTIPART)
            required = "required" in schema
            return {"required": required, "content": {each: {"schema": schema} for each in media}}
        if operation.json is None:
            return None
        struct = self._contract.struct(operation.json)
        required = struct is None or any(
            not self._messages.absent(member, "request")
            for _, member in self._messages.in_json(struct, "request")
        )
        is_map = isinstance(self._contract.resolve(operation.json), tree.Map)
        schema = self._schemas.of(operation.json, "request")
        return {"required": required and not is_map, "content": {"application/json": {"schema": schema}}}

    def _responses(self, operation: Operation) -> Schema:
        endpoint = operation.endpoint
        responses: Schema = {"200": self._success(operation)}
        if endpoint.jwt or endpoint.jwt_transition:
            responses["401"] = {"$ref": "#/components/responses/Unauthenticated"}
        for each in re.split(r"<br\s*/?>|\n", endpoint.docs.get("responses", "")):
            if match := re.fullmatch(r"\s*([45][0-9]{2})\s*-\s*(.+)", each):
                responses[match[1]] = {"description": match[2], "content": _PROBLEM_CONTENT}
        return responses | {"default": {"$ref": "#/components/responses/Problem"}}

    def _success(self, operation: Operation) -> Schema:
        type_ = operation.response
        if type_ is None:
            return {"description": "Done; there is no body."}
        endpoint = operation.endpoint
        schema = self._schemas.of(type_, "response")
        if endpoint.sse:
            event = {"anyOf": [_event(schema), {"$ref": f"{REFERENCE}ProblemEvent"}]}
            about = "Server-sent events; the schema is that of one."
            return {"description": about, "content": {"text/event-stream": {"schema": event}}}
        if media := self._contract.content(endpoint):
            return {"description": "The content.", "content": {media: {}}}
        return {"description": "The answer.", "content": {"application/json": {"schema": schema}}}

    def _components(self) -> Schema:
        challenge = {"description": "what is wrong with the token", "schema": {"type": "string"}}
        problem = {"description": "The request failed.", "content": _PROBLEM_CONTENT}
        unauthenticated = {
            "description": "There is no token, or not a good one.",
            "headers": {"WWW-Authenticate": challenge},
            "content": _PROBLEM_CONTENT,
        }
        schemas = {
            shape.name: self._schemas.component(shape)
            for shape in self._messages.shapes
            if not self._is_only_parameters(shape)
        }
        schemes = list(dict.fromkeys(name for each in self._contract.endpoints for name in _security(each)))
        schemas["Problem"] = _PROBLEM
        if any(endpoint.sse for endpoint in self._contract.endpoints):
            schemas["ProblemEvent"] = _event(_PROBLEM_REFERENCE, {"const": "problem"}) | {
                "description": "The last event of a stream that failed."
            }
        responses = {"Problem": problem}
        if _BEARER in schemes:
            responses["Unauthenticated"] = unauthenticated
        components: Schema = {"schemas": schemas, "responses": responses}
        if schemes:
            components["securitySchemes"] = {
                name: _SCHEMES.get(name) or scheme_of(name, self._contract) for name in schemes
            }
        return components

    def _is_only_parameters(self, shape: Shape) -> bool:
        """Whether a type is a request whose fields are all outside of JSON."""
        if shape.direction == "response" or not isinstance(shape.type, tree.Struct):
            return False
        members = self._contract.members(shape.type)
        return bool(members) and not any("json" in member.rules.wires for member in members)


def _tags(endpoint: Endpoint) -> list[str]:
    return list(endpoint.tags) or ([endpoint.group] if endpoint.group else [])


def _security(endpoint: Endpoint) -> list[str]:
    """The names of the schemes that a request has to satisfy, all of them."""
    schemes = [_BEARER] if endpoint.jwt or endpoint.jwt_transition else []
    schemes += [_SIGNATURE] if endpoint.signature else []
    return schemes + ([endpoint.auth_type] if endpoint.auth_type else [])


def _event(data: Schema, name: Schema | None = None) -> Schema:
    """The schema of one server-sent event."""
    content = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    fields = {"event": name, "data": content} if name else {"data": content}
    return {"type": "object", "properties": fields, "required": list(fields)}


def _names(path: str) -> list[str]:
    return re.findall(r"\{([^}]+)\}", path)
