"""From what the parser reduces to the tree: a method for each rule of the grammar."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args

from zero_codegen.api import tree
from zero_codegen.api.problem import Problem, piece, without_space
from zero_codegen.api.rules import SOURCES
from zero_codegen.api.tags import read_tag

_MAX_DEPTH = 60
"""Types within types; the passes over them recurse as deep."""


@v_args(inline=True)
class Builder(Transformer[Token, Any]):
    """Makes the tree, and tells of what is wrong in ways that a grammar cannot say well."""

    def __init__(self) -> None:
        super().__init__()
        self.begin([])

    def begin(self, problems: list[Problem]) -> None:
        """A text begins; what is wrong with it goes to `problems`."""
        self._problems = problems
        self._depths: dict[int, int] = {}

    def start(self, *statements: tree.Statement) -> list[tree.Statement]:
        return list(statements)

    def syntax(self, keyword: Token, version: Token) -> tree.Syntax:
        return tree.Syntax(keyword, version)

    def info(self, keyword: Token, *entries: tree.Entry) -> tree.Info:
        return tree.Info(keyword, entries)

    def imports(self, keyword: Token, *paths: Token) -> tree.Imports:
        return tree.Imports(keyword, paths)

    def types(self, keyword: Token, *declarations: tree.Declaration) -> tree.Types:
        return tree.Types(keyword, declarations)

    def declaration(self, name: Token, equals: Token | None, type_: tree.Type) -> tree.Declaration:
        return tree.Declaration(name, equals, type_)

    def named(self, name: Token) -> tree.Type:
        return tree.Named(name)

    def any_type(self, at: Token) -> tree.Type:
        return tree.AnyType(at)

    def map_type(self, at: Token, key: tree.Type, value: tree.Type) -> tree.Type:
        return self._nested(tree.Map(at, key, value), key, value)

    def list_type(self, at: Token, item: tree.Type) -> tree.Type:
        return self._nested(tree.List(at, item), item)

    def array_type(self, at: Token, length: Token, item: tree.Type) -> tree.Type:
        return self._nested(tree.Array(at, length, item), item)

    def pointer(self, at: Token, target: tree.Type) -> tree.Type:
        return self._nested(tree.Pointer(at, target), target)

    def struct(self, at: Token, *members: tree.Field | tree.Embedded) -> tree.Type:
        return self._nested(tree.Struct(at, members), *(member.type for member in members))

    def field(self, names: tuple[Token, ...], type_: tree.Type, tag: Token | None) -> tree.Field:
        return tree.Field(names, type_, read_tag(tag) if tag else None)

    def names(self, *names: Token) -> tuple[Token, ...]:
        return names

    def embedded(self, star: Token | None, name: Token, tag: Token | None) -> tree.Field | tree.Embedded:
        type_, read = tree.Named(name), read_tag(tag) if tag else None
        if read and any(key.name for key in read.keys if key.key in SOURCES):  # to Go, a field
            field_name = piece(name, name.rfind(".") + 1, len(name))
            return tree.Field((field_name,), tree.Pointer(star, type_) if star else type_, read)
        return tree.Embedded(type_, star is not None, read)

    def service(
        self, server: tree.Server | None, keyword: Token, name: Token, *routes: tree.Route | None
    ) -> tree.Service:
        named = tuple(route for route in routes if route is not None)
        return tree.Service(server, keyword, without_space(name), named)

    def server(self, keyword: Token, *entries: tree.Entry) -> tree.Server:
        return tree.Server(keyword, entries)

    def handler(self, keyword: Token, name: Token) -> tree.Handler:
        return tree.Handler(keyword, name)

    def doc(self, keyword: Token, *rest: Any) -> tree.Doc:
        if rest and isinstance(rest[0], Token):
            return tree.Doc(keyword, rest[0], ())
        return tree.Doc(keyword, None, rest)

    def body(self, at: Token, type_: tree.Type | None) -> tree.Body:
        return tree.Body(at, type_)

    def entry(self, key: Token, *values: Token) -> tree.Entry:
        return tree.Entry(key, values)

    def empty_entry(self, key: Token) -> tree.Entry:
        return tree.Entry(piece(key, 0, key.index(":")), ())

    def route(self, *parts: Any) -> tree.Route | None:
        *before, method, path, request, response = parts
        doc, server, handler = (self._one(before, kind) for kind in (tree.Doc, tree.Server, tree.Handler))
        named = server.entry("handler") if server else None
        if handler and named:
            message = f"the handler is `{handler.name}` and `{named.text}`"
            self._problems.append(Problem(named.key, message, "leave one of the two out"))
        name = handler.name if handler else tree.bare(named.values[0]) if named else None
        if name is None:
            message = f"the route `{method} {path}` has no handler"
            hint = "name its handler in the line above: `@handler Name`"
            self._problems.append(Problem(method, message, hint))
            return None
        return tree.Route(before[0].keyword, doc, server, name, method, path, request, response)

    def _one(self, parts: list[Any], kind: type[Any]) -> Any:
        """The one part of a kind that a route may have."""
        found = [part for part in parts if isinstance(part, kind)]
        for part in found[1:]:
            self._problems.append(Problem(part.keyword, f"the route has `{part.keyword}` twice"))
        return found[0] if found else None

    def _nested(self, type_: tree.Type, *inner: tree.Type) -> tree.Type:
        """The type, unless what it is made of is nested too deeply."""
        depth = 1 + max((self._depths.pop(id(each), 0) for each in inner), default=0)
        if depth > _MAX_DEPTH:
            type_ = tree.AnyType(type_.at)
            if depth == _MAX_DEPTH + 1:
                message = f"types are nested too deeply: more than {_MAX_DEPTH} of them"
                hint = "declare the inner ones under names of their own"
                self._problems.append(Problem(type_.at, message, hint))
        self._depths[id(type_)] = depth
        return type_
