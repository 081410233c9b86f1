"""From what the DDL says to tables that can be served: types, defaults, keys and names, checked for sense."""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from zero_codegen import naming
from zero_codegen.diagnostics import Diagnostic, did_you_mean
from zero_codegen.model.check.columns import checked_column, is_plain
from zero_codegen.model.check.keys import KeyChecker
from zero_codegen.model.check.names import check_databases, check_names
from zero_codegen.model.parse.tokens import Mistake, place
from zero_codegen.model.schema import Column, Contract, EnumClass, Table
from zero_codegen.model.settings import ALL_TABLES, Settings
from zero_codegen.model.syntax import FileSyntax, ForeignKeySyntax, TableSyntax
from zero_codegen.model.types import Blob, Char, ColumnType, Enum, Json, Text, Uuid
from zero_codegen.model.types.overrides import UUID_LENGTH
from zero_codegen.source import ContractFile

_MUCH_LIKE = 0.85
"""The share that two names have in common when one is the other with a slip: `delete_at`, `deleted_at`."""


_MAX_COLUMNS = 1017
_MAX_ROW_OCTETS = 65535
"""Of InnoDB and of MySQL."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A contract by itself; `foreign_keys` are those of each table as they are written, in its order."""

    contract: Contract
    foreign_keys: tuple[tuple[ForeignKeySyntax, ...], ...]


def check(file: ContractFile, syntax: FileSyntax, settings: Settings) -> tuple[Checked, list[Mistake]]:
    """The contract, for what it is worth when there are mistakes, and every mistake in it."""
    mistakes: list[Mistake] = []
    tables: list[Table] = []
    foreign_keys: list[tuple[ForeignKeySyntax, ...]] = []
    for table_syntax in syntax.tables.values():
        table, written = _table(file, table_syntax, settings, mistakes)
        tables.append(table)
        foreign_keys.append(written)
    enums = _enums(syntax, tables)
    mistakes += check_names(syntax, tables, enums)
    contract = Contract(settings.dialect, tuple(tables), enums)
    mistakes += check_databases(contract, syntax)
    return Checked(contract, tuple(foreign_keys)), mistakes


def check_settings(file: ContractFile, syntax: FileSyntax, settings: Settings) -> list[Diagnostic]:
    """What BUILD files say of tables and columns that there are not."""
    tables = {
        table.name.text.casefold(): [
            *(column.name.text for column in table.columns),
            *(token.text for token in table.unread),
        ]
        for table in syntax.tables.values()
    }
    diagnostics = []

    def refuse(message: str, hint: str | None) -> None:
        diagnostics.append(Diagnostic(file.path, 0, 1, message, hint))

    names = [table.name.text for table in syntax.tables.values()]
    for name in settings.cached:
        if name != ALL_TABLES and name.casefold() not in tables:
            refuse(
                f"`cached` of its target names the table `{name}`, which is not declared",
                did_you_mean(name, names),
            )
    for name in settings.types:
        table, _, column = name.partition(".")
        columns = tables.get(table.casefold())
        if columns is None:
            message = f"`types` of its target names `{name}`, and no table `{table}` is declared"
            refuse(message, did_you_mean(table, names) or (None if column else "write table.column"))
        elif column.casefold() not in map(str.casefold, columns):
            message = f"`types` of its target names `{name}`, and table `{table}` has no column `{column}`"
            refuse(message, did_you_mean(column, columns))
    known = {column.casefold() for columns in tables.values() for column in columns}
    for setting in ("version_column", "soft_delete_column"):
        name = (getattr(settings, setting) or "").casefold()
        # `__defaults__` say it for all contracts: it is a mistake only where a column is much like it.
        if name and name not in known and (near := difflib.get_close_matches(name, known, 1, _MUCH_LIKE)):
            message = f"`{setting}` of its target is `{name}`, and no table has such a column"
            refuse(message, f"did you mean `{near[0]}`?")
    if settings.version_column and settings.version_column == settings.soft_delete_column:
        refuse("`version_column` and `soft_delete_column` of its target are the same", None)
    return diagnostics


