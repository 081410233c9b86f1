"""Columns as filters and orders see them: ``u.gender == 1``, ``u.create_time.desc()``.

A filter is a sequence of pieces: SQL that is the same everywhere, columns, and values. Only `Writer` makes
text of them, for one database; a value never becomes a part of it.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from zero_runtime.model.statement import Dialect
from zero_runtime.model.values import Value

R = TypeVar("R")
T = TypeVar("T")

_ESCAPE = "!"
"""Not the backslash, which MySQL takes for an escape in the literal that names it, too."""


ENUM_ORDER: Mapping[Dialect, str] = {"mysql": "CAST({} AS BINARY)", "postgresql": '{}::text COLLATE "C"'}
"""Enums are ordered as texts: MySQL would order them by number, and compare them as texts all the same."""


class Writer:
    """Writes pieces for a database, and keeps the values in the order of their placeholders."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.values: list[Value] = []

    def text(self, pieces: Pieces) -> str:
        return "".join(piece if isinstance(piece, str) else piece.write(self) for piece in pieces)

    def name(self, name: str) -> str:
        # Names are letters of ASCII, digits and _: the generator refuses others.
        return f"`{name}`" if self.dialect == "mysql" else f'"{name}"'

    def bound(self, value: Value) -> str:
        """A placeholder."""
        self.values.append(value)
        if self.dialect == "postgresql":
            return f"${len(self.values)}"
        return "?" if self.dialect == "sqlite" else "%s"


class Piece(abc.ABC):
    """What databases write differently, or what holds a value."""

    __slots__ = ()

    @abc.abstractmethod
    def write(self, writer: Writer) -> str: ...


Pieces: TypeAlias = tuple[str | Piece, ...]


@dataclass(frozen=True, slots=True)
class _Name(Piece):
    column: ColumnBase[Any]
    ordered: bool = False
    """Whether it is compared by order, or ordered by."""

    def write(self, writer: Writer) -> str:
        name = writer.name(self.column.name)
        if self.ordered and self.column.order:
            return self.column.order.get(writer.dialect, "{}").format(name)
        return name


@dataclass(frozen=True, slots=True)
class _Bound(Piece):
    column: ColumnBase[Any]
    value: Value

    def write(self, writer: Writer) -> str:
        placeholder = writer.bound(self.value)
        if writer.dialect == "mysql":
            return self.column.mysql.replace("%s", placeholder)
        return self.column.postgresql.format(placeholder) if writer.dialect == "postgresql" else placeholder


@dataclass(frozen=True, slots=True)
class _Part(Piece):
    """The condition that a text begins with another, or has it somewhere."""

    column: ColumnBase[Any]
    part: str
    anywhere: bool

    def write(self, writer: Writer) -> str:
        name = writer.name(self.column.name)
        if writer.dialect == "sqlite" and not self.column.folded:  # its LIKE never minds case
            return f"instr({name}, {writer.bound(self.part)}) {'>= 1' if self.anywhere else '= 1'}"
        pattern = self.part
        for special in (_ESCAPE, "%", "_"):
            pattern = pattern.replace(special, _ESCAPE + special)
        return f"{name} LIKE {writer.bound('%' * self.anywhere + pattern + '%')} ESCAPE '{_ESCAPE}'"


@dataclass(frozen=True, slots=True)
class Bound(Piece):
    """A value that is compared with no column."""

    value: Value

    def write(self, writer: Writer) -> str:
        return writer.bound(self.value)


class Filter(Generic[R]):
    """A condition on rows of ``R``. Combined by ``&``, ``|`` and ``~``, with parentheses around comparisons:
    ``(u.gender == 1) & ~u.name.startswith("A")``.

    As in SQL a comparison with NULL is neither true nor false: neither it nor its opposite finds the row.
    """

    __slots__ = ("pieces",)

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces

    def __and__(self, other: Filter[R]) -> Filter[R]:
        return Filter(("(", *self.pieces, " AND ", *other.pieces, ")"))

    def __or__(self, other: Filter[R]) -> Filter[R]:
        return Filter(("(", *self.pieces, " OR ", *other.pieces, ")"))

    def __invert__(self) -> Filter[R]:
        return Filter(("NOT (", *self.pieces, ")"))

    def __bool__(self) -> bool:
        raise TypeError(
            "a filter is neither true nor false: combine filters by &, | and ~, not by and, or, not"
        )


@dataclass(frozen=True)
class Order(Generic[R]):
    """A column that rows are ordered by."""

    column: Column[R, Any]
    is_descending: bool = False

    @property
    def pieces(self) -> Pieces:
        return _Name(self.column, ordered=True), " DESC" if self.is_descending else ""

    def behind(self, value: Value, *, or_at: bool = False) -> Filter[R]:
        """Rows that come later than those with an (encoded) value, or have it."""
        operator = f" {'<' if self.is_descending else '>'}{'=' * or_at} "
        return Filter((_Name(self.column, ordered=True), operator, _Bound(self.column, value)))


