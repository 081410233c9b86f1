"""The methods, the classes of results and the statements that own statements become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zero_codegen import naming
from zero_codegen.model.emit.expressions import Names
from zero_codegen.model.emit.literals import literal
from zero_codegen.model.queries.query import Member, Query
from zero_codegen.model.schema import Contract, Table
from zero_codegen.model.settings import DIALECTS
from zero_codegen.python import Bracketed, Piece, joined, layout, string, tuple_literal
from zero_codegen.templates import render

STREAM = ("AbstractAsyncContextManager", "AsyncIterator")
"""What a module with a `:stream` imports, of `contextlib` and of `collections.abc`."""


@dataclass(frozen=True, slots=True)
class View:
    """What the template of `_model.py` puts in its places."""

    contract: Contract

    @property
    def used(self) -> Iterator[str]:
        """Every text that may name a module of the standard library or, for streams, one of `STREAM`."""
        for query in self._views():
            for parameter in query.query.parameters:
                yield parameter.type.annotation
            for name, type_ in query.query.values:
                yield str(type_.encode(name))
            for member in query.query.members:
                yield member.type.annotation
                yield str(member.type.decode("row[0]", nullable=member.nullable))
            if query.query.command == "stream":
                yield from STREAM

    @property
    def imports(self) -> frozenset[tuple[str, str]]:
        """Modules and names in them that annotations need beside the standard library's."""
        types = [parameter.type for query in self.contract.queries for parameter in query.parameters]
        types += [member.type for query in self.contract.queries for member in query.members]
        return frozenset(source for type_ in types for source in type_.imports)

    @property
    def structs(self) -> str:
        """The classes of results, as source, each behind two blank lines; "" when there are none."""
        return _render("structs.py.jinja", self._views())

    def methods(self, table: Table) -> str:
        """The methods of a repository, each behind a blank line and indented by 4; "" when there are none."""
        return _render("methods.py.jinja", self._views(table))

    def statements(self, table: Table) -> str:
        """The functions that make results of rows, and the class of statements; "" when there are none."""
        return _render("statements.py.jinja", self._views(table))

    def _views(self, table: Table | None = None) -> list[_QueryView]:
        return [_QueryView(query) for query in self.contract.queries if table in (None, query.table)]


def _render(template: str, views: list[_QueryView]) -> str:
    if not views:
        return ""
    return render(
        __file__, template, queries=views, table=views[0].query.table, literal=literal, dialects=DIALECTS
    )


class _QueryView:
    """A query as the templates ask for it."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.title = f"{query.table.name}.{query.name}"
        self.is_struct = len(query.members) > 1
        self.decoder = f"_{query.name}_row" if self.is_struct else Names(query.row_of or query.table).decoder

    @property
    def class_name(self) -> str:
        return naming.pascal(self.query.name)

    @property
    def doc(self) -> str:
        query = self.query
        told = {
            "one": "" if query.is_sure else "None when there is no such row.",
            "many": "",
            "stream": "One row after the other, in a transaction or not: `async with … as rows`.",
            "exec": "Returns how many rows it found.",
        }[query.command]
        collision = "Raises `model.DuplicateKey` when a unique index has its values already."
        about = query.comment or f"Runs the statement ``{self.title}``."
        return "\n\n".join(
            filter(None, (about, " ".join(filter(None, (told, collision if query.unique else "")))))
        )

    @property
    def signature(self) -> str:
        parameters = [
            f"{parameter.name}: {_annotation(parameter.type.annotation, parameter.nullable)}"
            for parameter in self.query.parameters
        ]
        word = "def" if self.query.command == "stream" else "async def"
        head, items = f"{word} {self.query.name}(", ("self", *(["*", *parameters] if parameters else []))
        return layout(Bracketed(head, items, f") -> {self._returned}:"), 4)

    @property
    def body(self) -> str:
        query = self.query
        arguments: tuple[Piece, ...] = (f"_{query.table.row_class}Queries.{query.name}", self._values)
        if query.command == "exec":
            types = dict(query.values)
            key = tuple_literal([types[name].encode(name, nullable=False) for name in query.key])
            arguments += (key,) if query.key else ()
            return layout(Bracketed("return await self._execute(", arguments, ")"), 8)
        method = {"one": "_fetch_one", "many": "_fetch_all", "stream": "_fetch_stream"}[query.command]
        call = Bracketed(f"self.{method}(", (*arguments, self._decode), ")")
        if query.command == "stream":
            return layout(joined("return ", call), 8)
        if query.is_sure and not (query.members and query.members[0].nullable and not self.is_struct):
            return (
                layout(joined(f"found: {self._result} | None = await ", call), 8)
                + '\n        assert found is not None, "an aggregate has a row always"\n        return found'
            )
        return layout(joined("return await ", call), 8)

    @property
    def decoder_signature(self) -> str:
        return layout(Bracketed(f"def {self.decoder}(", ("row: model.Row",), f") -> {self.class_name}:"))

    @property
    def members(self) -> list[tuple[str, str, str]]:
        """Name, annotation and argument of each member of the class of results."""
        return [
            (
                member.name,
                _annotation(member.type.annotation, member.nullable),
                layout(_decoded(member, index), 8, ","),
            )
            for index, member in enumerate(self.query.members)
        ]

    @property
    def unique(self) -> list[tuple[str, str]]:
        """The unique indexes that the statement may violate, with their columns."""
        return [
            (string(name), layout(tuple_literal([string(column) for column in columns]), 12, ","))
            for name, columns in self.query.unique
        ]

    @property
    def _result(self) -> str:
        query = self.query
        if query.row_of is not None:
            return query.row_of.row_class
        if self.is_struct:
            return self.class_name
        (member,) = query.members
        return _annotation(member.type.annotation, member.nullable)

    @property
    def _returned(self) -> str:
        query = self.query
        if query.command == "exec":
            return "int"
        if query.command == "many":
            return f"list[{self._result}]"
        if query.command == "stream":
            return f"AbstractAsyncContextManager[AsyncIterator[{self._result}]]"
        return self._result if query.is_sure or self._result.endswith(" | None") else f"{self._result} | None"

    @property
    def _values(self) -> Piece:
        nullable = {parameter.name: parameter.nullable for parameter in self.query.parameters}
        return tuple_literal(
            [type_.encode(name, nullable=nullable[name]) for name, type_ in self.query.values]
        )

    @property
    def _decode(self) -> Piece:
        if self.query.row_of is not None or self.is_struct:
            return self.decoder
        return joined("lambda row: ", _decoded(self.query.members[0], 0))


def _decoded(member: Member, index: int) -> Piece:
    return member.type.decode(f"row[{index}]", nullable=member.nullable)


def _annotation(annotation: str, nullable: bool) -> str:
    return f"{annotation} | None" if nullable else annotation
