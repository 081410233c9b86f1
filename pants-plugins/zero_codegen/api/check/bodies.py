"""Requests that can bring all that their handlers ask for, and responses that can be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract
from zero_codegen.api.endpoint import Endpoint
from zero_codegen.api.problem import Problem
from zero_codegen.api.types import Member
from zero_codegen.diagnostics import did_you_mean

_BODILESS = ("get", "head")


def check(contract: Contract) -> Iterator[Problem]:
    for endpoint in contract.endpoints:
        yield from _request(endpoint, contract)
        yield from _response(endpoint, contract)
    yield from _sources(contract)


def _request(endpoint: Endpoint, contract: Contract) -> Iterator[Problem]:
    type_ = endpoint.route.request and endpoint.route.request.type
    struct = contract.struct(type_)
    members = contract.members(struct) if struct else ()
    if contract.unknown(type_) or any(member.rules.problems for member in members):
        return  # other passes tell of these; what follows from them would be noise
    for problem in _parameters(endpoint, members, f"`{type_.at}`" if struct and type_ else "the request"):
        if problem.at not in contract.program.lost:
            yield problem
    if type_ is not None:
        yield from _body(endpoint.route, type_, struct, members, contract)


def _body(
    route: tree.Route,
    type_: tree.Type,
    struct: tree.Struct | None,
    members: Iterable[Member],
    contract: Contract,
) -> Iterator[Problem]:
    """A body has JSON or a form, if the method has one at all."""
    only_json = [member for member in members if member.rules.tagged and set(member.rules.wires) == {"json"}]
    names = ", ".join(f"`{member.name}`" for member in only_json)
    file = next((f"`{member.name}`" for member in members if _is_file(member, contract)), None)
    if route.method not in _BODILESS:
        if file and only_json:
            message = f"a request that brings the file {file} is a form, and has no JSON for {names}"
            yield Problem(type_.at, message, "tag them `form` too")
    elif struct is None:
        message = f"a `{route.method}` request has no body"
        yield Problem(type_.at, message, "use a struct with `form` fields")
    elif file:
        message = f"a `{route.method}` request has no body for the file {file}"
        yield Problem(type_.at, message, "use `post` or `put`")
    elif only_json:
        message = f"a `{route.method}` request has no body to bring {names} in"
        yield Problem(type_.at, message, "tag them `form` (query), `path` or `header` instead of `json`")


def _is_file(member: Member, contract: Contract) -> bool:
    if "form" not in member.rules.wires:
        return False
    type_ = contract.resolve(member.type)
    return contract.is_bytes(type_) or (isinstance(type_, tree.List) and contract.is_bytes(type_.item))


def _parameters(endpoint: Endpoint, members: Iterable[Member], what: str) -> Iterator[Problem]:
    """The path's parameters and the fields tagged `path` are the same."""
    parameters = endpoint.parameters
    bound = {str(wire): wire for member in members if (wire := member.rules.wires.get("path"))}
    for name, wire in bound.items():
        if name not in parameters and endpoint.route.is_settled:
            message = f"`{endpoint.route.method} {endpoint.path}` has no parameter `:{name}`"
            yield Problem(wire, message, did_you_mean(name, parameters) or f"add `:{name}` to its path")
    for name, at in parameters.items():
        if name not in bound:
            hint = did_you_mean(name, bound) or f'add a field tagged `path:"{name}"`'
            yield Problem(at, f"no field of {what} takes the parameter `:{name}`", hint)


def _response(endpoint: Endpoint, contract: Contract) -> Iterator[Problem]:
    route, type_ = endpoint.route, endpoint.route.response and endpoint.route.response.type
    if endpoint.sse and route.method == "head":
        yield Problem(route.method, "a `head` response has no body, so no events", "use `get`")
    elif endpoint.sse and type_ is None:
        message = "a stream of events (`sse: true`) has no type for them"
        yield Problem(route.path, message, "say what an event is: `returns (Event)`")
    produces = _produces(endpoint)
    may_stream = endpoint.sse or not route.is_settled
    if produces is None or type_ is None or may_stream or contract.unknown(type_):
        return
    if "json" not in produces.lower() and contract.content(endpoint) is None:
        message = f"a response of `{tree.unquoted(produces)}` is bytes or text, not `{type_.at}`"
        yield Problem(produces, message, "write `returns ([]byte)` or `returns (string)`")


def _produces(endpoint: Endpoint) -> Token | None:
    entries = endpoint.route.doc.entries if endpoint.route.doc else ()
    return next((entry.values[0] for entry in entries if entry.key == "produces" and entry.values), None)


def _sources(contract: Contract) -> Iterator[Problem]:
    """Fields that no request can bring: those without a tag, and those outside of JSON within it."""
    within: list[tree.Type | None] = []
    for type_ in (endpoint.route.request.type for endpoint in contract.endpoints if endpoint.route.request):
        struct = contract.struct(type_)
        for member in contract.members(struct) if struct else ():
            within.append(member.type)
            if not member.rules.tagged and not member.rules.problems and not member.rules.optional:
                hint = f'tag it: `json:"{member.attribute}"`'
                yield Problem(member.name, f"`{member.name}` has no tag, so no request can set it", hint)
        if struct is None:
            within.append(type_)
    for struct in contract.reached(within):
        for member in contract.members(struct):
            if "json" not in member.rules.wires:
                message = f"only a request itself, not a struct within it, has `{member.rules.source}` fields"
                yield Problem(member.rules.wire, message, "tag it `json`, or move it to a request type")
