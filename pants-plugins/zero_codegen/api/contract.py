"""The program seen as a whole: its types by name, their members, its endpoints.

It takes wrong contracts too, for the checks to look at: where something is given twice, the first counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from lark import Token

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.endpoint import Endpoint, Middleware
from zero_codegen.api.problem import line_of
from zero_codegen.api.program import Program, Unit
from zero_codegen.api.types import Types, class_name

SUFFIX = "_api"
"""Ends the names of the modules generated here: `user.api` becomes `user_api`."""

BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str"})
"""The built-in names that generated code uses."""

ROUTES_NAMES = frozenset({"claims", "logic", "request", "rest", "signature"})
"""Names in the generated function `routes`, which no other name there may hide."""


class Record(NamedTuple):
    """A struct and the Python class made of it; `at` is its name, or the field that an inline one is of."""

    class_name: str
    at: Token
    struct: tree.Struct


class Alias(NamedTuple):
    """Another name for a type, as Python has it, and where it is declared: `type Ids []int64`."""

    class_name: str
    at: Token
    type: tree.Type


class Contract(Types):
    """A program and its parts; what it declares, shares and imports is seen from its root file."""

    def __init__(self, program: Program) -> None:
        self.file = program.root.file
        self.tree = program.root.tree
        self.endpoints = tuple(
            Endpoint(route, tuple(filter(None, (route.server, service.server))))
            for unit in program.units
            for service in unit.tree.services
            for route in service.routes
        )
        responses = (endpoint.route.response for endpoint in self.endpoints)
        super().__init__(program, [body.type for body in responses if body and body.type])

    @cached_property
    def service(self) -> str:
        """The service's name as written, or "" when there is none."""
        names = (str(service.name) for unit in self.program.units for service in unit.tree.services)
        return next(names, "")

    @property
    def base_class(self) -> str:
        """The class that logic implements: `UserApi` for the services `User` and `user-api`."""
        words = naming.words(self.service)
        return naming.pascal("_".join(words[:-1] if words[-1:] == ["api"] else words)) + "Api"

    @cached_property
    def jwts(self) -> Mapping[str, Token]:
        """The distinct names of `jwt:` settings, each where it is used first."""
        return _first(endpoint.jwt for endpoint in self.endpoints)

    @cached_property
    def transitions(self) -> Mapping[str, Token]:
        """The distinct names of `jwtTransition:` settings, each where it is used first."""
        return _first(endpoint.jwt_transition for endpoint in self.endpoints)

    @cached_property
    def middlewares(self) -> tuple[Middleware, ...]:
        """The distinct middlewares in the order of their first use, there."""
        first: dict[str, Middleware] = {}
        for middleware in (each for endpoint in self.endpoints for each in endpoint.middlewares):
            first.setdefault(middleware.attribute, middleware)
        return tuple(first.values())

    def info(self, key: str) -> str:
        """What the `info` of the root file says under a key, or ""."""
        entries = (entry for info in self.tree.infos for entry in info.entries)
        return next((entry.text for entry in entries if entry.key == key), "")

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Every struct that the module declares, the inline ones too, in the order of the text."""
        return tuple(
            record
            for unit in self.program.units
            if self._home(unit) is self.program.root
            for record in records_of(unit)
        )

    @cached_property
    def aliases(self) -> tuple[Alias, ...]:
        """The other types that the module declares, each behind those that it is made of."""
        own = {
            str(declaration.name): declaration
            for unit in self.program.units
            if self._home(unit) is self.program.root
            for declaration in unit.tree.declarations
            if not isinstance(declaration.type, tree.Struct)
        }
        ordered: dict[str, Alias] = {}

        def visit(declaration: tree.Declaration) -> None:
            if own.pop(str(declaration.name), None) is None:
                return
            for inner in tree.names_in(declaration.type):
                if inner in own:
                    visit(own[inner])
            name = class_name(declaration.name)
            ordered[name] = Alias(name, declaration.name, declaration.type)

        for declaration in tuple(own.values()):
            visit(declaration)
        return tuple(ordered.values())

    @cached_property
    def imports(self) -> Mapping[str, tuple[str, ...]]:
        """The classes and aliases that the module uses and others declare, by the name of their module."""
        used: dict[str, set[str]] = {}
        for type_ in self._used():
            for part in tree.parts(type_):
                if isinstance(part, tree.Named):
                    declaration = self.declarations.get(part.at)
                    at, name = (declaration.name, class_name(part.at)) if declaration else (None, "")
                elif isinstance(part, tree.Struct):
                    at, name = part.at, self.class_names[id(part)]
                else:
                    continue
                home = self._home(self.program.unit(at)) if at is not None else self.program.root
                if home is not self.program.root:
                    used.setdefault(home.file.module(SUFFIX), set()).add(name)
        return {module: tuple(sorted(names)) for module, names in sorted(used.items())}

    @cached_property
    def class_names(self) -> Mapping[int, str]:
        """The Python class of every struct of the program, by the identity of the struct."""
        return {
            id(record.struct): record.class_name for unit in self.program.units for record in records_of(unit)
        }

    def comments(self, first: Token, last: Token | None = None) -> str:
        """What comments say of the code from one word to another (or of the one): above it and beside it."""
        comments = self.program.unit(first).tree.comments
        return comments.around(line_of(first), line_of(first if last is None else last))

    def content(self, endpoint: Endpoint) -> str | None:
        """The media type of a response that is no JSON: `([]byte)` or `(string)` with `@doc (produces: …)`."""
        response = endpoint.route.response
        if response is None or not endpoint.produces or "json" in endpoint.produces.lower():
            return None
        scalar = self.scalar(response.type)
        is_text = scalar is not None and scalar.kind == "string"
        return endpoint.produces if is_text or self.is_bytes(response.type) else None

    def _home(self, unit: Unit) -> Unit:
        """The file whose module declares the types of a file: its own, unless they need what it does not import."""
        return unit if unit.is_whole else self.program.root

    def _used(self) -> Iterator[tree.Type]:
        """The types that annotations of the module are made of."""
        for record in self.records:
            yield from (member.type for member in self.members(record.struct))
        yield from (alias.type for alias in self.aliases)
        for endpoint in self.endpoints:
            for body in (endpoint.route.request, endpoint.route.response):
                if body and body.type:
                    yield body.type


def records_of(unit: Unit) -> Iterator[Record]:
    """Every struct of a file, the declared ones and the inline ones, in the order of the text."""
    for declaration in unit.tree.declarations:
        yield from _records(class_name(declaration.name), declaration.name, declaration.type)


def _first(names: Iterable[Token | None]) -> Mapping[str, Token]:
    found: dict[str, Token] = {}
    for name in names:
        if name is not None:
            found.setdefault(str(name), name)
    return found


def _records(name: str, at: Token, type_: tree.Type, *, inside: bool = False) -> Iterator[Record]:
    match type_:
        case tree.Struct(members=members):
            yield Record(name, at, type_)
            for member in members:
                if isinstance(member, tree.Field):
                    first = member.names[0]
                    yield from _records(name + naming.pascal(first), first, member.type, inside=True)
        case (
            tree.List(item=inner)
            | tree.Array(item=inner)
            | tree.Map(value=inner)
            | tree.Pointer(target=inner)
        ):
            # The name itself is that of the list, where a declaration has one.
            yield from _records(name if inside else f"{name}Item", at, inner, inside=True)
