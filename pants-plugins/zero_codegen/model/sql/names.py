"""What databases call the parts of a table, and which of these names are in each other's way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zero_codegen.model.schema import Column, Contract, Index, Table
from zero_codegen.model.settings import Dialect

MAX_NAME = 63
"""Octets of a name in PostgreSQL, which cuts longer ones; MySQL takes one character more."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A name that something of a table takes in a database, where it is the only one in its scope.

    `scope` is the table, or "" where all tables share one. `own` is what the contract calls it.
    """

    dialect: Dialect
    scope: str
    name: str
    table: Table
    kind: str
    own: str

    def __str__(self) -> str:
        of = "" if self.kind == "table" else f" of `{self.table.name}`"
        return f"the {self.kind} `{self.own}`{of}"


def quoted_name(name: str, dialect: Dialect) -> str:
    """A name as statements of a database write it."""
    quote = "`" if dialect == "mysql" else '"'
    return f"{quote}{name.replace(quote, quote * 2)}{quote}"


def quoted_names(columns: Iterable[Column], dialect: Dialect) -> str:
    """Names of columns with commas between them."""
    return ", ".join(quoted_name(column.name, dialect) for column in columns)


def key_name(contract: Contract, table: Table) -> str:
    """The name of the primary key in PostgreSQL, the only one that lets it have another than PRIMARY."""
    return table.key_name if contract.dialect == "postgresql" else of_table(table, "pkey")


def index_name(contract: Contract, table: Table, index: Index, dialect: Dialect) -> str:
    """The name of an index. Those of all tables share one name space in SQLite and PostgreSQL."""
    if dialect == "sqlite":
        return f"{table.name}.{index.name}"
    if dialect == "postgresql" != contract.dialect:
        return of_table(table, index.name)
    return cut(index.name)


def constraint_name(contract: Contract, table: Table, constraint: str, dialect: Dialect) -> str:
    """The name of a foreign key or of a check. Those of all tables share one name space in MySQL."""
    if dialect == contract.dialect:
        return constraint
    if constraint.casefold() in (column.name.casefold() for column in table.columns):
        constraint += "_"  # the name itself has what the type of the column does not refuse
    return of_table(table, constraint) if dialect == "mysql" else cut(constraint)


def of_table(table: Table, own_name: str) -> str:
    """A name that is none of another table's, cut to what databases take."""
    return cut(own_name if own_name.startswith(f"{table.name}_") else f"{table.name}_{own_name}")


def cut(name: str) -> str:
    """The name, as far as databases take it; what makes it another one than those that begin the same."""
    octets = name.encode()
    if len(octets) <= MAX_NAME:
        return name
    digest = hashlib.sha256(octets).hexdigest()[:8]
    return f"{octets[: MAX_NAME - 9].decode(errors='ignore')}_{digest}"


def taken(contract: Contract) -> Iterator[Taken]:
    """The names that the tables of a contract take in databases where they could be in each other's way."""
    for table in contract.tables:
        yield Taken("postgresql", "", table.name, table, "table", table.name)
        name = key_name(contract, table)
        yield Taken("postgresql", "", name, table, "primary key", name)
        for index in table.indexes:
            name = index_name(contract, table, index, "postgresql")
            yield Taken("postgresql", "", name, table, "index", index.name)
            if index.unique and index.is_constraint:
                yield Taken("postgresql", table.name, name, table, "unique index", index.name)
            name = index_name(contract, table, index, "mysql")
            yield Taken("mysql", table.name, name, table, "index", index.name)
        constraints = [("foreign key", key.name) for key in table.foreign_keys]
        constraints += [("condition", check.name) for check in table.checks]
        for kind, own in constraints:
            name = constraint_name(contract, table, own, "postgresql")
            yield Taken("postgresql", table.name, name, table, kind, own)
            name = constraint_name(contract, table, own, "mysql")
            yield Taken("mysql", "", name, table, kind, own)
            if kind == "condition":  # one statement drops either
                yield Taken("mysql", table.name, name, table, kind, own)
