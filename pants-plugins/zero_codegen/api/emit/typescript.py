"""The TypeScript client of a contract: one file that needs nothing but `fetch`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from zero_codegen import templates
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit.messages import Messages, Operation, Parameter, place, texts
from zero_codegen.api.emit.typescript_text import Braces, Piece, access, comment, layout, literal
from zero_codegen.api.emit.typescript_types import Types
from zero_codegen.api.rules import Source
from zero_codegen.api.types import Member

_NAMES = frozenset(
    {
        "AbortSignal",
        "ApiCall",
        "ApiCallOptions",
        "ApiClientOptions",
        "ApiError",
        "ApiFieldError",
        "ApiProblem",
        "ApiTransport",
        "ApiValue",
        "ApiValues",
        "AsyncGenerator",
        "AsyncIterable",
        "Blob",
        "Promise",
        "TemplateStringsArray",
    }
)
"""The types that the template names."""


class _Method(NamedTuple):
    """A method of the client: its comment, its head up to the brace, and its one statement."""

    doc: str
    signature: str
    body: str


def emit_typescript(contract: Contract) -> str:
    """The text of `<stem>_api.ts`."""
    client = f"{contract.base_class}Client"
    messages = Messages(contract, reserved=_NAMES)
    types = Types(messages)
    return templates.render(
        __file__,
        "client.ts.jinja",
        contract=contract,
        client=client,
        declarations=[types.declaration(shape) for shape in messages.shapes],
        methods=[_method(operation, types, contract) for operation in messages.operations],
        has_parameters=any(operation.path for operation in messages.operations),
    )


def _method(operation: Operation, types: Types, contract: Contract) -> _Method:
    request, response, endpoint = operation.request, operation.response, operation.endpoint
    arguments = []
    if request and not types.empty(request):
        nothing = " = {}" if types.optional(request) else ""
        arguments.append(f"request: {types.of(request, 'request')}{nothing}")
    arguments.append("options?: ApiCallOptions")
    if response is None:
        kind, result = "empty", "Promise<void>"
    elif endpoint.sse:
        kind, result = "events", f"AsyncIterable<{types.of(response, 'response')}>"
    elif contract.content(endpoint):
        kind, result = "content", "Promise<Blob>"
    else:
        kind, result = "json", f"Promise<{types.of(response, 'response')}>"
    asynchronous = "" if endpoint.sse and response else "async "
    return _Method(
        comment(_doc(operation, contract), 2),
        f"{asynchronous}{operation.name}({', '.join(arguments)}): {result}",
        layout(f"return this.#transport.{kind}(", _call(operation, types, contract), ", options);", 4),
    )


def _doc(operation: Operation, contract: Contract) -> Iterator[str]:
    endpoint = operation.endpoint
    yield from texts(endpoint, contract)
    yield f"`{endpoint.route.method.upper()} {endpoint.path}`"
    if endpoint.signature:
        yield "Requests have to be signed, which a `fetch` of your own can do."
    if endpoint.docs.get("deprecated") == "true":
        yield "@deprecated"


def _call(operation: Operation, types: Types, contract: Contract) -> Braces:
    """Where the fields of a request go."""
    endpoint = operation.endpoint
    struct = contract.struct(operation.request)
    names = types.properties(struct, "request") if struct else {}

    def value(member: Member) -> str:
        return access("request", names[member.attribute])

    def values(parameters: Iterable[Parameter], source: Source) -> Piece:
        here = (each for each in parameters if place(each.member, operation.json is not None) == source)
        pairs = tuple((each.wire, value(each.member)) for each in here)
        return Braces(pairs) if pairs else ""

    call: dict[str, Piece] = {
        "method": literal(endpoint.route.method.upper()),
        "path": _path(endpoint.path, {wire: value(member) for wire, member, _ in operation.path}),
        "secured": "true" if endpoint.jwt or endpoint.jwt_transition else "",
        "query": values(operation.query, "form"),
        "headers": values(operation.header, "header"),
        "multipart" if operation.has_files else "form": values(operation.form, "form"),
    }
    if operation.json and struct:
        members = contract.members(struct)
        in_json = [member for member in members if place(member, True) == "json"]
        pairs = tuple((names[member.attribute], value(member)) for member in in_json)
        call["json"] = "request" if len(in_json) == len(members) else Braces(pairs)
    elif operation.json:
        call["json"] = "request"
    return Braces(tuple((name, piece) for name, piece in call.items() if piece))


def _path(path: str, values: Mapping[str, str]) -> str:
    if not values:
        return literal(path)
    return "path`" + re.sub(r":([^/]+)", lambda match: f"${{{values[match[1]]}}}", path) + "`"
