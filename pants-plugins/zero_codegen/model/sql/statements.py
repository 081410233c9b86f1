"""The finished text of every statement of a repository, in each database's words.

A text is first written with marks where values go: the values come in the order of the marks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zero_codegen.model.schema import Column, Now, Table
from zero_codegen.model.settings import DIALECTS, Dialect
from zero_codegen.model.sql import ddl
from zero_codegen.model.sql.names import quoted_name

_MARK = "\0"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. A text is empty where a database does without it.

    `can_collide` says that it may violate a unique index.
    """

    name: str
    sqlite: str
    mysql: str
    postgresql: str
    writes: bool = False
    can_collide: bool = False


class Statements:
    """The statements of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._writers = {dialect: _Writer(table, dialect) for dialect in DIALECTS}
        self._has_unique = any(index.unique for index in table.indexes)

    def select(self) -> Statement:
        """Of all rows."""
        return self._statement("select", _Writer.select)

    def count(self) -> Statement:
        """Of the number of all rows."""
        return self._statement("count", _Writer.count)

    def present(self) -> Statement:
        """No statement: the condition that a row is not deleted."""
        return self._statement("present", _Writer.present)

    def find(self, name: str, columns: Sequence[Column], *, locks: bool = False) -> Statement:
        """Of the row with given values in some columns."""
        return self._statement(name, lambda writer: writer.find(columns, locks=locks), writes=locks)

    def find_many(self, name: str, columns: Sequence[Column]) -> Statement:
        """Of the rows with given values in some columns, ordered by key."""
        return self._statement(name, lambda writer: writer.find(columns, ordered=True))

    def insert(self) -> Statement:
        """Of one row, which comes back (not from MySQL); a time that is left out is the current one."""
        return self._statement("insert", _Writer.insert_returning, writes=True, can_collide=True)

    def insert_many(self) -> Statement:
        """The same, and nothing comes back."""
        return self._statement("insert_many", _Writer.insert, writes=True, can_collide=True)

    def upsert(self, name: str, columns: Sequence[Column]) -> Statement:
        """Of one row, which takes the place of the one with its values in some columns.

        MySQL inserts: its own form would take the place of a row with the values of any unique index.
        """
        return self._statement(name, lambda writer: writer.upsert(columns), writes=True, can_collide=True)

    def upsert_update(self, name: str, columns: Sequence[Column]) -> Statement:
        """What MySQL does when the row is there."""
        return self._statement(
            f"{name}_update",
            lambda writer: writer.upsert_update(columns) if writer.dialect == "mysql" else "",
            writes=True,
            can_collide=True,
        )

    def update(self) -> Statement:
        """Of one row by its key (and version); times that follow updates become the current one."""
        return self._statement("update", _Writer.update, writes=True, can_collide=self._has_unique)

    def update_columns(self) -> Statement:
        """The same of the columns with a true value before their own; a version that is NULL is any."""
        return self._statement(
            "update_columns", _Writer.update_columns, writes=True, can_collide=self._has_unique
        )

    def delete(self) -> Statement:
        """Of one row by its key; softly where the table has a column for that."""
        delete = _Writer.delete_softly if self._table.soft_delete else _Writer.delete
        return self._statement("delete", delete, writes=True)

    def restore(self) -> Statement:
        """Of one row that was deleted softly."""
        return self._statement("restore", _Writer.restore, writes=True)

    def purge(self) -> Statement:
        """Of one row by its key, deleted softly or not."""
        return self._statement("purge", _Writer.delete, writes=True)

    def _statement(
        self, name: str, write: Callable[[_Writer], str], *, writes: bool = False, can_collide: bool = False
    ) -> Statement:
        texts = {dialect: _finished(write(writer), dialect) for dialect, writer in self._writers.items()}
        can_collide = can_collide and (self._has_unique or not self._table.generated_key)
        return Statement(f"{self._table.name}.{name}", **texts, writes=writes, can_collide=can_collide)


def upsert_keys(table: Table) -> tuple[tuple[Column, ...], ...]:
    """The columns that tell which row an upsert means: the key or unique indexes that inserts tell."""
    candidates = [table.key, *(index.columns for index in table.indexes if index.unique)]
    told = {column.name for column in table.inserted if not column.nullable and column.default is not Now.NOW}
    return tuple(
        dict.fromkeys(columns for columns in candidates if told.issuperset(column.name for column in columns))
    )


class _Writer:
    """Writes for one database."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        self.dialect = dialect
        self._table = table
        self._name = quoted_name(table.name, dialect)
        self._names = {column.name: quoted_name(column.name, dialect) for column in table.columns}
        self._selected = ", ".join(
            column.type.selected(self._names[column.name], dialect) for column in table.columns
        )

    def select(self) -> str:
        return f"SELECT {self._selected} FROM {self._name}"

    def count(self) -> str:
        return f"SELECT COUNT(*) FROM {self._name}"

    def present(self) -> str:
        assert self._table.soft_delete is not None
        return f"{self._names[self._table.soft_delete.name]} IS NULL"

    def find(self, columns: Sequence[Column], *, ordered: bool = False, locks: bool = False) -> str:
        order = f" ORDER BY {self._listed(self._table.key)}" if ordered else ""
        lock = " FOR UPDATE" if locks and self.dialect != "sqlite" else ""
        return f"{self.select()}{self._where(columns)}{order}{lock}"

    def insert(self) -> str:
        table = self._table
        if not table.inserted:
            return (
                f"INSERT INTO {self._name} {'() VALUES ()' if self.dialect == 'mysql' else 'DEFAULT VALUES'}"
            )
        values = [
            f"COALESCE({_MARK}, {self._now(column)})" if column.default is Now.NOW else _MARK
            for column in table.inserted
        ]
        return f"INSERT INTO {self._name} ({self._listed(table.inserted)}) VALUES ({', '.join(values)})"

    def insert_returning(self) -> str:
        return f"{self.insert()}{self._returning()}"

    def upsert(self, columns: Sequence[Column]) -> str:
        if self.dialect == "mysql":
            return self.insert()
        changes = [f"{name} = excluded.{name}" for name in self._each(self._table.updated)]
        changes += self._kept_up(f"{self._name}.") + self._restored()
        if not changes:  # a row comes back only if it is written
            key = self._names[self._table.key[0].name]
            changes = [f"{key} = {self._name}.{key}"]
        conflict = f"ON CONFLICT ({self._listed(columns)}) DO UPDATE SET {', '.join(changes)}"
        return f"{self.insert()} {conflict}{self._returning()}"

    def upsert_update(self, columns: Sequence[Column]) -> str:
        changes = [*self._set(self._table.updated), *self._kept_up(), *self._restored()]
        key = self._names[self._table.key[0].name]
        where = self._where(columns, present=False)
        return f"UPDATE {self._name} SET {', '.join(changes or [f'{key} = {key}'])}{where}"

    def update(self) -> str:
        changes = [*self._set(self._table.updated), *self._kept_up()]
        version = f" AND {self._version} = {_MARK}" if self._table.version else ""
        return f"UPDATE {self._name} SET {', '.join(changes)}{self._where(self._table.key)}{version}"

    def update_columns(self) -> str:
        changes = [
            f"{name} = CASE WHEN {_MARK} THEN {_MARK} ELSE {name} END"
            for name in self._each(self._table.updated)
        ]
        changes += self._kept_up()
        version = f" AND {self._version} = COALESCE({_MARK}, {self._version})" if self._table.version else ""
        return f"UPDATE {self._name} SET {', '.join(changes)}{self._where(self._table.key)}{version}"

    def delete(self) -> str:
        return f"DELETE FROM {self._name}{self._where(self._table.key, present=False)}"

    def delete_softly(self) -> str:
        assert self._table.soft_delete is not None
        changes = [
            f"{self._names[self._table.soft_delete.name]} = {self._now(self._table.soft_delete)}",
            *self._kept_up(),
        ]
        return f"UPDATE {self._name} SET {', '.join(changes)}{self._where(self._table.key)}"

    def restore(self) -> str:
        assert self._table.soft_delete is not None
        changes = ", ".join([*self._restored(), *self._kept_up()])
        where = self._where(self._table.key, present=False)
        deleted = f"{self._names[self._table.soft_delete.name]} IS NOT NULL"
        return f"UPDATE {self._name} SET {changes}{where} AND {deleted}"

    @property
    def _version(self) -> str:
        assert self._table.version is not None
        return self._names[self._table.version.name]

    def _set(self, columns: Sequence[Column]) -> list[str]:
        return [f"{name} = {_MARK}" for name in self._each(columns)]

    def _kept_up(self, qualifier: str = "") -> list[str]:
        """What every update changes: the time of the last one, the version."""
        changes = [
            f"{self._names[column.name]} = {self._now(column)}"
            for column in self._table.columns
            if column.stamped
        ]
        if self._table.version:
            changes.append(f"{self._version} = {qualifier}{self._version} + 1")
        return changes

    def _restored(self) -> list[str]:
        deleted = self._table.soft_delete
        return [f"{self._names[deleted.name]} = NULL"] if deleted else []

    def _where(self, columns: Sequence[Column], *, present: bool = True) -> str:
        conditions = [
            f"{self._names[column.name]} = {column.type.operand(self.dialect).format(_MARK)}"
            for column in columns
        ]
        if present and self._table.soft_delete:
            conditions.append(self.present())
        return f" WHERE {' AND '.join(conditions)}"

    def _returning(self) -> str:
        return "" if self.dialect == "mysql" else f" RETURNING {self._selected}"

    def _now(self, column: Column) -> str:
        return ddl.now(column, self.dialect)

    def _each(self, columns: Sequence[Column]) -> list[str]:
        return [self._names[column.name] for column in columns]

    def _listed(self, columns: Sequence[Column]) -> str:
        return ", ".join(self._each(columns))


def _finished(text: str, dialect: Dialect) -> str:
    """The text with the placeholders of a database at its marks."""
    if dialect != "postgresql":
        return text.replace(_MARK, "?" if dialect == "sqlite" else "%s")
    first, *others = text.split(_MARK)
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))
