"""Reads the tree of an expression: finds its columns, types it, and writes it for every database.

sqlglot parses. Its optimizer is not used: it knows the types of a dialect, but not how values are kept in
each database, nor where NULL comes from, and its generators write what they do not know as it is. Here what
is not understood is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from sqlglot import exp

from zero_codegen.model.queries.parameters import Parameters
from zero_codegen.model.queries.values import Refused, Value, typed
from zero_codegen.model.settings import Dialect
from zero_codegen.model.types import ColumnType


class Columns(Protocol):
    """What names of columns mean at a place."""

    @property
    def is_grouped(self) -> bool:
        """Whether aggregates are of groups, which have a row at least."""

    def column(self, node: exp.Column) -> Value:
        """The column that a name means. Raises Refused when there is none, or more than one."""

    def aggregate(self, node: exp.Expr, read: Callable[[], Value]) -> Value:
        """What `read` reads as the argument of an aggregate. Raises Refused where there can be none."""


class Reader:
    """Reads expressions at one place of a statement.

    `parameters` is None where there are none (CHECK constraints), `subquery` reads a query that stands in an
    expression; None where that cannot be.
    """

    def __init__(
        self,
        readers: Mapping[type[exp.Expr], Read],
        dialect: Dialect,
        columns: Columns,
        parameters: Parameters | None = None,
        subquery: Callable[[exp.Query, Columns, bool], Value] | None = None,
    ) -> None:
        self._readers = readers
        self.dialect = dialect
        self.columns = columns
        self.parameters = parameters
        self._subquery = subquery

    def at(self, columns: Columns) -> Reader:
        """A reader at another place of the same statement."""
        return Reader(self._readers, self.dialect, columns, self.parameters, self._subquery)

    def read(self, node: exp.Expr) -> Value:
        """Raises Refused."""
        read = self._readers.get(type(node))
        if read is None:
            raise Refused(f"{said(node)} is not supported here", _hint(node), at=node)
        return read(self, node)

    def subquery(self, query: exp.Query, *, is_value: bool = False) -> Value:
        """A query in parentheses, with the type of its column; `is_value`: it has one row at most."""
        if self._subquery is None:
            raise Refused("a query is not supported here", at=query)
        return self._subquery(query, self.columns, is_value)

    def pair(self, first: exp.Expr, second: exp.Expr) -> tuple[Value, Value]:
        """Two operands, where each tells the type of the other if that has none."""
        return self.agreed(self.read(first), self.read(second), first, second)

    def agreed(self, left: Value, right: Value, first: exp.Expr, second: exp.Expr) -> tuple[Value, Value]:
        """The same of operands that have been read."""
        left, right = self.like(left, right), self.like(right, left)
        if left.type is not None:
            right = typed(right, left.type, second)
        if right.type is not None:
            left = typed(left, right.type, first)
        return left, right

    def like(self, value: Value, other: Value) -> Value:
        """A parameter with the type of what it stands beside."""
        if value.parameter is None or value.type is not None or other.type is None or self.parameters is None:
            return value
        return self.parameters.bind(value, other.type, plain=other.column is not None)

    def known(self, value: Value, type_: ColumnType) -> Value:
        """A parameter with a type, any other value as it is."""
        if value.parameter is None or value.type is not None or self.parameters is None:
            return value
        return self.parameters.bind(value, type_)


Read: TypeAlias = Callable[[Reader, exp.Expr], Value]


def only(node: exp.Expr, *known: str) -> None:
    """Nothing is said of a node but what is known. Raises Refused."""
    for key, value in node.args.items():
        if value and key not in known:
            part = value[0] if isinstance(value, list) else value
            at = part if isinstance(part, exp.Expr) else node
            hint = _PARTS.get(key)
            raise Refused(f"{key.strip('_').replace('_', ' ').upper()} is not supported here", hint, at=at)


def said(node: exp.Expr) -> str:
    """What a node is called in a message."""
    if isinstance(node, exp.Anonymous):
        return f"the function `{node.name}`"
    if isinstance(node, exp.Func):
        return f"the function `{node.sql_name()}`"
    return f"`{type(node).__name__.upper()}`"


def _hint(node: exp.Expr) -> str | None:
    return _HINTS.get(type(node))


_PARTS = {
    "conflict": "use upsert()",
    "ignore": "catch DuplicateKey, or use upsert()",
    "returning": "use insert(), or read the rows in the same transaction",
    "using": "write ON …",
}
_ASCII = "SQLite changes the letters of ASCII alone: do it in Python"
_TIMES = "compute the time in Python, and give it as a parameter"
_HINTS: dict[type[exp.Expr], str] = {
    exp.Lower: _ASCII,
    exp.Upper: _ASCII,
    exp.ILike: _ASCII,
    exp.Round: "databases round differently: do it in Python",
    exp.DateAdd: _TIMES,
    exp.DateSub: _TIMES,
    exp.Interval: _TIMES,
    exp.Extract: _TIMES,
    exp.Window: "window functions are not supported",
    exp.Rand: "each database has its own: do it in Python",
}
