"""Routes: one handler each, and requests that can bring all that their handlers ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract, Endpoint, Member
from zero_codegen.api.golang import METHODS, SCALARS, UNROUTED_METHODS
from zero_codegen.api.problem import Problem, line_of
from zero_codegen.diagnostics import did_you_mean

_STATIC = re.compile(r"[A-Za-z0-9_~.-]+")
_PARAMETER = re.compile(r":[A-Za-z0-9_]+([-.][A-Za-z0-9_]+)*")
_BODILESS = ("get", "head")


def check(contract: Contract) -> Iterator[Problem]:
    yield from _handlers(contract)
    yield from _same_requests(contract)
    for endpoint in contract.endpoints:
        yield from _method(endpoint.route.method)
        yield from _path(endpoint)
        for body in (endpoint.route.request, endpoint.route.response):
            yield from _body(body)
        yield from _request(endpoint, contract)
    yield from _sources(contract)


def _handlers(contract: Contract) -> Iterator[Problem]:
    first: dict[str, Endpoint] = {}
    for endpoint in contract.endpoints:
        handler = endpoint.route.handler
        other = first.setdefault(endpoint.attribute, endpoint)
        if other is endpoint:
            continue
        place = f"in line {line_of(other.route.handler)}"
        if (other.route.handler, other.group) == (handler, endpoint.group):
            yield Problem(handler, f"the handler `{handler}` is here twice, first {place}")
        else:
            names = f"`{handler}` and `{other.route.handler}` {place}"
            message = f"{names} both become `{endpoint.attribute}` in Python"
            yield Problem(handler, message, "rename one of the two")


def _same_requests(contract: Contract) -> Iterator[Problem]:
    """Routes that the same requests would reach, under one text or under other names of the parameters."""
    first: dict[tuple[str, ...], Endpoint] = {}
    for endpoint in contract.endpoints:
        shape = (":" if segment.startswith(":") else str(segment) for segment in endpoint.segments)
        other = first.setdefault((str(endpoint.route.method), *shape), endpoint)
        if other is not endpoint:
            route, handler = endpoint.route, other.route.handler
            message = f"`{route.method} {endpoint.path}` is the route of `{handler}` in line {handler.line}"
            if other.path != endpoint.path:
                message += f" too: `{other.path}` takes the same requests"
            yield Problem(endpoint.route.path, message)


def _method(method: Token) -> Iterator[Problem]:
    if method in UNROUTED_METHODS:
        yield Problem(method, f"no route can have the method `{method}`", f"use one of {', '.join(METHODS)}")
    elif method not in METHODS:
        yield Problem(method, f"unknown HTTP method `{method}`", did_you_mean(method, METHODS))


def _path(endpoint: Endpoint) -> Iterator[Problem]:
    seen: set[str] = set()
    for segment in endpoint.segments:
        pattern = _PARAMETER if segment.startswith(":") else _STATIC
        if not pattern.fullmatch(segment) or segment in (".", ".."):
            in_braces = re.fullmatch(r"\{(\w+)\}", segment)
            hint = f"write a parameter as `:{in_braces.group(1)}`" if in_braces else None
            yield Problem(segment, f"`{segment}` cannot be part of a path", hint)
        elif segment.startswith(":") and segment in seen:
            yield Problem(segment, f"the parameter `{segment}` is in the path twice")
        seen.add(str(segment))


def _body(body: tree.Body | None) -> Iterator[Problem]:
    type_ = body.type if body else None
    if isinstance(type_, tree.List):
        type_ = type_.item
    if isinstance(type_, tree.Pointer):
        type_ = type_.target
    if type_ is not None and not isinstance(type_, tree.Named):
        yield Problem(type_.at, "a body is the name of a type, or a list of one: `(T)` or `([]T)`")


def _request(endpoint: Endpoint, contract: Contract) -> Iterator[Problem]:
    route, type_ = endpoint.route, endpoint.route.request and endpoint.route.request.type
    struct = contract.struct(type_)
    members = contract.members(struct) if struct else ()
    is_unknown = isinstance(type_, tree.Named) and struct is None and type_.at not in SCALARS
    if is_unknown or any(member.rules.problems for member in members):
        return  # other passes tell of these; what follows from them would be noise
    yield from _parameters(endpoint, members, f"`{type_.at}`" if struct and type_ else "the request")
    if type_ is None or route.method not in _BODILESS:
        return
    in_body = [member for member in members if member.rules.tagged and member.rules.source == "json"]
    if struct is None:
        yield Problem(type_.at, f"a `{route.method}` request has no body", "use a struct with `form` fields")
    elif in_body:
        names = ", ".join(f"`{member.name}`" for member in in_body)
        message = f"a `{route.method}` request has no body to bring {names} in"
        yield Problem(type_.at, message, "tag them `form` (query), `path` or `header` instead of `json`")


def _parameters(endpoint: Endpoint, members: Iterable[Member], what: str) -> Iterator[Problem]:
    """The path's parameters and the fields tagged `path` are the same."""
    parameters = endpoint.parameters
    bound = {str(member.rules.wire): member for member in members if member.rules.source == "path"}
    for name, member in bound.items():
        if name not in parameters:
            message = f"`{endpoint.route.method} {endpoint.path}` has no parameter `:{name}`"
            yield Problem(
                member.rules.wire, message, did_you_mean(name, parameters) or f"add `:{name}` to its path"
            )
    for name, at in parameters.items():
        if name not in bound:
            hint = did_you_mean(name, bound) or f'add a field tagged `path:"{name}"`'
            yield Problem(at, f"no field of {what} takes the parameter `:{name}`", hint)


def _sources(contract: Contract) -> Iterator[Problem]:
    """Fields that no message can bring: untagged in a request, outside of JSON within it or in a response."""
    requests = [endpoint.route.request.type for endpoint in contract.endpoints if endpoint.route.request]
    responses = [endpoint.route.response.type for endpoint in contract.endpoints if endpoint.route.response]
    within: list[tree.Type | None] = []
    for type_ in requests:
        struct = contract.struct(type_)
        for member in contract.members(struct) if struct else ():
            within.append(member.type)
            if not member.rules.tagged:
                hint = f'tag it: `json:"{member.attribute}"`'
                yield Problem(member.name, f"`{member.name}` has no tag, so no request can set it", hint)
        if struct is None:
            within.append(type_)
    for types, message in (
        (within, "only a request itself, not a struct within it, has `{source}` fields"),
        (responses, "a response has no `{source}` fields"),
    ):
        for struct in _reached(types, contract):
            for member in contract.members(struct):
                if member.rules.source != "json":
                    text = message.format(source=member.rules.source)
                    yield Problem(member.rules.wire, text, "tag it `json`, or move it to a request type")


def _reached(types: Iterable[tree.Type | None], contract: Contract) -> Iterator[tree.Struct]:
    """Every struct that values of these types can hold."""
    seen: set[int] = set()
    waiting = [type_ for type_ in types if type_]
    while waiting:
        type_ = waiting.pop()
        match type_:
            case (
                tree.List(item=inner)
                | tree.Array(item=inner)
                | tree.Map(value=inner)
                | tree.Pointer(target=inner)
            ):
                waiting.append(inner)
            case tree.Named() | tree.Struct():
                struct = contract.struct(type_)
                if struct and id(struct) not in seen:
                    seen.add(id(struct))
                    yield struct
                    waiting += (member.type for member in contract.members(struct))
