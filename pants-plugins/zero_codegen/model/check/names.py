"""Names: those of the generated module and those in databases, each of which is one thing only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import Token

from zero_codegen import naming
from zero_codegen.model.parse.lexicon import LEXICONS
from zero_codegen.model.parse.tokens import Mistake
from zero_codegen.model.schema import Contract, EnumClass, Table
from zero_codegen.model.settings import Dialect
from zero_codegen.model.sql.names import MAX_NAME, Taken, taken
from zero_codegen.model.syntax import CheckSyntax, FileSyntax, ForeignKeySyntax, KeySyntax, TableSyntax

_MODULE_NAMES = (
    "SCHEMA",
    "Final",
    "ClassVar",
    "Iterable",
    "AsyncIterator",
    "AbstractAsyncContextManager",
    "Any",
)
"""What generated modules have beside what is made of their contracts."""

_POSTGRESQL_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})

_PLURALS = {"table": "tables", "enum": "enums", "class": "classes"}


@dataclass(frozen=True, slots=True)
class _Owner:
    """What a name means."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} `{self.name}`"


def check_names(syntax: FileSyntax, tables: Iterable[Table], enums: Iterable[EnumClass]) -> Iterator[Mistake]:
    """What would be there twice."""
    owners = {name: _Owner("what generated modules call", name) for name in _MODULE_NAMES}
    for name, owner, token in _names(syntax, tables, enums):
        twin = owners.setdefault(name, owner)
        if twin == owner:
            continue
        both = f"{twin} and {owner}"
        if twin.kind == owner.kind:
            both = f"{_PLURALS[owner.kind]} `{twin.name}` and `{owner.name}`"
        hint = "import it by another name in a module of yours" if owner.kind == "class" else None
        yield Mistake([token], f"{both} have the same Python name `{name}`", hint)


def check_databases(contract: Contract, syntax: FileSyntax) -> Iterator[Mistake]:
    """What a database would not take: names that are too long, its own, or there twice."""
    for table in syntax.tables.values():
        yield from _untakable(table, contract.dialect)
    for enum in syntax.enums.values():
        yield from _too_long([enum.name])
    known: dict[tuple[Dialect, str, str], Taken] = {}
    for one in taken(contract):
        twin = known.setdefault((one.dialect, one.scope, one.name.casefold()), one)
        if twin is one or (twin.table, twin.kind, twin.own.casefold()) == (
            one.table,
            one.kind,
            one.own.casefold(),
        ):
            continue
        database = LEXICONS[one.dialect].title
        place = _place(one, syntax.tables[one.table.name.casefold()])
        yield Mistake(
            place,
            f"{twin} and {one} would both be `{one.name}` in {database}",
            "give one of them another name",
        )


def _place(one: Taken, syntax: TableSyntax) -> Sequence[Token]:
    """Where the contract has what takes a name."""
    parts: Mapping[str, Sequence[KeySyntax | ForeignKeySyntax | CheckSyntax]] = {
        "index": syntax.keys,
        "unique index": syntax.keys,
        "foreign key": syntax.foreign_keys,
        "condition": syntax.checks,
    }
    for part in parts.get(one.kind, ()):
        if part.name is not None and part.name.text == one.own:
            return [part.name]
    return [syntax.name]


def _untakable(table: TableSyntax, dialect: Dialect) -> Iterator[Mistake]:
    yield from _too_long([table.name, *(column.name for column in table.columns)])
    parts: Iterable[KeySyntax | ForeignKeySyntax | CheckSyntax] = (
        *table.keys,
        *table.foreign_keys,
        *table.checks,
    )
    if dialect == "postgresql":
        yield from _too_long(part.name for part in parts if part.name is not None)
    if table.name.text.casefold().startswith("sqlite_"):
        yield Mistake([table.name], "names of tables that begin with `sqlite_` are SQLite's own")
    for column in table.columns:
        if column.name.text.casefold() in _POSTGRESQL_COLUMNS:
            yield Mistake(
                [column.name], f"every table of PostgreSQL has a column `{column.name.text}` of its own"
            )


def _too_long(names: Iterable[Token]) -> Iterator[Mistake]:
    for token in names:
        if len(token.text.encode()) > MAX_NAME:
            yield Mistake([token], f"the name is longer than the {MAX_NAME} octets that PostgreSQL takes")


def _names(
    syntax: FileSyntax, tables: Iterable[Table], enums: Iterable[EnumClass]
) -> Iterator[tuple[str, _Owner, Token]]:
    for table, table_syntax in zip(tables, syntax.tables.values(), strict=True):
        for name in (table.row_class, table.new_class, table.columns_class, table.model_class):
            yield name, _Owner("table", table.name), table_syntax.name
    places = _places(syntax)
    for enum in enums:
        token, name = places[enum.type_name or enum.name, tuple(value for _, value in enum.members)]
        yield enum.name, _Owner("enum", name), token
    for table, table_syntax in zip(tables, syntax.tables.values(), strict=True):
        tokens = {column.name.text: column.name for column in table_syntax.columns}
        for column in table.columns:
            for module, name in sorted(column.type.imports):
                yield name, _Owner("class", f"{module}:{name}"), tokens[column.name]


def _places(syntax: FileSyntax) -> dict[tuple[str, tuple[str, ...]], tuple[Token, str]]:
    """Where an enum of a name and values is declared, and as what: a type, or the first column that is so."""
    places = {(enum.name.text, enum.values): (enum.name, enum.name.text) for enum in syntax.enums.values()}
    for table in syntax.tables.values():
        for column in table.columns:
            if column.type.values and not column.type.native:
                owner = f"{table.name.text}.{column.name.text}"
                places.setdefault((naming.pascal(owner), column.type.values), (column.name, owner))
    return places
