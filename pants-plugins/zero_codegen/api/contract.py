"""The parsed contract seen as a whole: its types by name, their members, its endpoints.

It takes wrong contracts too, for the checks to look at: where something is given twice, the first counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from lark import Token

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.problem import piece
from zero_codegen.api.rules import Rules, read_rules
from zero_codegen.source import ContractFile

BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str"})
"""The built-in names that generated code uses."""

ROUTES_NAMES = frozenset({"claims", "logic", "request", "rest"})
"""Names in the generated function `routes`, which no other name there may hide."""

_MODULES = frozenset({"abc", "builtins", "msgspec", "rest"})
"""Modules that generated classes refer to: an attribute of such a name would hide them."""


class Member(NamedTuple):
    """One field of a struct."""

    name: Token
    type: tree.Type
    rules: Rules

    @property
    def attribute(self) -> str:
        """Its name in Python."""
        return _attribute(self.name)

    @property
    def encoded(self) -> str:
        """Its name to msgspec: the one in JSON; values from elsewhere are bound by the attribute."""
        return str(self.rules.wire) if self.rules.source == "json" else self.attribute


class Record(NamedTuple):
    """A struct and the Python class made of it; `at` is its name, or the field that an inline one is of."""

    class_name: str
    at: Token
    struct: tree.Struct


class Endpoint(NamedTuple):
    """A route with what its `@server` group adds to it."""

    route: tree.Route
    server: tree.Server | None

    @property
    def segments(self) -> tuple[Token, ...]:
        """The pieces of the whole path, prefix first; parameters still have their colon."""
        prefix = self.server and self.server.entry("prefix")
        return tuple(
            segment
            for token in [*(prefix.values if prefix else ()), self.route.path]
            for segment in _split_path(token)
        )

    @property
    def path(self) -> str:
        """The whole path, without a slash at its end."""
        return "/" + "/".join(self.segments)

    @property
    def parameters(self) -> dict[str, Token]:
        """The path's parameters by name, without the colon."""
        return {
            segment[1:]: piece(segment, 1, len(segment))
            for segment in self.segments
            if segment.startswith(":") and len(segment) > 1
        }

    @property
    def group(self) -> str:
        entry = self.server and self.server.entry("group")
        return entry.text.strip("/") if entry else ""

    @property
    def jwt(self) -> Token | None:
        """The name of the group's `jwt:` settings."""
        entry = self.server and self.server.entry("jwt")
        return entry.values[0] if entry else None

    @property
    def attribute(self) -> str:
        """The name of its method in Python: the handler's, behind its group's unless it begins with that."""
        group, handler = naming.words(self.group), naming.words(self.route.handler)
        said = handler[: len(group)] == group
        return _attribute(self.route.handler if said else "_".join([*group, *handler]))


class Contract:
    """A contract and its parts."""

    def __init__(self, file: ContractFile, parsed: tree.File) -> None:
        self.file = file
        self.tree = parsed
        self.declarations: dict[str, tree.Declaration] = {}
        for declaration in parsed.declarations:
            self.declarations.setdefault(str(declaration.name), declaration)
        self.endpoints = tuple(
            Endpoint(route, service.server) for service in parsed.services for route in service.routes
        )
        self._members: dict[int, tuple[Member, ...]] = {}

    @property
    def service(self) -> str:
        """The service's name as written, or "" when there is none."""
        return str(self.tree.services[0].name) if self.tree.services else ""

    @property
    def base_class(self) -> str:
        """The class that logic implements: `UserApi` for the services `User` and `user-api`."""
        words = naming.words(self.service)
        return naming.pascal("_".join(words[:-1] if words[-1:] == ["api"] else words)) + "Api"

    @property
    def jwt(self) -> dict[str, Token]:
        """The distinct names of `jwt:` settings, each where it is used first."""
        names: dict[str, Token] = {}
        for endpoint in self.endpoints:
            if endpoint.jwt is not None:
                names.setdefault(tree.unquoted(endpoint.jwt), endpoint.jwt)
        return names

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Every struct, the declared ones and the inline ones within them, in the order of the text."""
        return tuple(
            record
            for declaration in self.tree.declarations
            for record in _records(class_name(declaration.name), declaration.name, declaration.type)
        )

    @cached_property
    def class_names(self) -> dict[int, str]:
        """The Python class of every struct, by the identity of the struct."""
        return {id(record.struct): record.class_name for record in self.records}

    def struct(self, type_: tree.Type | None) -> tree.Struct | None:
        """The struct that a type is, names or points to."""
        while isinstance(type_, tree.Pointer):
            type_ = type_.target
        if isinstance(type_, tree.Named):
            declaration = self.declarations.get(type_.at)
            type_ = declaration.type if declaration else None
        return type_ if isinstance(type_, tree.Struct) else None

    def members(self, struct: tree.Struct) -> tuple[Member, ...]:
        """The fields of a struct, those of embedded structs in their place."""
        if id(struct) not in self._members:
            self._members[id(struct)] = ()  # what a struct that embeds itself finds
            self._members[id(struct)] = tuple(self._collect(struct))
        return self._members[id(struct)]

    def _collect(self, struct: tree.Struct) -> Iterator[Member]:
        for part in struct.members:
            if isinstance(part, tree.Field):
                for name in part.names:
                    yield Member(name, part.type, read_rules(name, part.type, part.tag))
            elif embedded := self.struct(part.type):
                yield from self.members(embedded)


def class_name(name: str) -> str:
    """The Python class of a declared type."""
    return name[0].upper() + name[1:]


def _records(name: str, at: Token, type_: tree.Type) -> Iterator[Record]:
    match type_:
        case tree.Struct(members=members):
            yield Record(name, at, type_)
            for member in members:
                if isinstance(member, tree.Field):
                    first = member.names[0]
                    yield from _records(name + naming.pascal(first), first, member.type)
        case (
            tree.List(item=inner)
            | tree.Array(item=inner)
            | tree.Map(value=inner)
            | tree.Pointer(target=inner)
        ):
            yield from _records(name, at, inner)


def _attribute(name: str) -> str:
    attribute = naming.identifier(name)
    return f"{attribute}_" if attribute in _MODULES else attribute


def _split_path(token: Token) -> Iterator[Token]:
    inside = token.strip('"`')
    position = token.index(inside)
    for part in inside.split("/"):
        if part:
            yield piece(token, position, position + len(part))
        position += len(part) + 1
