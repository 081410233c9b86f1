"""The finished text of every statement of a repository, in each database's words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from zero_codegen.model import ddl
from zero_codegen.model.schema import Column, Now, Table


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, for SQLite and for MySQL."""

    sqlite: str
    mysql: str


def insert(table: Table) -> Statement:
    """Of one row; a time that is left out is the current one."""
    return Statement(_SQLITE.insert(table), _MYSQL.insert(table))


def find(table: Table, columns: Sequence[Column], *, ordered: bool = False) -> Statement:
    """Of the rows with given values in some columns; `ordered` by key where there may be several."""
    return Statement(_SQLITE.find(table, columns, ordered), _MYSQL.find(table, columns, ordered))


def update(table: Table) -> Statement:
    """Of one row by its key; times that follow updates become the current one."""
    return Statement(_SQLITE.update(table), _MYSQL.update(table))


def delete(table: Table) -> Statement:
    """Of one row by its key."""
    return Statement(_SQLITE.delete(table), _MYSQL.delete(table))


class _Dialect(ABC):
    placeholder: str
    empty_insert: str

    @abstractmethod
    def name(self, name: str) -> str: ...

    @abstractmethod
    def now(self, column: Column) -> str: ...

    def operand(self, column: Column) -> str:
        """The placeholder in a comparison with a column."""
        return self.placeholder

    def insert(self, table: Table) -> str:
        into = f"INSERT INTO {self.name(table.name)}"
        if not table.inserted:
            return f"{into} {self.empty_insert}"
        values = [
            (
                f"COALESCE({self.placeholder}, {self.now(column)})"
                if column.default is Now.NOW
                else self.placeholder
            )
            for column in table.inserted
        ]
        return f"{into} ({self.names(table.inserted)}) VALUES ({', '.join(values)})"

    def find(self, table: Table, columns: Sequence[Column], ordered: bool) -> str:
        order = f" ORDER BY {self.names(table.key)}" if ordered else ""
        return f"SELECT {self.names(table.columns)} FROM {self.name(table.name)}{self.where(columns)}{order}"

    def update(self, table: Table) -> str:
        values = [f"{self.name(column.name)} = {self.placeholder}" for column in table.updated]
        values += [
            f"{self.name(column.name)} = {self.now(column)}" for column in table.columns if column.stamped
        ]
        return f"UPDATE {self.name(table.name)} SET {', '.join(values)}{self.where(table.key)}"

    def delete(self, table: Table) -> str:
        return f"DELETE FROM {self.name(table.name)}{self.where(table.key)}"

    def where(self, columns: Sequence[Column]) -> str:
        conditions = [f"{self.name(column.name)} = {self.operand(column)}" for column in columns]
        return f" WHERE {' AND '.join(conditions)}"

    def names(self, columns: Sequence[Column]) -> str:
        return ", ".join(self.name(column.name) for column in columns)


class _Sqlite(_Dialect):
    placeholder = "?"
    empty_insert = "DEFAULT VALUES"

    def name(self, name: str) -> str:
        return ddl.sqlite_name(name)

    def now(self, column: Column) -> str:
        return ddl.sqlite_now(column)


class _MySql(_Dialect):
    placeholder = "%s"
    empty_insert = "() VALUES ()"

    def name(self, name: str) -> str:
        return ddl.mysql_name(name)

    def now(self, column: Column) -> str:
        return ddl.mysql_now(column)

    def operand(self, column: Column) -> str:
        return column.type.mysql_operand()


_SQLITE, _MYSQL = _Sqlite(), _MySql()
