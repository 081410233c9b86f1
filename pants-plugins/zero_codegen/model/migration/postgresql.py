"""From one schema to another in PostgreSQL, where a whole revision is a transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from zero_codegen.model.migration.pieces import Pieces, altered, created, gone, in_order
from zero_codegen.model.migration.postgresql_columns import Definition, take_apart
from zero_codegen.model.migration.references import broken_references
from zero_codegen.model.sql.names import quoted_name

_BEFORE = "_before"
"""What is put behind the name of an enum type until nothing is of it any more."""

_KINDS = (
    frozenset({"smallint", "int2", "integer", "int", "int4", "bigint", "int8", "numeric", "decimal", "real"})
    | frozenset({"float4", "double", "float", "float8"}),
    frozenset({"text", "varchar", "character", "char", "bpchar"}),
    frozenset({"date", "timestamp", "timestamptz"}),
)
"""Types that are cast to each other directly; from one kind to another values go by way of their texts."""


def steps(old: Mapping[str, Pieces], new: Mapping[str, Pieces]) -> Iterator[str]:
    """The statements that make the new tables of the old ones."""
    types, types_before = _types(new.values()), _types(old.values())
    changed = {name for name in gone(types_before, types) if name in types}
    for name in sorted(changed):
        yield f"ALTER TYPE {_quoted(name)} RENAME TO {_quoted(name + _BEFORE)}"
    for name in gone(types, types_before):
        yield types[name]
    broken = broken_references(old, new, lambda table, reference: True)
    for table, names in broken.dropped.items():
        if table in new:
            yield _alter(table, [f"DROP CONSTRAINT {_quoted(name)}" for name in names])
    for dropped in reversed(in_order([table for name, table in old.items() if name not in new])):
        yield f"DROP TABLE {_quoted(dropped.name)}"
    for name, table_after in new.items():
        if name in old:
            yield from _Change(old[name], table_after, changed).steps()
    for added in in_order([table for name, table in new.items() if name not in old]):
        yield from created(added, "postgresql")
    for table, names in broken.added.items():
        if table in old:
            yield _alter(table, [f"ADD {new[table].references[name].clause}" for name in names])
    for name in gone(types_before, types):
        yield f"DROP TYPE {_quoted(name + _BEFORE if name in changed else name)}"


class _Change:
    """What happens to one table."""

    def __init__(self, old: Pieces, new: Pieces, changed_types: set[str]) -> None:
        self.old, self.new = old, new
        self.before = {name: take_apart(text) for name, text in old.columns.items()}
        self.after = {name: take_apart(text) for name, text in new.columns.items()}
        kept = [name for name in new.columns if name in old.columns]
        self.retyped = {
            name
            for name in kept
            if self.before[name].type != self.after[name].type or new.enums.get(name) in changed_types
        }
        # A generated column cannot become another, and a type does not change beneath one.
        self.anew = {
            name
            for name in kept
            if (self.before[name].generated or self.after[name].generated)
            and (
                self.before[name] != self.after[name]
                or name in self.retyped
                or _mentions(self.before[name].generated, self.retyped)
            )
        }
        self.retyped -= self.anew
        self.kept = [name for name in kept if name not in self.anew]

    def steps(self) -> Iterator[str]:
        old, new = self.old, self.new
        touched = self.anew | {name for name in old.columns if name not in new.columns}
        checks = [
            name
            for name, text in old.checks.items()
            if new.checks.get(name) != text or _mentions(text, self.retyped | self.anew)
        ]
        uniques = self._dropped(old.uniques, new.uniques, touched)
        indexes = self._dropped(old.indexes, new.indexes, touched)
        is_key_new = old.key != new.key
        dropped = [*checks, *uniques, *([_constraint(old.key)] if is_key_new else [])]
        yield from self._alter([f"DROP CONSTRAINT {_quoted(name)}" for name in dropped])
        for name in indexes:
            yield f"DROP INDEX {_quoted(name)}"
        # Columns that are computed from others go before those.
        leaving = sorted(
            (name for name in old.columns if name in touched), key=lambda x: x not in old.generated
        )
        yield from self._alter([f"DROP COLUMN {_quoted(name)}" for name in leaving])
        yield from self._alter([action for name in self.kept for action in self._freed(name)])
        yield from self._sequences()
        yield from self._alter([self._retype(name) for name in self.kept if name in self.retyped])
        added = [name for name in new.columns if name not in self.kept]
        yield from self._alter(
            [
                *(self._added(name) for name in added if not self.after[name].generated),
                *(action for name in self.kept for action in self._bound(name)),
            ]
        )
        yield from self._counters()
        yield from self._alter([self._added(name) for name in added if self.after[name].generated])
        yield from self._alter(
            [
                *([f"ADD {new.key}"] if is_key_new else []),
                *(
                    f"ADD {text}"
                    for name, text in new.uniques.items()
                    if self._is_added(name, uniques, old.uniques)
                ),
                *(
                    f"ADD {text}"
                    for name, text in new.checks.items()
                    if self._is_added(name, checks, old.checks)
                ),
            ]
        )
        for name, text in new.indexes.items():
            if self._is_added(name, indexes, old.indexes):
                yield text
        yield from self._comments(set(added))

    def _dropped(self, before: Mapping[str, str], after: Mapping[str, str], touched: set[str]) -> list[str]:
        return [
            name
            for name, text in before.items()
            if after.get(name) != text or touched & set(self.old.covered[name])
        ]

    def _is_added(self, name: str, dropped: list[str], before: Mapping[str, str]) -> bool:
        return name in dropped or name not in before

    def _freed(self, name: str) -> Iterator[str]:
        """What has to go before a column can become what it shall be."""
        before, after, column = self.before[name], self.after[name], _quoted(name)
        if before.identity and not after.identity:
            yield f"ALTER COLUMN {column} DROP IDENTITY"
        if (before.default or before.is_serial) and (
            name in self.retyped or (before.default, before.is_serial) != (after.default, after.is_serial)
        ):
            yield f"ALTER COLUMN {column} DROP DEFAULT"
        if self._is_not_null(self.old, before, name) and not self._is_not_null(self.new, after, name):
            yield f"ALTER COLUMN {column} DROP NOT NULL"

    def _sequences(self) -> Iterator[str]:
        """A SERIAL is a sequence beside its column."""
        for name in self.kept:
            before, after = self.before[name], self.after[name]
            if before.is_serial and not after.is_serial:
                yield f"DROP SEQUENCE {self._sequence(name)}"
            if after.is_serial and not before.is_serial:
                owner = f"{_quoted(self.new.name)}.{_quoted(name)}"
                yield f"CREATE SEQUENCE {self._sequence(name)} AS {after.type} OWNED BY {owner}"

    def _retype(self, name: str) -> str:
        type_, column = self.after[name].type, _quoted(name)
        is_direct = any({_base(self.before[name].type), _base(type_)} <= kind for kind in _KINDS)
        value = column if is_direct else f"{column}::text"
        return f"ALTER COLUMN {column} TYPE {type_} USING {value}::{_without_collation(type_)}"

    def _added(self, name: str) -> str:
        return f"ADD COLUMN {_quoted(name)} {self.new.columns[name]}"

    def _bound(self, name: str) -> Iterator[str]:
        """What is said of a column once its type is right."""
        before, after, column = self.before[name], self.after[name], _quoted(name)
        if self._is_not_null(self.new, after, name) and not self._is_not_null(self.old, before, name):
            yield f"ALTER COLUMN {column} SET NOT NULL"
        if after.default and (name in self.retyped or before.default != after.default):
            yield f"ALTER COLUMN {column} SET DEFAULT {after.default}"
        if after.is_serial and (name in self.retyped or not before.is_serial):
            yield f"ALTER COLUMN {column} SET DEFAULT nextval('{self._sequence(name)}'::regclass)"
        if after.identity and not before.identity:
            yield f"ALTER COLUMN {column} ADD GENERATED {after.identity} AS IDENTITY"
        elif after.identity != before.identity and after.identity:
            yield f"ALTER COLUMN {column} SET GENERATED {after.identity}"

    def _counters(self) -> Iterator[str]:
        """Begins new counters behind the rows that there are."""
        for name in self.kept:
            before, after = self.before[name], self.after[name]
            if (after.identity or after.is_serial) and not (before.identity or before.is_serial):
                table = _quoted(self.new.name).replace("'", "''")
                sequence = f"pg_get_serial_sequence('{table}', '{name}')"
                largest = f"COALESCE(MAX({_quoted(name)}), 0) + 1"
                yield f"SELECT setval({sequence}, {largest}, false) FROM {_quoted(self.new.name)}"

    def _comments(self, added: set[str]) -> Iterator[str]:
        before = self.old.comments
        for about in before:
            if about not in self.new.comments and not self._is_gone(about):
                yield f"{about} IS NULL"
        renewed = {self._about(name) for name in added}
        for about, statement in self.new.comments.items():
            if before.get(about) != statement or about in renewed:
                yield statement

    def _is_gone(self, about: str) -> bool:
        kept = {self._about(name) for name in self.kept}
        return about.startswith("COMMENT ON COLUMN") and about not in kept

    def _about(self, column: str) -> str:
        return f"COMMENT ON COLUMN {_quoted(self.new.name)}.{_quoted(column)}"

    def _sequence(self, column: str) -> str:
        return _quoted(f"{self.new.name}_{column}_seq")

    def _is_not_null(self, table: Pieces, definition: Definition, name: str) -> bool:
        return definition.is_not_null or name in table.covered[""]

    def _alter(self, actions: list[str]) -> Iterator[str]:
        if actions:
            yield _alter(self.new.name, actions)


def _types(tables: Iterable[Pieces]) -> dict[str, str]:
    return {name: text for table in tables for name, text in table.types.items()}


def _mentions(text: str, names: set[str]) -> bool:
    """Whether an expression is about one of the columns; rather once too often."""
    return bool(names) and bool(re.search(rf"\b(?:{'|'.join(map(re.escape, names))})\b", text))


def _base(type_: str) -> str:
    return re.split(r"[ (]", type_.lower(), maxsplit=1)[0]


def _without_collation(type_: str) -> str:
    return re.split(r"\s+COLLATE\b", type_, maxsplit=1, flags=re.IGNORECASE)[0]


def _constraint(clause: str) -> str:
    """The name in ``CONSTRAINT "name" PRIMARY KEY …``."""
    return clause.split('"')[1]


def _alter(table: str, actions: list[str]) -> str:
    return altered(_quoted(table), actions)


def _quoted(name: str) -> str:
    return quoted_name(name, "postgresql")
