"""CHECK constraints and generated columns, written for every database."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.queries import aggregates, conditions, functions, numbers
from zero_codegen.model.queries.reader import Reader
from zero_codegen.model.queries.texts import Texts, name
from zero_codegen.model.queries.values import Refused, Value, of_column, stored
from zero_codegen.model.schema import Column, Expression
from zero_codegen.model.settings import Dialect

__all__ = ["READERS", "Refused", "Texts", "texts"]

READERS = {**conditions.READERS, **numbers.READERS, **functions.READERS, **aggregates.READERS}
"""All that is understood in expressions."""


def texts(
    expression: Expression, columns: Iterable[Column], dialect: Dialect, *, into: Column | None = None
) -> Texts:
    """An expression over the columns of a table in the words of each database, without parentheses around it.

    `into` is the generated column that keeps its value; without one it is a condition. Raises Refused when it
    makes no sense, or cannot mean the same everywhere.
    """
    reader = Reader(READERS, dialect, _Row(columns))
    if into is None:
        return conditions.condition(reader, expression.tree).texts
    return stored(reader.read(expression.tree), into, expression.tree)


class _Row:
    """One row: its columns by their names alone."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._columns = {column.name.casefold(): column for column in columns}

    @property
    def is_grouped(self) -> bool:
        return False

    def column(self, node: exp.Column) -> Value:
        column = self._columns.get(node.name.casefold())
        if column is None:
            names = [known.name for known in self._columns.values()]
            raise Refused(f"there is no column `{node.name}`", did_you_mean(node.name, names), at=node)
        return of_column(column, name(column.name), nullable=False)

    def aggregate(self, node: exp.Expr, read: Callable[[], Value]) -> Value:
        raise Refused("this is about one row: there are no aggregates", at=node)
