"""The tree of a parsed `.api` file: what was written and where, not yet what it means.

Words are lark's `Token`: a str that knows its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from lark import Token

from zero_codegen.api.problem import line_of, piece
from zero_codegen.api.tags import Tag


@dataclass(frozen=True, slots=True)
class Named:
    """A type by its name, Go's own (`int64`) or a declared one."""

    at: Token


@dataclass(frozen=True, slots=True)
class AnyType:
    """`any` or `interface{}`."""

    at: Token


@dataclass(frozen=True, slots=True)
class Map:
    at: Token
    key: Type
    value: Type


@dataclass(frozen=True, slots=True)
class List:
    at: Token
    item: Type


@dataclass(frozen=True, slots=True)
class Array:
    """`[3]T`; `length` is `...` where the text has it."""

    at: Token
    length: Token
    item: Type


@dataclass(frozen=True, slots=True)
class Pointer:
    at: Token
    target: Type


@dataclass(frozen=True, slots=True)
class Struct:
    at: Token
    members: tuple[Field | Embedded, ...]


Type: TypeAlias = Named | AnyType | Map | List | Array | Pointer | Struct


@dataclass(frozen=True, slots=True)
class Field:
    """`A, B int` with an optional tag: one or more members of one type."""

    names: tuple[Token, ...]
    type: Type
    tag: Tag | None


@dataclass(frozen=True, slots=True)
class Embedded:
    """A type without a field name: its fields count as those of the struct around it."""

    type: Named
    pointer: bool
    tag: Tag | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """`Name {...}`; `equals` is there in the alias form `Name = T`."""

    name: Token
    equals: Token | None
    type: Type


class Entry(NamedTuple):
    """`key: value` of an info, `@server` or `@doc` group; `values` has more than one for `A, B`."""

    key: Token
    values: tuple[Token, ...]

    @property
    def text(self) -> str:
        """The value without its quotes."""
        return ", ".join(map(unquoted, self.values))


class Syntax(NamedTuple):
    keyword: Token
    version: Token


class Info(NamedTuple):
    keyword: Token
    entries: tuple[Entry, ...]


class Imports(NamedTuple):
    keyword: Token
    paths: tuple[Token, ...]


class Server(NamedTuple):
    keyword: Token
    entries: tuple[Entry, ...]

    def entry(self, key: str) -> Entry | None:
        """The entry of that key."""
        return next((entry for entry in self.entries if entry.key == key), None)


class Doc(NamedTuple):
    keyword: Token
    text: Token | None
    entries: tuple[Entry, ...]


class Body(NamedTuple):
    """`(T)`; `type` is None in `()`."""

    at: Token
    type: Type | None


class Route(NamedTuple):
    """One route; `first` is its first word, that of its documentation, settings or handler.

    `handler` is where `@handler` has it, or the `handler` of the route's own `@server`. `is_settled` is False where
    some of its settings, or of its service's, could not be read.
    """

    first: Token
    doc: Doc | None
    server: Server | None
    handler: Token
    method: Token
    path: Token
    request: Body | None
    response: Body | None
    is_settled: bool = True


class Handler(NamedTuple):
    keyword: Token
    name: Token


class Service(NamedTuple):
    server: Server | None
    keyword: Token
    name: Token
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments of a file, by line."""

    own_line: dict[int, Token]
    """Comments with no code before them on their line, by the line they end at."""
    by_line: dict[int, list[Token]]
    """All comments, by the line they start at."""

    def around(self, first: int, last: int) -> str:
        """What is said of the code in these lines: the block of comments right above, and those in the lines.

        A blank line ends the block, so a comment that stands alone belongs to nothing.
        """
        above: list[Token] = []
        line = first - 1
        while comment := self.own_line.get(line):
            above.append(comment)
            line = line_of(comment) - 1
        beside = (comment for line in range(first, last + 1) for comment in self.by_line.get(line, ()))
        return "\n".join(_comment_text(comment) for comment in [*reversed(above), *beside]).strip("\n")


class Types(NamedTuple):
    """A `type` statement: one declaration, or a group of any number in parentheses."""

    keyword: Token
    declarations: tuple[Declaration, ...]


Statement: TypeAlias = Syntax | Info | Imports | Types | Service


@dataclass(frozen=True)
class File:
    """A whole `.api` file: its statements in the order of the text, and every word and comment it is made of."""

    statements: tuple[Statement, ...]
    words: tuple[Token, ...]
    comments: Comments

    @cached_property
    def syntaxes(self) -> tuple[Syntax, ...]:
        return tuple(statement for statement in self.statements if isinstance(statement, Syntax))

    @cached_property
    def infos(self) -> tuple[Info, ...]:
        return tuple(statement for statement in self.statements if isinstance(statement, Info))

    @cached_property
    def imports(self) -> tuple[Imports, ...]:
        return tuple(statement for statement in self.statements if isinstance(statement, Imports))

    @cached_property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(
            declaration
            for statement in self.statements
            if isinstance(statement, Types)
            for declaration in statement.declarations
        )

    @cached_property
    def services(self) -> tuple[Service, ...]:
        return tuple(statement for statement in self.statements if isinstance(statement, Service))


def parts(type_: Type) -> Iterator[Type]:
    """A type and all that it is written with; the members of structs are not looked into."""
    yield type_
    match type_:
        case List(item=inner) | Array(item=inner) | Pointer(target=inner):
            yield from parts(inner)
        case Map(key=key, value=value):
            yield from parts(key)
            yield from parts(value)


def names_in(type_: Type) -> Iterator[Token]:
    """The names in a type, those in its structs included."""
    for part in parts(type_):
        match part:
            case Named(at=name):
                yield name
            case Struct(members=members):
                for member in members:
                    yield from names_in(member.type)


def unquoted(value: Token) -> str:
    """The text of a value without the quotes it may have."""
    return value[1:-1] if value.type in ("STRING", "RAW") else str(value)


def bare(value: Token) -> Token:
    """A value without the quotes it may have, still at its place."""
    return piece(value, 1, len(value) - 1) if value.type in ("STRING", "RAW") else value


def _comment_text(comment: Token) -> str:
    if comment.startswith("//"):
        return comment[2:].strip()
    lines = (line.strip().removeprefix("*").strip() for line in comment[2:-2].strip("*").split("\n"))
    return "\n".join(lines).strip("\n")
