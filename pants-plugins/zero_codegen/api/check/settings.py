"""The settings in `@server`, of service blocks and of single routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from lark import Token

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.check.statements import repeated
from zero_codegen.api.contract import BUILTINS, ROUTES_NAMES, Contract
from zero_codegen.api.endpoint import Middleware, joined, names_in
from zero_codegen.api.golang import seconds
from zero_codegen.api.problem import Problem, where
from zero_codegen.diagnostics import did_you_mean

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_GROUP = re.compile(r"/?[A-Za-z][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*/?")
_AMOUNT = re.compile(r"([0-9]{1,6})\s*([kKmMgG])i?[bB]?")
_POWERS = {"k": 1, "m": 2, "g": 3}


def check(contract: Contract) -> Iterator[Problem]:
    for service in (service for unit in contract.program.units for service in unit.tree.services):
        if service.server:
            yield from _server(service.server, _KEYS)
        for route in service.routes:
            if route.server:
                yield from _server(route.server, {**_KEYS, "handler": _handler})
    yield from _parameters(contract)
    yield from _middlewares(contract)


def _server(server: tree.Server, keys: Mapping[str, _Check]) -> Iterator[Problem]:
    yield from repeated((entry.key for entry in server.entries), "the key")
    for entry in server.entries:
        if entry.key not in keys:
            known = keys.keys() - _WITHOUT_EFFECT
            yield Problem(entry.key, f"unknown @server key `{entry.key}`", did_you_mean(entry.key, known))
        elif len(entry.values) > 1 and entry.key not in _LISTS:
            yield Problem(entry.values[1], f"`{entry.key}` has one value")
        elif entry.text:  # an empty value takes back that of the block around
            yield from keys[entry.key](entry)


def _jwt(entry: tree.Entry) -> Iterator[Problem]:
    if not _NAME.fullmatch(entry.text):
        message = f"`{entry.text}` cannot be the name of {entry.key} settings"
        hint = f"write the name of their key in the configuration: `{entry.key}: Auth`"
        yield Problem(entry.values[0], message, hint)


def _group(entry: tree.Entry) -> Iterator[Problem]:
    if not _GROUP.fullmatch(joined(entry.text)):
        message = f"`{entry.text}` cannot be a group of handlers"
        yield Problem(entry.values[0], message, "write names separated by `/`: `group: user/account`")


def _middleware(entry: tree.Entry) -> Iterator[Problem]:
    for name in names_in(entry):
        if not _NAME.fullmatch(name):
            message = f"`{name}` cannot be the name of a middleware"
            yield Problem(name, message, "write names separated by commas: `middleware: Audit, Quota`")


def _switch(entry: tree.Entry) -> Iterator[Problem]:
    if entry.text not in ("true", "false"):
        yield Problem(entry.values[0], f"`{entry.key}` is `true` or `false`, not `{entry.text}`")


def _timeout(entry: tree.Entry) -> Iterator[Problem]:
    if seconds(entry.text) is None:
        number = entry.text.isdecimal()
        hint = f"give it a unit: `{entry.text}ms`" if number else "write numbers with units: `500ms`, `1m30s`"
        yield Problem(entry.values[0], f"`{entry.text}` is not a duration", hint)


def _max_bytes(entry: tree.Entry) -> Iterator[Problem]:
    if re.fullmatch("[0-9]{1,18}", entry.text):
        return
    amount = _AMOUNT.fullmatch(entry.text)
    count = int(amount[1]) * 1024 ** _POWERS[amount[2].lower()] if amount else 1048576
    yield Problem(entry.values[0], f"`{entry.text}` is not a number of bytes", f"write all of it: `{count}`")


def _handler(entry: tree.Entry) -> Iterator[Problem]:
    if not _NAME.fullmatch(entry.text):
        yield Problem(entry.values[0], f"`{entry.text}` cannot be the name of a handler")


def _anything(entry: tree.Entry) -> Iterator[Problem]:
    yield from ()


_Check = Callable[[tree.Entry], Iterator[Problem]]
_WITHOUT_EFFECT = ("host", "port", "swtags")
"""Keys of old files, and of a plugin for goctl."""

_LISTS = ("middleware", "summary", "tags")
_KEYS: dict[str, _Check] = {
    "jwt": _jwt,
    "jwtTransition": _jwt,
    "signature": _switch,
    "sse": _switch,
    "prefix": _anything,  # its parts are checked as those of paths
    "group": _group,
    "middleware": _middleware,
    "timeout": _timeout,
    "maxBytes": _max_bytes,
    "tags": _anything,
    "summary": _anything,
    "authType": _anything,
    "folder": _group,  # the group in old files
    **dict.fromkeys(_WITHOUT_EFFECT, _anything),
}


def _parameters(contract: Contract) -> Iterator[Problem]:
    """Settings that are parameters of the generated function `routes`."""
    taken: dict[str, tuple[str, Token]] = {}
    for key, names in (("jwt", contract.jwts), ("jwtTransition", contract.transitions)):
        for name, at in names.items():
            parameter = naming.identifier(name)
            other_key, other = taken.setdefault(parameter, (key, at))
            if parameter in ROUTES_NAMES | BUILTINS:
                yield Problem(at, f"{key} settings cannot be called `{name}`: generated code uses that name")
            elif other_key != key:
                message = f"`{name}` and `{other}` of `{other_key}` in {where(other, at)} have one name"
                yield Problem(at, message, "the two have other keys in the configuration: give each its own")
            elif other != at:
                yield _one_name(at, other, parameter)


def _middlewares(contract: Contract) -> Iterator[Problem]:
    """Middlewares are methods of the class that logic implements, as handlers are."""
    handlers = {endpoint.attribute: endpoint.route.handler for endpoint in contract.endpoints}
    spelled: dict[str, Middleware] = {}
    for endpoint in contract.endpoints:
        for middleware in endpoint.middlewares:
            spelled.setdefault(str(middleware.name), middleware)
    first: dict[str, Token] = {}
    for name, attribute in ((middleware.name, middleware.attribute) for middleware in spelled.values()):
        other = first.setdefault(attribute, name)
        if other is not name:
            yield _one_name(name, other, attribute)
        elif handler := handlers.get(attribute):
            message = f"`{name}` and the handler `{handler}` in {where(handler, name)} both become"
            yield Problem(name, f"{message} `{attribute}` in Python", "rename one of the two")


def _one_name(at: Token, other: Token, python: str) -> Problem:
    message = f"`{at}` and `{other}` in {where(other, at)} both become `{python}` in Python"
    return Problem(at, message, "use one spelling")
