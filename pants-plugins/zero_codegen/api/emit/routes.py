"""The function that binds the routes of a contract to its logic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from zero_codegen import naming
from zero_codegen.api.contract import BUILTINS, ROUTES_NAMES, Contract
from zero_codegen.api.emit.wire import Handler
from zero_codegen.api.endpoint import Endpoint
from zero_codegen.python import Bracketed, Piece, free, joined, layout, string, tuple_literal


class EndpointFunction(NamedTuple):
    """The function that serves a route: its signature and the lines below."""

    signature: str
    lines: list[str]


class Routes(NamedTuple):
    signature: str
    groups: list[str]
    """assignments of what routes have in common"""
    functions: list[EndpointFunction]
    table: str
    """the statement that returns the routes"""


def routes_of(handlers: Sequence[Handler], contract: Contract) -> Routes:
    parameters = _parameters(contract)
    taken = {*ROUTES_NAMES, *BUILTINS, *(name for name, _ in parameters)}
    names = [free(handler.endpoint.attribute, taken) for handler in handlers]
    groups: dict[Bracketed, str] = {}
    table: list[Piece] = []
    for handler, name in zip(handlers, names, strict=True):
        endpoint = handler.endpoint
        route = [string(endpoint.route.method.upper()), string(endpoint.path), name]
        settings = Bracketed("rest.Group(", tuple(_settings(endpoint)), ")")
        if settings.items:
            if settings not in groups:
                shared = "_".join([*naming.words(endpoint.group), "group"])
                groups[settings] = free(f"{endpoint.attribute}_group" if shared in taken else shared, taken)
            route.append(groups[settings])
        table.append(Bracketed("rest.Route(", tuple(route), ")"))
    keywords = [f"{name}: rest.{type_}" for name, type_ in parameters]
    arguments = (f"logic: {contract.base_class}", *(["*", *keywords] if keywords else []))
    return Routes(
        layout(Bracketed("def routes(", arguments, ") -> tuple[rest.Route, ...]:")),
        [layout(joined(f"{name} = ", settings), 4) for settings, name in groups.items()],
        [_function(handler, name) for handler, name in zip(handlers, names, strict=True)],
        _table(table),
    )


def _parameters(contract: Contract) -> list[tuple[str, str]]:
    """What checks requests, and of which type it is."""
    verifiers = [(naming.identifier(name), "Verifier") for name in (*contract.jwts, *contract.transitions)]
    is_signed = any(endpoint.signature for endpoint in contract.endpoints)
    return [*verifiers, *([("signature", "Middleware")] if is_signed else [])]


def _settings(endpoint: Endpoint) -> Iterator[Piece]:
    """What the server blocks say of a route."""
    verifiers = tuple(naming.identifier(name) for name in (endpoint.jwt, endpoint.jwt_transition) if name)
    if verifiers:
        jwt = verifiers[0] if len(verifiers) == 1 else Bracketed("rest.any_of(", verifiers, ")")
        yield joined("jwt=", jwt)
    if endpoint.signature:
        yield "signature=signature"
    if endpoint.timeout is not None:
        yield f"timeout={endpoint.timeout!r}"
    if endpoint.max_bytes is not None:
        yield f"max_bytes={endpoint.max_bytes}"
    if endpoint.middlewares:
        middlewares = [f"logic.{middleware.attribute}" for middleware in endpoint.middlewares]
        yield joined("middlewares=", tuple_literal(middlewares))
    if endpoint.sse:
        yield "sse=True"


def _function(handler: Handler, name: str) -> EndpointFunction:
    signature = Bracketed(f"async def {name}(", ("request: rest.Request",), ") -> rest.Response:")
    return EndpointFunction(layout(signature, 4), [layout(line, 8) for line in _statements(handler)])


def _statements(handler: Handler) -> Iterator[Piece]:
    request = [f"{handler.binder}(request)"] if handler.binder else []
    claims = ["request.claims"] if handler.has_claims else []
    called = Bracketed(f"logic.{handler.endpoint.attribute}(", (*request, *claims), ")")
    encoder = [handler.encoder] if handler.encoder else []
    match handler.answer:
        case "events":
            yield Bracketed("return await rest.event_stream(", (called, *encoder), ")")
        case "content":
            media = string(handler.endpoint.produces)
            yield Bracketed(
                "return await rest.content_response(", ("request", joined("await ", called), media), ")"
            )
        case "json":
            respond = handler.encoder or "rest.json_response"
            yield Bracketed(f"return {respond}(", (joined("await ", called),), ")")
        case "nothing":
            yield joined("await ", called)
            yield "return rest.empty_response()"


def _table(routes: Sequence[Piece]) -> str:
    if len(routes) < 2:
        return layout(joined("return ", tuple_literal(routes)), 4)
    lines = (f"        {layout(route, 8, ',')}" for route in routes)
    return "\n".join(["return (", *lines, "    )"])
