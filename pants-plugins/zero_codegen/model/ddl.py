"""The statements that make a table, for each database."""

from __future__ import annotations

from collections.abc import Sequence

from zero_codegen.model.column_types import Char, DateTime, Text
from zero_codegen.model.schema import Column, Now, Table
from zero_codegen.model.syntax import KeyKind, KeySyntax, TableSyntax

_INDENT = "  "


def mysql(text: str, table: TableSyntax, added: Sequence[KeySyntax]) -> str:
    """The CREATE TABLE as people wrote it in `text`, made conditional.

    The indexes of later statements become part of it: MySQL has no conditional CREATE INDEX.
    """
    last = table.tokens[table.close - 1].end + 1
    condition = "" if table.is_conditional else "IF NOT EXISTS "
    indexes = "".join(f",\n{_INDENT}{_mysql_index(text, key)}" for key in added)
    start, name, end = table.tokens[0].start, table.name.start, table.tokens[-1].end + 1
    return f"{text[start:name]}{condition}{text[name:last]}{indexes}{text[last:end]}"


def sqlite(table: Table) -> tuple[str, ...]:
    """The same table for SQLite, and its plain indexes.

    STRICT, so that a value of a wrong type is refused. The indexes of a database share one name space there,
    hence the table's name in theirs.
    """
    parts = [_sqlite_column(column, is_key=table.key == (column,)) for column in table.columns]
    if len(table.key) > 1:
        parts.append(f"PRIMARY KEY ({_sqlite_names(table.key)})")
    parts += [f"UNIQUE ({_sqlite_names(index.columns)})" for index in table.indexes if index.unique]
    body = f",\n{_INDENT}".join(parts)
    return (
        f"CREATE TABLE IF NOT EXISTS {sqlite_name(table.name)} (\n{_INDENT}{body}\n) STRICT",
        *(
            f"CREATE INDEX IF NOT EXISTS {sqlite_name(f'{table.name}.{index.name}')}"
            f" ON {sqlite_name(table.name)} ({_sqlite_names(index.columns)})"
            for index in table.indexes
            if not index.unique
        ),
    )


def sqlite_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def mysql_name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def sqlite_now(column: Column) -> str:
    """The current time as text with the fractional digits of a column; SQLite's clock has three."""
    assert isinstance(column.type, DateTime), "CURRENT_TIMESTAMP is a default of times alone"
    digits = column.type.digits
    if digits == 0:
        return "CURRENT_TIMESTAMP"
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
    if digits > 3:
        return f"{now} || '{'0' * (digits - 3)}'"
    return now if digits == 3 else f"substr({now}, 1, {len('YYYY-MM-DD HH:MM:SS.') + digits})"


def mysql_now(column: Column) -> str:
    """The current time with the fractional digits of a column."""
    assert isinstance(column.type, DateTime), "CURRENT_TIMESTAMP is a default of times alone"
    return f"CURRENT_TIMESTAMP({column.type.digits})" if column.type.digits else "CURRENT_TIMESTAMP"


def _sqlite_column(column: Column, *, is_key: bool) -> str:
    name = sqlite_name(column.name)
    words = [name, column.type.sqlite]
    if is_key:
        words.append("PRIMARY KEY AUTOINCREMENT" if column.auto_increment else "PRIMARY KEY")
    if column.auto_increment:
        return " ".join(words)
    if not column.nullable:
        words.append("NOT NULL")
    if column.default is Now.NOW:
        words.append(f"DEFAULT ({sqlite_now(column)})")
    elif column.default is not None:
        words.append(f"DEFAULT {column.default.sqlite}")
    if isinstance(column.type, Char | Text) and not column.exact:
        words.append("COLLATE NOCASE")  # MySQL's collations compare letters, not bytes
    if check := column.type.check(name):
        # Its name is what an error message shows.
        words.append(f"CONSTRAINT {name} CHECK ({check})")
    return " ".join(words)


def _mysql_index(text: str, key: KeySyntax) -> str:
    assert key.name is not None, "CREATE INDEX takes a name"
    kind = "UNIQUE INDEX" if key.kind is KeyKind.UNIQUE else "INDEX"
    return f"{kind} {mysql_name(key.name.text)} {text[key.tokens[0].start : key.tokens[-1].end + 1]}"


def _sqlite_names(columns: Sequence[Column]) -> str:
    return ", ".join(sqlite_name(column.name) for column in columns)
