"""From one schema to another in SQLite, which can change little in a table: it is made anew, with its rows.

The recipe is https://sqlite.org/lang_altertable.html#otheralter; that references are not enforced meanwhile,
and are checked afterwards, is seen to by `zero_runtime.model.migrations`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from zero_codegen.model.migration.pieces import Pieces, created, gone
from zero_codegen.model.sql import ddl
from zero_codegen.model.sql.names import quoted_name

_TEMPORARY = "zero_new_"

_AUTOINCREMENT = "AUTOINCREMENT"


def steps(old: Mapping[str, Pieces], new: Mapping[str, Pieces]) -> Iterator[str]:
    """The statements that make the new tables of the old ones."""
    for name in old:
        if name not in new:
            yield f"DROP TABLE {_quoted(name)}"
    for name, table in new.items():
        if name not in old:
            yield from created(table, "sqlite")
        elif _body(table) != _body(old[name]):
            yield from _anew(old[name], table)
        else:
            yield from _indexes(old[name], table)


def _body(table: Pieces) -> str:
    """What cannot be changed."""
    return created(table, "sqlite")[0]


def _indexes(old: Pieces, new: Pieces) -> Iterator[str]:
    for name in gone(old.indexes, new.indexes):
        yield f"DROP INDEX {_quoted(name)}"
    for name in gone(new.indexes, old.indexes):
        yield new.indexes[name]


def _anew(old: Pieces, new: Pieces) -> Iterator[str]:
    temporary = _TEMPORARY + new.name
    yield ddl.created(dataclasses.replace(new.whole, name=temporary), "sqlite")[0]
    kept = [name for name in new.columns if name in old.columns and name not in new.generated]
    if kept:
        into = ", ".join(map(_quoted, kept))
        values = ", ".join(_value(old, new, name) for name in kept)
        yield f"INSERT INTO {_quoted(temporary)} ({into})\nSELECT {values} FROM {_quoted(new.name)}"
    if _generates(old) and _generates(new):
        # A key that was given once is not given again, even when its row is gone.
        yield f"DELETE FROM sqlite_sequence WHERE name = {_text(temporary)}"
        yield (
            f"INSERT INTO sqlite_sequence (name, seq)\n"
            f"SELECT {_text(temporary)}, seq FROM sqlite_sequence WHERE name = {_text(new.name)}"
        )
    yield f"DROP TABLE {_quoted(new.name)}"
    yield f"ALTER TABLE {_quoted(temporary)} RENAME TO {_quoted(new.name)}"
    yield from new.indexes.values()


def _value(old: Pieces, new: Pieces, column: str) -> str:
    """What goes into a column of the new table, converted where its type is another."""
    before, after = (table.columns[column].split()[0] for table in (old, new))
    return _quoted(column) if before == after else f"CAST({_quoted(column)} AS {after})"


def _generates(table: Pieces) -> bool:
    return any(_AUTOINCREMENT in definition.split() for definition in table.columns.values())


def _quoted(name: str) -> str:
    return quoted_name(name, "sqlite")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
