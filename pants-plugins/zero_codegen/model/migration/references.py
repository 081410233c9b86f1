"""The foreign keys that cannot stay while tables change."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zero_codegen.model.migration.pieces import Pieces, Reference

_TEXTS = re.compile(r"(?:CHARSET|CHARACTER\s+SET|COLLATE)\s*=?\s*\w+", re.IGNORECASE)
"""Of MySQL's options of a table those that it may not change beneath a foreign key."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Names of foreign keys by their tables: those `dropped` before tables change, those `added`
    afterwards."""

    dropped: Mapping[str, list[str]]
    added: Mapping[str, list[str]]


def broken_references(
    old: Mapping[str, Pieces], new: Mapping[str, Pieces], is_covered: Callable[[Pieces, str], bool]
) -> Broken:
    """The foreign keys that change, and those that stand on a column or an index that changes.

    Databases refuse to change what a foreign key stands on. `is_covered` says whether an index of its own
    table is there that a foreign key uses: that one must not change either.
    """
    dropped: dict[str, list[str]] = {}
    added: dict[str, list[str]] = {}
    for table_name, table in old.items():
        names = [
            name
            for name, reference in table.references.items()
            if not _stays(reference, table_name, name, old, new, is_covered)
        ]
        if names:
            dropped[table_name] = names
    for table_name, table in new.items():
        before = old[table_name].references if table_name in old else {}
        gone = dropped.get(table_name, [])
        names = [name for name in table.references if name in gone or name not in before]
        if names:
            added[table_name] = names
    return Broken(dropped, added)


def _stays(
    reference: Reference,
    table: str,
    name: str,
    old: Mapping[str, Pieces],
    new: Mapping[str, Pieces],
    is_covered: Callable[[Pieces, str], bool],
) -> bool:
    if table not in new or new[table].references.get(name) != reference:
        return False
    here, there = (old[table], new[table]), (old[reference.table], new[reference.table])
    if is_covered(here[0], name) != is_covered(here[1], name):
        return False
    return (
        all(
            before.columns[column] == after.columns[column]
            for (before, after), columns in ((here, reference.columns), (there, reference.referred))
            for column in columns
        )
        and _indexes_on(here[0], reference.columns) == _indexes_on(here[1], reference.columns)
        and (_indexes_on(there[0], reference.referred) == _indexes_on(there[1], reference.referred))
    )


def _indexes_on(table: Pieces, columns: tuple[str, ...]) -> dict[str, str]:
    """The indexes that begin with the columns, in any order, and what the table's texts are."""
    texts = {"": table.key, **table.uniques, **table.indexes}
    found = {
        name: texts[name]
        for name, members in table.covered.items()
        if set(members[: len(columns)]) == set(columns)
    }
    return {**found, " texts": " ".join(_TEXTS.findall(table.options))}
