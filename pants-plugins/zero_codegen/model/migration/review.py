"""What a person has to look at before a migration runs: what it destroys, and what it may fail at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zero_codegen.model.schema import Column, Table
from zero_codegen.model.types import Char, ColumnType, Decimal, Enum, Integer


def remarks(old: Mapping[str, Table], new: Mapping[str, Table]) -> Iterator[str]:
    """Sentences about the way from the old tables to the new ones."""
    dropped = [table for name, table in old.items() if name not in new]
    added = [table for name, table in new.items() if name not in old]
    for table in dropped:
        yield f"`{table.name}` is dropped with all its rows."
        for other in added:
            if _shape(table) == _shape(other):
                yield (
                    f"Is `{other.name}` the new name of `{table.name}`, which has the same columns? "
                    f"Then write ALTER TABLE … RENAME TO instead."
                )
    for name, table in new.items():
        if name in old:
            yield from _table(old[name], table)


def summary(old: Mapping[str, Table], new: Mapping[str, Table], changed: set[str]) -> str:
    """What a migration does in a line: ``create order; change user``."""
    parts = (
        ("create", [name for name in new if name not in old]),
        ("change", [name for name in new if name in old and name in changed]),
        ("drop", [name for name in old if name not in new]),
    )
    return "; ".join(f"{verb} {', '.join(names)}" for verb, names in parts if names)


def _table(old: Table, new: Table) -> Iterator[str]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    dropped = [column for name, column in before.items() if name not in after and not column.generated]
    added = [column for name, column in after.items() if name not in before and not column.generated]
    for column in dropped:
        yield f"`{new.name}.{column.name}` is dropped with all that is in it."
        for other in added:
            if _kind(column) == _kind(other):
                yield (
                    f"Is `{other.name}` the new name of `{column.name}`, which is of the same type? "
                    f"Then write ALTER TABLE … RENAME COLUMN instead."
                )
    for column in added:
        if not column.optional and not column.auto_increment:
            yield (
                f"`{new.name}.{column.name}` is NOT NULL and has no default: where there are rows "
                f"MySQL fills in zero or "
                f"nothing, and PostgreSQL and SQLite refuse. Say what the rows get."
            )
    for name, column in after.items():
        if name in before:
            yield from _column(new, before[name], column)
    for index in new.indexes:
        same = {(tuple(column.name for column in each.columns), each.unique) for each in old.indexes}
        names = tuple(column.name for column in index.columns)
        if index.unique and (names, True) not in same:
            yield f"`{new.name}` becomes unique in {_listed(names)}: rows that are equal stop the migration."
    for what, names_before, names_after in (
        ("foreign key", {key.name for key in old.foreign_keys}, {key.name for key in new.foreign_keys}),
        ("check", {check.name for check in old.checks}, {check.name for check in new.checks}),
    ):
        for constraint in sorted(names_after - names_before):
            yield f"`{new.name}` gets the {what} `{constraint}`: rows that violate it stop the migration."
    if tuple(column.name for column in old.key) != tuple(column.name for column in new.key):
        yield f"`{new.name}` gets another primary key: rows that are equal there stop the migration."


def _column(table: Table, old: Column, new: Column) -> Iterator[str]:
    if new.generated:
        return
    if not _has_room(old.type.stored, new.type.stored):
        yield (
            f"`{table.name}.{new.name}` changes its type: "
            f"values that the new one has no room for stop the migration."
        )
    if old.nullable and not new.nullable:
        yield f"`{table.name}.{new.name}` becomes NOT NULL: rows with NULL there stop the migration."


def _has_room(old: ColumnType, new: ColumnType) -> bool:
    """Whether every value of the one type is one of the other, as far as that is easily told."""
    if isinstance(old, Integer) and isinstance(new, Integer):
        return new.minimum <= old.minimum and old.maximum <= new.maximum
    if isinstance(old, Decimal) and isinstance(new, Decimal):
        digits = (old.precision - old.scale, new.precision - new.scale)
        return digits[0] <= digits[1] and old.scale <= new.scale and (old.unsigned or not new.unsigned)
    if isinstance(old, Char) and isinstance(new, Char):
        return old.length <= new.length and old.is_padded == new.is_padded
    if isinstance(old, Enum) and isinstance(new, Enum):
        return {value for _, value in old.members} <= {value for _, value in new.members}
    return old == new


def _kind(column: Column) -> tuple[object, ...]:
    return column.type.stored, column.nullable, column.auto_increment


def _shape(table: Table) -> list[tuple[object, ...]]:
    return [(column.name, *_kind(column)) for column in table.columns]


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names)
