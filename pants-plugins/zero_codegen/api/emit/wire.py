"""How requests and responses look on the wire: the constants of a module, which its routes and its client share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit.annotations import annotation, has_rules
from zero_codegen.api.emit.classes import class_names
from zero_codegen.api.endpoint import Endpoint
from zero_codegen.api.rules import SOURCES
from zero_codegen.api.types import class_name
from zero_codegen.python import Bracketed, Piece, free, joined, layout, string, tuple_literal

Answer: TypeAlias = Literal["nothing", "json", "events", "content"]


class Handler(NamedTuple):
    """An endpoint, and the names of the constants that bring what it takes and gives onto the wire."""

    endpoint: Endpoint
    request: tree.Type | None
    response: tree.Type | None
    answer: Answer
    binder: str
    """of the request; empty where there is none"""
    encoder: str
    """of the response, where it has rules beyond msgspec's; else empty"""
    call: str

    @property
    def has_claims(self) -> bool:
        """Whether requests bring a token."""
        return self.endpoint.jwt is not None or self.endpoint.jwt_transition is not None

    @property
    def received(self) -> tree.Type | None:
        """The type of what a client gets: not of content, which has none, or of `HEAD`, which has no content."""
        is_typed = self.answer in ("json", "events") and self.endpoint.route.method != "head"
        return self.response if is_typed else None


class Wire(NamedTuple):
    """The handlers, and the assignments of their constants."""

    handlers: list[Handler]
    constants: list[str]


def wire_of(contract: Contract) -> Wire:
    taken = class_names(contract)
    calls = [free(_constant(endpoint.attribute), taken) for endpoint in contract.endpoints]
    shared: dict[tuple[str, str], str] = {}
    handlers: list[Handler] = []
    constants: list[str] = []

    def constant(
        purpose: str, type_: tree.Type, endpoint: Endpoint, value: Callable[[tree.Type, Contract], Bracketed]
    ) -> str:
        """The name of what reads or writes a type: a declared one shares it among its endpoints."""
        subject = _declared(type_, contract) or endpoint.attribute
        if (purpose, subject) not in shared:
            name = naming.snake(subject)
            name = name if name.endswith(f"_{purpose}") else f"{name}_{purpose}"
            name = shared[purpose, subject] = free(_constant(name), taken)
            constants.append(layout(joined(f"{name} = ", value(type_, contract))))
        return shared[purpose, subject]

    for endpoint, call in zip(contract.endpoints, calls, strict=True):
        request, response = (body and body.type for body in (endpoint.route.request, endpoint.route.response))
        binder = constant("request", request, endpoint, _binder) if request else ""
        is_ruled = response is not None and has_rules(response, contract)
        encoder = constant("response", response, endpoint, _encoder) if response and is_ruled else ""
        answer = _answer(endpoint, contract)
        handlers.append(Handler(endpoint, request, response, answer, binder, encoder, call))
        constants.append(layout(joined(f"{call} = ", _call(handlers[-1], contract))))
    return Wire(handlers, constants)


def _answer(endpoint: Endpoint, contract: Contract) -> Answer:
    if endpoint.route.response is None or endpoint.route.response.type is None:
        return "nothing"
    if endpoint.sse:
        return "events"
    return "content" if contract.content(endpoint) else "json"


def _binder(type_: tree.Type, contract: Contract) -> Bracketed:
    struct = contract.struct(type_)
    members = contract.members(struct) if struct else ()
    tables: list[Piece] = []
    for source in SOURCES:
        bound = [member for member in members if source in member.rules.wires]
        if source == "json":
            also = [string(member.attribute) for member in bound if len(member.rules.wires) > 1]
            table = tuple_literal(also)
        else:
            also = [f"{string(member.rules.wires[source])}: {string(member.attribute)}" for member in bound]
            table = Bracketed("{", tuple(also), "}")
        if also:
            tables.append(joined(f"{source}=", table))
    return Bracketed(f"rest.{'Binder' if tables else 'Body'}(", (annotation(type_, contract), *tables), ")")


def _encoder(type_: tree.Type, contract: Contract) -> Bracketed:
    return Bracketed("rest.Encoder(", (annotation(type_, contract),), ")")


def _call(handler: Handler, contract: Contract) -> Bracketed:
    endpoint = handler.endpoint
    arguments: list[Piece] = [string(endpoint.route.method.upper()), string(endpoint.path)]
    if handler.binder:
        arguments.append(f"request={handler.binder}")
    if handler.received:
        response = annotation(handler.received, contract)
        if isinstance(response, Bracketed) and response.head == "Annotated[":
            response = response.items[0]  # type checkers take no such thing for a type, here
        arguments.append(joined("response=", response))
    return Bracketed("rest.Call(", tuple(arguments), ")")


def _declared(type_: tree.Type, contract: Contract) -> str:
    """The class or alias that a type names; empty when it names none."""
    while isinstance(type_, tree.Pointer):
        type_ = type_.target
    return class_name(type_.at) if isinstance(type_, tree.Named) and type_.at in contract.declarations else ""


def _constant(name: str) -> str:
    """The constant of a name, the module's own."""
    return f"_{name.strip('_')}".upper()
