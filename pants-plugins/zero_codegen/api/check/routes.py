"""Routes: one handler each, paths that a request can have, and no two for the same requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lark import Token

from zero_codegen.api.contract import Contract
from zero_codegen.api.endpoint import Endpoint
from zero_codegen.api.golang import METHODS, UNROUTED_METHODS
from zero_codegen.api.problem import Problem, where
from zero_codegen.diagnostics import did_you_mean

_STATIC = re.compile(r"[A-Za-z0-9_~.-]+")
_PARAMETER = re.compile(r":[A-Za-z0-9_]+([-.][A-Za-z0-9_]+)*")


def check(contract: Contract) -> Iterator[Problem]:
    units = list(contract.program.imported_first)
    endpoints = sorted(
        contract.endpoints, key=lambda each: units.index(contract.program.unit(each.route.method))
    )
    settled = [endpoint for endpoint in endpoints if endpoint.route.is_settled]
    yield from _handlers(settled)
    yield from _same_requests(settled)
    for endpoint in contract.endpoints:
        yield from _method(endpoint.route.method)
        yield from _path(endpoint)


def _handlers(endpoints: Iterable[Endpoint]) -> Iterator[Problem]:
    first: dict[str, Endpoint] = {}
    for endpoint in endpoints:
        handler = endpoint.route.handler
        other = first.setdefault(endpoint.attribute, endpoint)
        if other is endpoint:
            continue
        place = where(other.route.handler, handler)
        if (other.route.handler, other.group) == (handler, endpoint.group):
            yield Problem(handler, f"the handler `{handler}` is here twice, first in {place}")
        else:
            names = f"`{handler}` and `{other.route.handler}` in {place}"
            message = f"{names} both become `{endpoint.attribute}` in Python"
            yield Problem(handler, message, "rename one of the two")


def _same_requests(endpoints: Iterable[Endpoint]) -> Iterator[Problem]:
    """Routes that the same requests would reach, under one text or under other names of the parameters."""
    first: dict[tuple[str, ...], Endpoint] = {}
    for endpoint in endpoints:
        shape = (":" if segment.startswith(":") else str(segment) for segment in endpoint.segments)
        other = first.setdefault((str(endpoint.route.method), *shape), endpoint)
        if other is not endpoint:
            route, handler = endpoint.route, other.route.handler
            place = where(handler, route.path)
            message = f"`{route.method} {endpoint.path}` is the route of `{handler}` in {place}"
            if other.path != endpoint.path:
                message += f" too: `{other.path}` takes the same requests"
            yield Problem(route.path, message)


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
