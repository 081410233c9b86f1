"""The statements of a file: those that may stand once, the service, and the groups of `@server`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from lark import Token

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.contract import BUILTINS, ROUTES_NAMES, Contract
from zero_codegen.api.problem import Problem, end_of, line_of
from zero_codegen.diagnostics import did_you_mean

_LATER = (
    "jwtTransition",
    "signature",
    "sse",
    "middleware",
    "timeout",
    "maxBytes",
    "tags",
    "summary",
    "authType",
)
"""Keys of `@server` that mean something to go-zero and that generated code cannot serve yet."""


def check(contract: Contract) -> Iterator[Problem]:
    file = contract.tree
    yield from repeated((statement.keyword for statement in file.syntaxes), "the statement")
    yield from repeated((statement.keyword for statement in file.infos), "the statement")
    for info in file.infos:
        yield from repeated((entry.key for entry in info.entries), "the key")
    for imports in file.imports:
        message = "imports are not supported yet"
        yield Problem(imports.keyword, message, "declare the imported types in this file")
    yield from _service(contract)
    for service in file.services:
        if service.server:
            yield from _server(service.server)
    yield from _jwt_parameters(contract)


def repeated(names: Iterable[Token], what: str) -> Iterator[Problem]:
    """A problem for every name that an earlier one equals."""
    first: dict[str, Token] = {}
    for name in names:
        if first.setdefault(name, name) is not name:
            yield Problem(name, f"{what} `{name}` is here twice, first in line {line_of(first[name])}")


def _service(contract: Contract) -> Iterator[Problem]:
    services = contract.tree.services
    if not services:
        yield Problem(end_of(contract.file.text), "no service is declared")
        return
    first = services[0].name
    for service in services[1:]:
        if service.name != first:
            message = f"the service is `{first}` in line {first.line}, but `{service.name}` here"
            yield Problem(service.name, message, f"a file declares one service: did you mean `{first}`?")


def _server(server: tree.Server) -> Iterator[Problem]:
    yield from repeated((entry.key for entry in server.entries), "the key")
    for entry in server.entries:
        if entry.key in _LATER:
            yield Problem(entry.key, f"`{entry.key}` is not supported yet")
        elif entry.key not in _KEYS:
            hint = did_you_mean(entry.key, (*_KEYS, *_LATER))
            yield Problem(entry.key, f"unknown @server key `{entry.key}`", hint)
        elif len(entry.values) > 1:
            yield Problem(entry.values[1], f"`{entry.key}` has one value")
        else:
            yield from _KEYS[entry.key](entry)


def _jwt(entry: tree.Entry) -> Iterator[Problem]:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", entry.text):
        message = f"`{entry.text}` cannot be the name of jwt settings"
        yield Problem(
            entry.values[0], message, "write the name of their key in the configuration: `jwt: Auth`"
        )


def _prefix(entry: tree.Entry) -> Iterator[Problem]:
    if not entry.text.strip("/"):
        yield Problem(entry.values[0], "the prefix is empty", "leave `prefix` out")


def _group(entry: tree.Entry) -> Iterator[Problem]:
    if not re.fullmatch(r"/?[A-Za-z][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*/?", entry.text):
        message = f"`{entry.text}` cannot be a group of handlers"
        yield Problem(entry.values[0], message, "write names separated by `/`: `group: user/account`")


_KEYS: dict[str, Callable[[tree.Entry], Iterator[Problem]]] = {
    "jwt": _jwt,
    "prefix": _prefix,
    "group": _group,
}


def _jwt_parameters(contract: Contract) -> Iterator[Problem]:
    parameters: dict[str, str] = {}
    for name, at in contract.jwt.items():
        parameter = naming.identifier(name)
        if parameter in ROUTES_NAMES | BUILTINS:
            yield Problem(at, f"jwt settings cannot be called `{name}`: generated code uses that name")
        elif parameters.setdefault(parameter, name) != name:
            message = f"`{name}` and `{parameters[parameter]}` both become `{parameter}` in Python"
            yield Problem(at, message, "use one spelling")
