"""The endpoints of a contract: the methods that logic implements, and the routes that call them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.contract import BUILTINS, ROUTES_NAMES, Contract, Endpoint
from zero_codegen.api.emit.annotations import annotation
from zero_codegen.api.problem import line_of
from zero_codegen.api.rules import SOURCES
from zero_codegen.python import Bracketed, Piece, layout, string, tuple_literal


class Method(NamedTuple):
    """An abstract method: its signature and docstring."""

    signature: str
    doc: str


class EndpointFunction(NamedTuple):
    """The function that serves a route: its signature and the lines below."""

    signature: str
    lines: list[str]


class Endpoints(NamedTuple):
    methods: list[Method]
    signature: str
    """of the function `routes`"""
    binders: list[str]
    """assignments of what makes a typed request of an HTTP one"""
    functions: list[EndpointFunction]
    table: str
    """the statement that returns the routes"""


def endpoints_of(contract: Contract) -> Endpoints:
    parameters = {name: naming.identifier(name) for name in contract.jwt}
    taken = {*ROUTES_NAMES, *BUILTINS, *parameters.values()}
    binders: dict[str, tuple[str, str]] = {}
    for endpoint in contract.endpoints:
        if type_ := _request(endpoint):
            text = str(annotation(type_, contract))
            if text not in binders:
                name = _free(_binder_name(type_, text), taken)
                binders[text] = (name, _binder(name, text, type_, contract))
    functions: list[EndpointFunction] = []
    table: list[Bracketed] = []
    for endpoint in contract.endpoints:
        name = _free(endpoint.attribute, taken)
        type_ = _request(endpoint)
        binder = binders[str(annotation(type_, contract))][0] if type_ else None
        jwt = parameters[tree.unquoted(endpoint.jwt)] if endpoint.jwt else None
        signature = Bracketed(f"async def {name}(", ("request: rest.Request",), ") -> rest.Response:")
        functions.append(EndpointFunction(layout(signature, 4), list(_function(endpoint, binder, jwt))))
        route = (string(endpoint.route.method.upper()), string(endpoint.path), name)
        table.append(Bracketed("rest.Route(", route, ")"))
    keywords = [f"{parameter}: rest.Jwt" for parameter in parameters.values()]
    arguments = (f"logic: {contract.base_class}", *(["*", *keywords] if keywords else []))
    return Endpoints(
        methods=list(_methods(contract)),
        signature=layout(Bracketed("def routes(", arguments, ") -> tuple[rest.Route, ...]:")),
        binders=[source for _, source in binders.values()],
        functions=functions,
        table=_table(table),
    )


def _methods(contract: Contract) -> Iterator[Method]:
    hidden = BUILTINS & {endpoint.attribute for endpoint in contract.endpoints}
    for endpoint in contract.endpoints:
        request, response = _request(endpoint), endpoint.route.response and endpoint.route.response.type
        parameters = ["self"]
        if request:
            parameters.append(f"request: {annotation(request, contract, hidden)}")
        if endpoint.jwt:
            parameters.append("claims: rest.Claims")
        result = annotation(response, contract, hidden) if response else "None"
        signature = Bracketed(f"async def {endpoint.attribute}(", tuple(parameters), f") -> {result}:")
        yield Method(layout(signature, 4), _doc(endpoint, contract))


def _doc(endpoint: Endpoint, contract: Contract) -> str:
    """What the contract says of a route, and the route itself."""
    route = endpoint.route
    said = [contract.tree.comments.around(route.first_line, line_of(route.path))]
    if route.doc and route.doc.text:
        said.append(tree.unquoted(route.doc.text))
    for entry in route.doc.entries if route.doc else ():
        said.append(entry.text if entry.key in ("summary", "description") else f"{entry.key}: {entry.text}")
    said.append(f"``{route.method.upper()} {endpoint.path}``")
    return "\n\n".join(filter(None, said))


def _function(endpoint: Endpoint, binder: str | None, jwt: str | None) -> Iterator[str]:
    arguments: list[Piece] = []
    if jwt:
        yield f"claims = {jwt}.claims(request)"
    if binder:
        arguments.append(f"{binder}(request)")
    if jwt:
        arguments.append("claims")
    call = Bracketed(f"await logic.{endpoint.attribute}(", tuple(arguments), ")")
    if endpoint.route.response and endpoint.route.response.type:
        yield layout(Bracketed("return rest.json_response(", (call,), ")"), 8)
    else:
        yield layout(call, 8)
        yield "return rest.empty_response()"


def _table(routes: list[Bracketed]) -> str:
    if len(routes) < 2:
        literal = tuple_literal(routes)
        return layout(Bracketed(f"return {literal.head}", literal.items, literal.tail), 4)
    lines = (f"        {layout(route, 8, ',')}" for route in routes)
    return "\n".join(["return (", *lines, "    )"])


def _binder(name: str, text: str, type_: tree.Type, contract: Contract) -> str:
    struct = contract.struct(type_)
    members = contract.members(struct) if struct else ()
    tables: list[Piece] = []
    for source in SOURCES:
        pairs = tuple(
            f"{string(member.rules.wire)}: {string(member.attribute)}"
            for member in members
            if member.rules.source == source
        )
        if pairs and source != "json":
            tables.append(Bracketed(f"{source}={{", pairs, "}"))
    kind = "Binder" if tables else "Body"
    return layout(Bracketed(f"{name} = rest.{kind}(", (text, *tables), ")"), 4)


def _binder_name(type_: tree.Type, text: str) -> str:
    name = naming.snake(text)
    if isinstance(type_, tree.List):
        name = naming.snake(text.removeprefix("list")) + "_list"
    return name if name.endswith("_request") else f"{name}_request"


def _request(endpoint: Endpoint) -> tree.Type | None:
    return endpoint.route.request.type if endpoint.route.request else None


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
