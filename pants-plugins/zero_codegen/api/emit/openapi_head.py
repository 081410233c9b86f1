"""What `info` says of a contract, in the places that OpenAPI has for it.

The keys are those of goctl's Swagger documents, and the older `desc`, `author` and `email`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from zero_codegen.api.contract import Contract
from zero_codegen.api.problem import Problem
from zero_codegen.diagnostics import ContractError

_Object: TypeAlias = dict[str, Any]

_DEFINITIONS = "securityDefinitionsFromJson"
_FLOWS = {"accessCode": "authorizationCode", "application": "clientCredentials"}
"""The flows of OAuth 2 that OpenAPI 3 calls otherwise than Swagger 2."""


def head_of(contract: Contract) -> _Object:
    """The `info` and `servers` of a document."""
    info = contract.info
    result = _present(
        title=info("title") or contract.service,
        description=info("description") or info("desc"),
        termsOfService=info("termsOfService"),
        contact=_present(
            name=info("contactName") or info("author"),
            url=info("contactURL"),
            email=info("contactEmail") or info("email"),
        ),
        license=_present(name=info("licenseName"), url=info("licenseURL")) if info("licenseName") else {},
        version=info("version") or "1.0",
    )
    servers = list(_servers(contract))
    return {"info": result} | ({"servers": servers} if servers else {})


def scheme_of(name: str, contract: Contract) -> _Object:
    """The security scheme that `authType` names, defined in `info` as in Swagger 2 or else an API key.

    Raises ContractError when the definitions are no JSON objects.
    """
    definition = _definitions(contract).get(name)
    match definition:
        case None:
            return {"type": "apiKey", "in": "header", "name": "Authorization"}
        case {"type": "basic"}:
            return _present(type="http", scheme="basic", description=definition.get("description"))
        case {"type": "oauth2", "flow": flow}:
            urls = {key: value for key, value in definition.items() if key.endswith("Url")}
            flows = {_FLOWS.get(flow, flow): {**urls, "scopes": definition.get("scopes", {})}}
            return _present(type="oauth2", description=definition.get("description"), flows=flows)
    return definition


def _servers(contract: Contract) -> Iterator[_Object]:
    host, base = contract.info("host"), contract.info("basePath").strip("/")
    path = f"/{base}" if base else ""
    if host:
        for scheme in contract.info("schemes").replace(",", " ").split() or ["https"]:
            yield {"url": f"{scheme}://{host.rstrip('/')}{path}"}
    elif path:
        yield {"url": path}


def _definitions(contract: Contract) -> dict[str, _Object]:
    text = contract.info(_DEFINITIONS)
    if not text:
        return {}
    try:
        definitions = json.loads(text)
        why = "it is no object of objects"
    except ValueError as error:
        definitions, why = None, str(error)
    if isinstance(definitions, dict) and all(isinstance(each, dict) for each in definitions.values()):
        return definitions
    entries = (entry for info in contract.tree.infos for entry in info.entries)
    at = next(entry.values[0] for entry in entries if entry.key == _DEFINITIONS)
    raise ContractError([Problem(at, f"`{_DEFINITIONS}` cannot be read: {why}").diagnostic()])


def _present(**values: Any) -> _Object:
    """The values that are there."""
    return {key: value for key, value in values.items() if value}
