"""INSERT, UPDATE and DELETE: their texts for every database, and what they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model import types
from zero_codegen.model.queries.conditions import conjunction, conjuncts
from zero_codegen.model.queries.reader import Reader, only
from zero_codegen.model.queries.scopes import Scope, Source
from zero_codegen.model.queries.selects import Selects
from zero_codegen.model.queries.texts import Texts, joined, name, same, write
from zero_codegen.model.queries.values import Refused, now, stored
from zero_codegen.model.schema import Column, NewUuid, Table


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that changes rows of `table`.

    `key` are the parameters that the columns of the primary key are equal to, where they all are. `changed`
    are the columns that it writes.
    """

    texts: Texts
    table: Table
    changed: tuple[Column, ...]
    key: tuple[str, ...] | None


def read_change(node: exp.Expr, selects: Selects) -> Change:
    """Raises Refused."""
    if isinstance(node, exp.Insert):
        return _insert(node, selects)
    if isinstance(node, exp.Update):
        return _update(node, selects)
    assert isinstance(node, exp.Delete)
    return _delete(node, selects)


def _insert(node: exp.Insert, selects: Selects) -> Change:
    only(node, "this", "expression")
    schema = node.this
    if not isinstance(schema, exp.Schema):
        raise Refused(
            "the columns are not named", "write INSERT INTO table (column, …) VALUES (…)", at=node.this
        )
    table = _table(schema.this, selects)
    if table.cached:
        message = (
            f"rows of `{table.name}` are cached, and which one is new only {table.model_class}.insert knows"
        )
        raise Refused(message, "use insert() or insert_many()", at=schema.this)
    columns = [_column(table, identifier) for identifier in schema.expressions]
    for index, column in enumerate(columns):
        _check_written(column, schema.expressions[index], columns[:index])
    missing = [column for column in table.inserted if column not in columns and not _can_be_left_out(column)]
    if missing:
        names = ", ".join(f"`{column.name}`" for column in missing)
        raise Refused(
            f"{names} of `{table.name}` {'is' if len(missing) == 1 else 'are'} missing", at=schema.this
        )
    head = write(
        "INSERT INTO {} ({})", name(table.name), joined(", ", [name(column.name) for column in columns])
    )
    source = node.expression
    if isinstance(source, exp.Values):
        only(source, "expressions")
        rows = [_row(row, columns, selects.reader(Scope())) for row in source.expressions]
        texts = write("{} VALUES {}", head, joined(", ", rows))
    else:
        texts = write("{} {}", head, selects.rows(source, into=columns).texts)
    return Change(texts, table, tuple(columns), None)


def _row(row: exp.Expr, columns: Sequence[Column], reader: Reader) -> Texts:
    values = row.expressions if isinstance(row, exp.Tuple) else [row.unnest()]
    if len(values) != len(columns):
        raise Refused(f"these are {len(values)} values for {len(columns)} columns", at=row)
    written = [_stored(value, column, reader) for value, column in zip(values, columns, strict=True)]
    return write("({})", joined(", ", written))


def _update(node: exp.Update, selects: Selects) -> Change:
    only(node, "this", "expressions", "where")
    table = _table(node.this, selects)
    selects.changed = table
    scope = Scope({table.name.casefold(): Source.of_table(table, table.name)})
    reader = selects.reader(scope)
    columns: list[Column] = []
    parts: list[Texts] = []
    for assignment in node.expressions:
        with selects.part():
            parts.append(_assignment(assignment, table, columns, scope, reader))
    parts += _added(table, columns)
    texts = write("UPDATE {} SET {}{}", name(table.name), joined(", ", parts), _where(node, reader, selects))
    return Change(texts, table, tuple(columns), _key(node, table))


def _assignment(
    assignment: exp.Expr, table: Table, columns: list[Column], scope: Scope, reader: Reader
) -> Texts:
    """Reads `column = value`, and adds the column to those that are written."""
    if not isinstance(assignment, exp.EQ) or not isinstance(assignment.this, exp.Column):
        raise Refused("SET takes `column = value`", at=assignment)
    scope.column(assignment.this)
    column = _column(table, assignment.this.this)
    _check_written(column, assignment.this, columns)
    _check_order(assignment.expression, columns)
    columns.append(column)
    return write("{} = {}", name(column.name), _stored(assignment.expression, column, reader))


