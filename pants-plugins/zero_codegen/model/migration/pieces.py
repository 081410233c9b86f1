"""A table in the pieces that a migration adds and drops: their names in one database, and their SQL."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zero_codegen.model.schema import Contract, Table
from zero_codegen.model.settings import Dialect
from zero_codegen.model.sql import ddl
from zero_codegen.model.sql.names import constraint_name, index_name
from zero_codegen.model.types import Enum

_TYPE_CHECK = re.compile(r" (CONSTRAINT ([\"`])(.+?)\2 CHECK \(.*\))$", re.DOTALL)
"""What `ddl` puts at the end of a column that has to be held to its type."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: its clause, its columns, and the table and columns that it refers to."""

    clause: str
    columns: tuple[str, ...]
    table: str
    referred: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pieces:
    """A table of one database. Names are not quoted and the keys of mappings.

    `columns` hold what stands behind their names but the checks of their types, which are among the `checks`;
    `uniques` are the indexes within CREATE TABLE (in MySQL all), `indexes` statements; `covered` are the
    columns of either, and of the primary key under "". `enums` are the columns whose type is one of `types`.
    """

    whole: ddl.Parts
    columns: Mapping[str, str]
    generated: frozenset[str]
    uniques: Mapping[str, str]
    covered: Mapping[str, tuple[str, ...]]
    checks: Mapping[str, str]
    references: Mapping[str, Reference]
    options: str
    comments: Mapping[str, str]
    enums: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def key(self) -> str:
        return self.whole.key

    @property
    def indexes(self) -> Mapping[str, str]:
        return self.whole.indexes

    @property
    def types(self) -> Mapping[str, str]:
        return self.whole.types


def pieces(contract: Contract, table: Table, dialect: Dialect) -> Pieces:
    """The pieces of a table in a database."""
    whole = ddl.parts(contract, table, dialect)
    whole = dataclasses.replace(whole, options=_without_counter(whole.options))
    names = {index_name(contract, table, index, dialect): index for index in table.indexes}
    columns, checks = dict(whole.columns), {}
    for name, text in whole.columns.items():
        if dialect != "sqlite" and (found := _TYPE_CHECK.search(text)):
            columns[name], checks[found[3]] = text[: found.start()], found[1]
    checks |= {name: text for name, text in whole.constraints.items() if name not in names}
    keys = {constraint_name(contract, table, key.name, dialect): key for key in table.foreign_keys}
    return Pieces(
        whole=whole,
        columns=columns,
        generated=frozenset(column.name for column in table.columns if column.generated),
        uniques={name: text for name, text in whole.constraints.items() if name in names},
        covered={
            "": tuple(column.name for column in table.key),
            **{name: tuple(column.name for column in index.columns) for name, index in names.items()},
        },
        checks=checks,
        references={
            name: Reference(
                text,
                tuple(column.name for column in keys[name].columns),
                keys[name].table,
                keys[name].referred,
            )
            for name, text in whole.foreign_keys.items()
        },
        options=whole.options,
        comments={statement.partition(" IS ")[0]: statement for statement in whole.comments},
        enums=_enums(contract, table) if whole.types else {},
    )


def created(table: Pieces, dialect: Dialect) -> tuple[str, ...]:
    """The statements that make the table and what belongs to it, but no types."""
    return ddl.created(dataclasses.replace(table.whole, types={}), dialect)


def in_order(tables: Sequence[Pieces]) -> list[Pieces]:
    """The same tables, each behind those that it refers to; there are no cycles, as the contracts were
    checked."""
    left = {table.name: table for table in tables}
    found: list[Pieces] = []

    def take(table: Pieces) -> None:
        for reference in table.references.values():
            if referred := left.pop(reference.table, None):
                take(referred)
        found.append(table)

    for table in tables:
        if left.pop(table.name, None):
            take(table)
    return found


def altered(table: str, actions: Sequence[str]) -> str:
    """An ALTER TABLE of a quoted table, with a line for each of several actions."""
    separator = "\n  " if len(actions) > 1 else " "
    return f"ALTER TABLE {table}{separator}" + f",{separator}".join(actions)


def gone(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names of `before` whose text is not the same in `after`."""
    return [name for name, text in before.items() if after.get(name) != text]


def _enums(contract: Contract, table: Table) -> dict[str, str]:
    types = {enum.name: enum.type_name for enum in contract.enums if enum.type_name}
    return {
        column.name: types[type_.class_name]
        for column in table.columns
        if isinstance(type_ := column.type.stored, Enum) and type_.class_name in types
    }


def _without_counter(options: str) -> str:
    """The options of a table but where its generated keys begin, which says something of its rows
    (mysqldump)."""
    return re.sub(r"\bAUTO_INCREMENT\s*=?\s*\d+\s*", "", options, flags=re.IGNORECASE).strip()
