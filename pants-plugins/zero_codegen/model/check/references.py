"""What foreign keys refer to, in their own contract and in the others of its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.check import Checked
from zero_codegen.model.parse.tokens import Mistake
from zero_codegen.model.schema import Column, Contract, ForeignKey, Table
from zero_codegen.model.syntax import ForeignKeySyntax
from zero_codegen.model.types import Char


@dataclass(frozen=True, slots=True)
class Known:
    """The tables that foreign keys may refer to, by their names as they are compared.

    `is_complete` says that there are no others: what is not among them is a mistake.
    """

    tables: Mapping[str, Table]
    is_complete: bool


def resolve(checked: Checked, known: Known) -> tuple[Contract, list[Mistake]]:
    """The contract with what its foreign keys refer to, as its table writes it, and the mistakes."""
    mistakes: list[Mistake] = []
    tables = []
    for table, written in zip(checked.contract.tables, checked.foreign_keys, strict=True):
        foreign_keys = []
        for key, syntax in zip(table.foreign_keys, written, strict=True):
            try:
                foreign_keys.append(_resolved(table, key, syntax, known))
            except Mistake as mistake:
                mistakes.append(mistake)
        tables.append(replace(table, foreign_keys=tuple(foreign_keys)))
    return replace(checked.contract, tables=tuple(tables)), mistakes


def cycles(checked: Checked, tables: Mapping[str, Table]) -> Iterator[Mistake]:
    """The foreign keys of a contract that are part of a cycle between tables: none could be made first."""
    for table, written in zip(checked.contract.tables, checked.foreign_keys, strict=True):
        for key, syntax in zip(table.foreign_keys, written, strict=True):
            path = _path(key.table, table.name, tables)
            if key.table.casefold() != table.name.casefold() and path:
                names = " -> ".join(f"`{name}`" for name in (table.name, *path))
                hint = "leave one of these foreign keys out"
                yield Mistake([syntax.table], f"tables refer to each other in a circle: {names}", hint)


def _path(start: str, end: str, tables: Mapping[str, Table]) -> tuple[str, ...]:
    """The way along foreign keys from one table to another; none when there is no way."""
    ways: dict[str, tuple[str, ...]] = {start.casefold(): (start,)}
    waiting = [start.casefold()]
    for name in waiting:
        if name == end.casefold():
            return ways[name]
        table = tables.get(name)
        for key in table.foreign_keys if table else ():
            if key.table.casefold() not in ways:
                ways[key.table.casefold()] = (*ways[name], key.table)
                waiting.append(key.table.casefold())
    return ()


def _resolved(table: Table, key: ForeignKey, syntax: ForeignKeySyntax, known: Known) -> ForeignKey:
    other = known.tables.get(key.table.casefold())
    if other is None:
        if known.is_complete:
            names = [table.name for table in known.tables.values()]
            message = f"table `{key.table}` is not declared in this folder"
            raise Mistake([syntax.table], message, did_you_mean(key.table, names))
        return key
    columns = _referred(other, syntax) if syntax.referred else other.key
    if len(columns) != len(key.columns):
        message = f"{len(key.columns)} columns refer to {len(columns)} of table `{other.name}`"
        raise Mistake(syntax.tokens, message)
    unique = _unique(columns, other)
    if unique is None:
        message = f"the columns of table `{other.name}` are neither its primary key nor a unique index"
        raise Mistake(syntax.referred or [syntax.table], message)
    for column, referred in zip(key.columns, columns, strict=True):
        if not _is_same_type(column, referred):
            message = f"column `{column.name}` has another type than `{other.name}.{referred.name}`"
            raise Mistake(syntax.tokens, message, "write the same type, UNSIGNED included")
        if isinstance(column.type.stored, Char) and column.exact != referred.exact:
            message = (
                f"column `{column.name}` compares texts in another way than `{other.name}.{referred.name}`"
            )
            raise Mistake(syntax.tokens, message, "give both the same collation")
    # MySQL wants the columns in the order of the index.
    referring = {referred.name: column for column, referred in zip(key.columns, columns, strict=True)}
    return replace(
        key,
        table=other.name,
        columns=tuple(referring[column.name] for column in unique),
        referred=tuple(column.name for column in unique),
    )


def _referred(other: Table, syntax: ForeignKeySyntax) -> Sequence[Column]:
    by_name = {column.name.casefold(): column for column in other.columns}
    columns = []
    for token in syntax.referred:
        column = by_name.get(token.text.casefold())
        if column is None:
            hint = did_you_mean(token.text, [column.name for column in other.columns])
            raise Mistake([token], f"table `{other.name}` has no column `{token.text}`", hint)
        columns.append(column)
    return columns


def _is_same_type(column: Column, referred: Column) -> bool:
    """Whether their values are compared as they are; texts may have different lengths."""
    one, other = column.type.stored, referred.type.stored
    if isinstance(one, Char) and isinstance(other, Char):
        return one.is_padded == other.is_padded
    return one == other


def _unique(columns: Sequence[Column], table: Table) -> Sequence[Column] | None:
    """The primary key or unique index over these columns, in their order if there is one."""
    names = [column.name for column in columns]
    keys = [table.key, *(index.columns for index in table.indexes if index.unique)]
    same = [key for key in keys if sorted(column.name for column in key) == sorted(names)]
    return next((key for key in same if [column.name for column in key] == names), same[0] if same else None)