@dataclass(frozen=True, eq=False)
class ColumnBase(Generic[R]):
    """A column of the table whose rows are ``R``."""

    name: str
    attribute: str
    """What the row's member is called."""
    encode: Callable[[Any], Value] | None = field(default=None, kw_only=True)
    """Makes what statements take of a value; without it they take values as they are."""
    mysql: str = field(default="%s", kw_only=True)
    """What stands for a value that MySQL compares with the column: ``CAST(%s AS DECIMAL(12, 2))``."""
    postgresql: str = field(default="{}", kw_only=True)
    """The same for PostgreSQL, with ``{}`` for the placeholder."""
    order: Mapping[Dialect, str] | None = field(default=None, kw_only=True)
    """How the column, ``{}``, is written where order counts, on databases that would order it in one way and
    compare it in another."""
    folded: bool = field(default=False, kw_only=True)
    """Whether SQLite compares the column's texts without regard to case."""

    def encoded(self, value: object) -> Value:
        """Raises TypeError for None, which nothing is equal to."""
        if value is None:
            raise TypeError(f"{self.attribute} is compared with None: ask is_null()")
        return self.encode(value) if self.encode else value  # type: ignore[return-value]  # it is one then

    def bound(self, value: object) -> Piece:
        """A value that is compared with the column."""
        return _Bound(self, self.encoded(value))


class _Compared(ColumnBase[R], Generic[R, T]):
    def __eq__(self, value: T) -> Filter[R]:  # type: ignore[override]
        return Filter((_Name(self), " = ", self.bound(value)))

    def __ne__(self, value: T) -> Filter[R]:  # type: ignore[override]
        return Filter((_Name(self), " <> ", self.bound(value)))

    __hash__ = ColumnBase.__hash__

    def __lt__(self, value: T) -> Filter[R]:
        return Filter((_Name(self, ordered=True), " < ", self.bound(value)))

    def __le__(self, value: T) -> Filter[R]:
        return Filter((_Name(self, ordered=True), " <= ", self.bound(value)))

    def __gt__(self, value: T) -> Filter[R]:
        return Filter((_Name(self, ordered=True), " > ", self.bound(value)))

    def __ge__(self, value: T) -> Filter[R]:
        return Filter((_Name(self, ordered=True), " >= ", self.bound(value)))

    def is_(self, value: T) -> Filter[R]:
        """The same as ``==``, for booleans: linters do not like ``== True``."""
        return self == value

    def in_(self, values: Iterable[T]) -> Filter[R]:
        """Equal to one of the values; if there are none no row is found."""
        if isinstance(values, str | bytes):
            raise TypeError(f"in_ of {self.attribute} takes several values, not a text")
        bound = [piece for value in values for piece in (", ", self.bound(value))]
        return Filter((_Name(self), " IN (", *bound[1:], ")") if bound else ("1 = 0",))

    def between(self, first: T, last: T) -> Filter[R]:
        """From the first value to the last, both included."""
        return Filter((_Name(self, ordered=True), " BETWEEN ", self.bound(first), " AND ", self.bound(last)))

    def startswith(self: _Compared[R, str], prefix: str) -> Filter[R]:
        """Texts that begin so; ``%`` and ``_`` have no meaning of their own."""
        return Filter((_Part(self, _text(prefix), anywhere=False),))

    def contains(self: _Compared[R, str], part: str) -> Filter[R]:
        """Texts that have it somewhere."""
        return Filter((_Part(self, _text(part), anywhere=True),))


class Column(_Compared[R, T]):
    """A column that is never NULL."""

    def asc(self) -> Order[R]:
        """From the least to the greatest."""
        return Order(self)

    def desc(self) -> Order[R]:
        """From the greatest to the least."""
        return Order(self, is_descending=True)

    def of(self, row: R) -> Value:
        """What a row has in the column, encoded."""
        return self.encoded(getattr(row, self.attribute))


class NullableColumn(_Compared[R, T]):
    """A column that may be NULL. Nothing is ordered by it, since no page could begin behind NULL."""

    def is_null(self) -> Filter[R]:
        return _is_null(self)


class OpaqueColumn(ColumnBase[R]):
    """A column that may be NULL and is compared with nothing: JSON."""

    def is_null(self) -> Filter[R]:
        return _is_null(self)


def _is_null(column: ColumnBase[R]) -> Filter[R]:
    return Filter((_Name(column), " IS NULL"))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
