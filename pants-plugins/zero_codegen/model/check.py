"""From what the DDL says to tables that can be served: types, defaults, keys and names, checked for sense."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlglot import Token

from zero_codegen import naming
from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model import ddl, type_names
from zero_codegen.model.column_types import ColumnType, Constant, DateTime, Integer, Unsupported
from zero_codegen.model.schema import Column, Index, Now, Table
from zero_codegen.model.syntax import (
    Attribute,
    AttributeKind,
    ColumnSyntax,
    CurrentTimestamp,
    IndexSyntax,
    KeyKind,
    KeySyntax,
    TableSyntax,
)
from zero_codegen.model.tokens import Mistake, place
from zero_codegen.source import ContractFile

_OWN_NAMES = frozenset({"bool", "bytes", "decimal", "dt", "float", "int", "model", "self", "str"})
"""What generated source means otherwise where columns are visible: such a column gets a trailing `_`."""


def check(
    file: ContractFile, declarations: Sequence[TableSyntax | IndexSyntax], *, complete: bool
) -> tuple[list[Table], list[Mistake]]:
    """The tables of a file and every mistake in them.

    `complete` says that all statements could be read: only then an index over an unknown table is a mistake.
    """
    mistakes: list[Mistake] = []
    checkers: dict[str, _TableChecker] = {}
    for declaration in declarations:
        name = (declaration.name if isinstance(declaration, TableSyntax) else declaration.table).text
        known = checkers.get(name.casefold())
        if isinstance(declaration, TableSyntax):
            if known:
                mistakes.append(Mistake([declaration.name], f"table `{name}` is declared twice"))
            else:
                checkers[name.casefold()] = _TableChecker(file, declaration)
        elif known:
            known.add_index(declaration.key)
        elif complete:
            hint = did_you_mean(name, [checker.name for checker in checkers.values()])
            mistakes.append(Mistake([declaration.table], f"table `{name}` is not declared above", hint))
    tables = [checker.table() for checker in checkers.values()]
    for checker in checkers.values():
        mistakes += checker.mistakes
    mistakes += _same_classes(tables, [checker.syntax.name for checker in checkers.values()])
    return tables, mistakes


def _same_classes(tables: Iterable[Table], names: Iterable[Token]) -> list[Mistake]:
    seen: dict[str, Table] = {}
    mistakes = []
    for table, token in zip(tables, names, strict=True):
        for name in (table.row_class, table.model_class):
            twin = seen.setdefault(name, table)
            if twin is not table:
                message = f"tables `{twin.name}` and `{table.name}` have the same Python name `{name}`"
                mistakes.append(Mistake([token], message))
    return mistakes


class _TableChecker:
    """Checks one table, its own keys and those that later statements add."""

    def __init__(self, file: ContractFile, syntax: TableSyntax) -> None:
        self.syntax = syntax
        self.name = syntax.name.text
        self.mistakes: list[Mistake] = []
        self._file = file
        self._columns: dict[str, Column] = {}
        self._tokens: dict[str, Token] = {}
        self._unread = {token.text.casefold() for token in syntax.unread}
        self._keys: list[KeySyntax] = []
        self._added: list[KeySyntax] = []

    def add_index(self, key: KeySyntax) -> None:
        """Add the key of a CREATE INDEX."""
        self._added.append(key)

    def table(self) -> Table:
        """The table, for what it is worth when there are mistakes."""
        for column in self.syntax.columns:
            self._add_column(column)
        self._keys += [*self.syntax.keys, *self._added]
        key = self._primary_key()
        indexes = self._indexes()
        self._check_generated(key)
        row_class = naming.pascal(self.name)
        if not (_is_plain(self.name) and row_class.isidentifier()) or keyword.iskeyword(row_class):
            self._refuse([self.syntax.name], f"table name `{self.name}` makes no name for a Python class")
        line, column_number = place(self._file, self.syntax.name)
        return Table(
            name=self.name,
            columns=tuple(self._columns.values()),
            key=key,
            indexes=indexes,
            comment=self.syntax.comment.strip(),
            mysql=ddl.mysql(self._file.text, self.syntax, self._added),
            line=line,
            column=column_number,
        )

    def _add_column(self, syntax: ColumnSyntax) -> None:
        name = syntax.name.text
        if name.casefold() in self._columns:
            self._refuse([syntax.name], f"column `{name}` is declared twice")
            return
        try:
            column = self._column(syntax)
        except Mistake as mistake:
            self.mistakes.append(mistake)
            self._unread.add(name.casefold())
            return
        for twin in self._columns.values():
            if twin.python_name == column.python_name:
                both = f"columns `{twin.name}` and `{name}`"
                self._refuse([syntax.name], f"{both} have the same Python name `{column.python_name}`")
        self._columns[name.casefold()] = column
        self._tokens[name.casefold()] = syntax.name

    def _column(self, syntax: ColumnSyntax) -> Column:
        name = syntax.name.text
        if not _is_plain(name):
            message = f"column name `{name}` makes no Python name: letters of ASCII, digits and `_` do"
            raise Mistake([syntax.name], message)
        python_name = naming.identifier(name)
        said = self._attributes(syntax.attributes)
        type_ = self._type(syntax)
        not_null = AttributeKind.NOT_NULL in said or AttributeKind.PRIMARY_KEY in said
        on_update = said.get(AttributeKind.ON_UPDATE)
        if on_update and isinstance(on_update.value, CurrentTimestamp):
            _check_now(type_, on_update.value, on_update.tokens)
        comment = said.get(AttributeKind.COMMENT)
        default = said.get(AttributeKind.DEFAULT)
        return Column(
            name=name,
            python_name=f"{python_name}_" if python_name in _OWN_NAMES else python_name,
            type=type_,
            nullable=not not_null,
            default=_default(syntax.type.name, type_, default, not_null) if default else None,
            stamped=on_update is not None,
            auto_increment=AttributeKind.AUTO_INCREMENT in said,
            exact=self._is_exact(said),
            comment=str(comment.value).strip() if comment else "",
        )

    def _attributes(self, attributes: Iterable[Attribute]) -> dict[AttributeKind, Attribute]:
        said: dict[AttributeKind, Attribute] = {}
        for attribute in attributes:
            if attribute.kind in said:
                raise Mistake(attribute.tokens, f"{attribute.kind.value} is said twice")
            said[attribute.kind] = attribute
        if null := said.get(AttributeKind.NULL):
            for kind in (AttributeKind.NOT_NULL, AttributeKind.PRIMARY_KEY, AttributeKind.AUTO_INCREMENT):
                if kind in said:
                    raise Mistake(null.tokens, f"a column with {kind.value} is never NULL")
        return said

    def _type(self, syntax: ColumnSyntax) -> ColumnType:
        try:
            return type_names.column_type(syntax.type.name, syntax.type.sizes, unsigned=syntax.type.unsigned)
        except Unsupported as error:
            raise Mistake(syntax.type.tokens, str(error)) from error

    def _is_exact(self, said: dict[AttributeKind, Attribute]) -> bool:
        collation = said.get(AttributeKind.COLLATE) or said.get(AttributeKind.CHARACTER_SET)
        name = str(collation.value) if collation else self.syntax.collation
        return name.lower().endswith(("_bin", "_cs")) or name.lower() == "binary"

    def _primary_key(self) -> tuple[Column, ...]:
        keys: list[tuple[Sequence[Token], tuple[Column, ...]]] = []
        for syntax in self.syntax.columns:
            column = self._columns.get(syntax.name.text.casefold())
            for attribute in syntax.attributes:
                if attribute.kind is AttributeKind.PRIMARY_KEY and column:
                    self._check_indexable(column, attribute.tokens)
                    keys.append((attribute.tokens, (column,)))
        for key in self._keys:
            if key.kind is KeyKind.PRIMARY:
                keys.append((key.tokens, self._key_columns(key)))
        if not keys:
            if not self._unread:
                hint = "give it one, such as `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY"
                self._refuse([self.syntax.name], f"table `{self.name}` has no primary key", hint)
            return ()
        for tokens, _ in keys[1:]:
            self._refuse(tokens, f"table `{self.name}` has two primary keys")
        for column in keys[0][1]:
            if column.default is Now.NOW:
                self._refuse(
                    keys[0][0], f"CURRENT_TIMESTAMP cannot be the default of the key `{column.name}`"
                )
            self._columns[column.name.casefold()] = replace(column, nullable=False)
        return tuple(self._columns[column.name.casefold()] for column in keys[0][1])

    def _indexes(self) -> tuple[Index, ...]:
        indexes: dict[str, Index] = {}
        finders: dict[str, tuple[Column, ...]] = {}
        for name, unique, columns, tokens in self._declared_indexes():
            if not columns:
                continue
            name = name or _made_up_name(columns[0].name, indexes)
            if name.casefold() in indexes or name.casefold() == "primary":
                self._refuse(tokens, f"table `{self.name}` has two indexes of the name `{name}`")
            index = indexes[name.casefold()] = Index(name, columns, unique)
            if finders.setdefault(index.finder, columns) != columns:
                self._refuse(tokens, f"two indexes over different columns make the method `{index.finder}`")
        return tuple(indexes.values())

    def _declared_indexes(self) -> Iterable[tuple[str | None, bool, tuple[Column, ...], Sequence[Token]]]:
        for syntax in self.syntax.columns:
            for attribute in syntax.attributes:
                column = self._columns.get(syntax.name.text.casefold())
                if attribute.kind is AttributeKind.UNIQUE and column:
                    self._check_indexable(column, attribute.tokens)
                    yield None, True, (column,), attribute.tokens
        for key in self._keys:
            if key.kind is not KeyKind.PRIMARY:
                name = key.name.text if key.name else None
                yield name, key.kind is KeyKind.UNIQUE, self._key_columns(key), key.tokens

    def _key_columns(self, key: KeySyntax) -> tuple[Column, ...]:
        """The columns of a key; none when something is wrong with it."""
        columns: list[Column] = []
        known = len(self.mistakes)
        is_complete = True
        for part in key.parts:
            name = part.column.text
            column = self._columns.get(name.casefold())
            if column is None:
                is_complete = False
                if name.casefold() not in self._unread:
                    hint = did_you_mean(name, [column.name for column in self._columns.values()])
                    self._refuse([part.column], f"table `{self.name}` has no column `{name}`", hint)
                continue
            if column in columns:
                self._refuse([part.column], f"column `{name}` is in the key twice")
            if not part.is_prefix:
                self._check_indexable(column, [part.column])
            elif key.kind is not KeyKind.PLAIN:
                self._refuse([part.column], "a unique key over the beginning of a column is not supported")
            columns.append(column)
        return tuple(columns) if is_complete and len(self.mistakes) == known else ()

    def _check_indexable(self, column: Column, tokens: Sequence[Token]) -> None:
        if not column.type.is_indexable:
            hint = "write VARCHAR or VARBINARY as its type"
            self._refuse(tokens, f"column `{column.name}` is too long for a key of MySQL", hint)

    def _check_generated(self, key: tuple[Column, ...]) -> None:
        for column in self._columns.values():
            if not column.auto_increment:
                continue
            token = self._tokens[column.name.casefold()]
            if not isinstance(column.type, Integer):
                self._refuse([token], f"AUTO_INCREMENT column `{column.name}` is no integer")
            if column.default is not None:
                self._refuse([token], f"AUTO_INCREMENT column `{column.name}` cannot have a default")
            if key != (column,) and not self._unread:
                self._refuse([token], f"AUTO_INCREMENT column `{column.name}` has to be the primary key")

    def _refuse(self, tokens: Sequence[Token], message: str, hint: str | None = None) -> None:
        self.mistakes.append(Mistake(tokens, message, hint))


def _default(name: str, type_: ColumnType, default: Attribute, not_null: bool) -> Constant | Now | None:
    value = default.value
    if isinstance(value, CurrentTimestamp):
        _check_now(type_, value, default.tokens)
        return Now.NOW
    if value is None:
        if not_null:
            raise Mistake(default.tokens, "a column that is NOT NULL cannot have NULL as its default")
        return None
    try:
        return type_.constant(value)
    except Unsupported as error:
        raise Mistake(default.tokens, str(error)) from error
    except ValueError as error:
        shown = str(value).upper() if isinstance(value, bool) else value
        raise Mistake(default.tokens, f"`{shown}` is not a value of type {name}") from error


def _check_now(type_: ColumnType, now: CurrentTimestamp, tokens: Sequence[Token]) -> None:
    if not isinstance(type_, DateTime):
        raise Mistake(tokens, "CURRENT_TIMESTAMP is for DATETIME and TIMESTAMP columns")
    if type_.digits != now.digits:
        expected = f"CURRENT_TIMESTAMP({type_.digits})" if type_.digits else "CURRENT_TIMESTAMP"
        raise Mistake(tokens, "the time has other fractional digits than its column", f"write {expected}")


def _made_up_name(column: str, taken: Iterable[str]) -> str:
    """The name that MySQL gives an index without one."""
    names = set(taken)
    name, number = column, 1
    while name.casefold() in names:
        number += 1
        name = f"{column}_{number}"
    return name


def _is_plain(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None