def _table(
    file: ContractFile, syntax: TableSyntax, settings: Settings, mistakes: list[Mistake]
) -> tuple[Table, tuple[ForeignKeySyntax, ...]]:
    columns = _columns(syntax, settings, mistakes)
    keys = KeyChecker(file, syntax, settings.dialect, columns, mistakes)
    keys.generate()
    key, key_name = keys.primary_key()
    name = syntax.name.text
    cached = ALL_TABLES in settings.cached or name.casefold() in map(str.casefold, settings.cached)
    indexes = keys.indexes()
    foreign_keys = tuple(keys.foreign_keys(cached=cached))
    row_class = naming.pascal(name)
    if not (is_plain(name) and row_class.isidentifier()) or keyword.iskeyword(row_class):
        mistakes.append(Mistake([syntax.name], f"table name `{name}` makes no name for a Python class"))
    if settings.dialect != "mysql":
        mistakes += _too_wide(syntax, columns.values())
    line, column_number = place(file, syntax.name)
    table = Table(
        name=name,
        columns=tuple(columns.values()),
        key=key,
        key_name=key_name,
        indexes=indexes,
        foreign_keys=tuple(foreign_key for foreign_key, _ in foreign_keys),
        checks=keys.checks(),
        comment=syntax.comment.strip(),
        options=syntax.options,
        line=line,
        column=column_number,
        cached=cached,
        version=next((column for column in columns.values() if column.version), None),
        soft_delete=next((column for column in columns.values() if column.soft_delete), None),
    )
    return table, tuple(written for _, written in foreign_keys)


def _columns(syntax: TableSyntax, settings: Settings, mistakes: list[Mistake]) -> dict[str, Column]:
    """The columns that are right by themselves, by their names as they are compared."""
    columns: dict[str, Column] = {}
    by_python_name: dict[str, str] = {}
    for column_syntax in syntax.columns:
        name = column_syntax.name.text
        if name.casefold() in columns:
            mistakes.append(Mistake([column_syntax.name], f"column `{name}` is declared twice"))
            continue
        try:
            column = checked_column(column_syntax, syntax, settings)
        except Mistake as mistake:
            mistakes.append(mistake)
            syntax.unread.append(column_syntax.name)
            continue
        twin = by_python_name.setdefault(column.python_name, name)
        if twin != name:
            message = f"columns `{twin}` and `{name}` have the same Python name `{column.python_name}`"
            mistakes.append(Mistake([column_syntax.name], message))
        columns[name.casefold()] = column
    return columns


def _too_wide(syntax: TableSyntax, columns: Collection[Column]) -> Iterator[Mistake]:
    """What MySQL has no room for."""
    octets = sum(_octets(column.type.stored) for column in columns)
    if len(columns) > _MAX_COLUMNS:
        yield Mistake([syntax.name], f"the table has {len(columns)} columns, and MySQL takes {_MAX_COLUMNS}")
    elif octets > _MAX_ROW_OCTETS:
        message = f"a row has up to {octets} octets, and MySQL takes {_MAX_ROW_OCTETS}"
        yield Mistake([syntax.name], message, "write text as the type of what is long: it is kept apart")


def _octets(type_: ColumnType) -> int:
    """At most so many octets in a row of MySQL: characters of utf8mb4, pointers to what is kept apart."""
    if isinstance(type_, Char):
        return 4 * type_.length + 2
    if isinstance(type_, Uuid):
        return UUID_LENGTH
    return 12 if isinstance(type_, Text | Blob | Json) else 8


def _enums(syntax: FileSyntax, tables: Iterable[Table]) -> tuple[EnumClass, ...]:
    """The enum classes that columns have as their type, in the order of these."""
    natives = {naming.pascal(name): name for name in syntax.enums}
    types = dict.fromkeys(
        column.type for table in tables for column in table.columns if isinstance(column.type, Enum)
    )
    return tuple(EnumClass(type_.class_name, type_.members, natives.get(type_.class_name)) for type_ in types)