def _added(table: Table, columns: Sequence[Column]) -> list[Texts]:
    """What every update does: times that follow updates become the current one, the version is another."""
    parts = []
    for column in table.columns:
        if column.stamped and column not in columns and isinstance(column.type.stored, types.DateTime):
            inner = column.type.stored
            assert isinstance(inner, types.DateTime)
            parts.append(write("{} = {}", name(column.name), now(inner.digits)))
    if table.version is not None and table.version not in columns:
        parts.append(write("{0} = {0} + 1", name(table.version.name)))
    return parts


def _delete(node: exp.Delete, selects: Selects) -> Change:
    only(node, "this", "where")
    table = _table(node.this, selects)
    selects.changed = table
    reader = selects.reader(Scope({table.name.casefold(): Source.of_table(table, table.name)}))
    texts = write("DELETE FROM {}{}", name(table.name), _where(node, reader, selects))
    return Change(texts, table, (), _key(node, table))


def _table(node: exp.Expr, selects: Selects) -> Table:
    if not isinstance(node, exp.Table):
        raise Refused("a table is expected here", at=node)
    if node.alias:
        raise Refused("the table that is changed keeps its name", "leave the alias out", at=node)
    if node.args.get("joins"):
        raise Refused("not all databases change joined tables", "write WHERE EXISTS (SELECT …)", at=node)
    return selects.table(node)


def _column(table: Table, node: exp.Expr) -> Column:
    column = next((each for each in table.columns if each.name.casefold() == node.name.casefold()), None)
    if column is None:
        hint = did_you_mean(node.name, [each.name for each in table.columns])
        raise Refused(f"`{table.name}` has no column `{node.name}`", hint, at=node)
    return column


def _check_written(column: Column, node: exp.Expr, before: Sequence[Column]) -> None:
    if column.generated is not None:
        raise Refused(f"the database computes `{column.name}`", at=node)
    if column in before:
        raise Refused(f"`{column.name}` is written twice", at=node)


def _check_order(value: exp.Expr, before: Sequence[Column]) -> None:
    """MySQL assigns from left to right: what is read behind an assignment is the new value there."""
    assigned = {column.name.casefold() for column in before}
    for part in value.find_all(exp.Column):
        if part.name.casefold() in assigned:
            message = f"MySQL would see the new value of `{part.name}` here, the others see the old one"
            raise Refused(message, f"assign `{part.name}` last", at=part)


def _stored(node: exp.Expr, column: Column, reader: Reader) -> Texts:
    value = reader.read(node)
    if value.parameter is not None and value.type is None and reader.parameters is not None:
        return reader.parameters.bind(value, column.type, stored=True, nullable=column.nullable).texts
    return stored(value, column, node)


def _can_be_left_out(column: Column) -> bool:
    return column.optional and not isinstance(column.default, NewUuid)  # SQLite makes no UUIDs


def _where(node: exp.Expr, reader: Reader, selects: Selects) -> Texts:
    where = node.args.get("where")
    return same("") if where is None else write(" WHERE {}", conjunction(reader, where.this, selects.part))


def _key(node: exp.Expr, table: Table) -> tuple[str, ...] | None:
    """The parameters that the columns of the primary key are equal to."""
    where = node.args.get("where")
    found: dict[str, str] = {}
    for part in conjuncts(where.this) if where is not None else ():
        sides = [part.this.unnest(), part.expression.unnest()] if isinstance(part, exp.EQ) else []
        for column, parameter in (sides, sides[::-1]) if sides else ():
            if isinstance(column, exp.Column) and isinstance(parameter, exp.Placeholder):
                found[column.name.casefold()] = parameter.name
    key = tuple(found.get(column.name.casefold(), "") for column in table.key)
    return key if all(key) else None
