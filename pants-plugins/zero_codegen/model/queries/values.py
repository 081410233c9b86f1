"""Values of SQL with their types, and how they are compared, kept and shown in every database.

Most values are the same plain objects everywhere. Decimals are not: SQLite keeps them as text with a fixed
number of fractional digits, and compares them by the collation `decimal` that their columns have. To count
with them they become whole numbers there, scaled by a power of ten, which 64 bits hold up to 18 digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum as Kinds

from sqlglot import exp

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model import types
from zero_codegen.model.queries.texts import Texts, write
from zero_codegen.model.schema import Column
from zero_codegen.model.types import ColumnType, Unsupported

MAX_SCALED_DIGITS = 18
"""Decimal digits that a signed integer of 64 bits always holds."""


class Kind(Kinds):
    """What can be compared with each other."""

    INTEGER = "an integer"
    FLOAT = "a float"
    DECIMAL = "a decimal"
    BOOLEAN = "a boolean"
    TEXT = "a text"
    ENUM = "an enum"
    BINARY = "bytes"
    DATE = "a date"
    TIME = "a time of day"
    DATETIME = "a point in time"
    UUID = "a UUID"
    JSON = "JSON"


NUMBERS = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL})

_KINDS: tuple[tuple[type[ColumnType], Kind], ...] = (
    (types.Integer, Kind.INTEGER),
    (types.Float, Kind.FLOAT),
    (types.Decimal, Kind.DECIMAL),
    (types.Boolean, Kind.BOOLEAN),
    (types.Char, Kind.TEXT),
    (types.Text, Kind.TEXT),
    (types.Enum, Kind.ENUM),
    (types.Binary, Kind.BINARY),
    (types.Blob, Kind.BINARY),
    (types.Date, Kind.DATE),
    (types.Time, Kind.TIME),
    (types.DateTime, Kind.DATETIME),
    (types.Uuid, Kind.UUID),
    (types.Json, Kind.JSON),
)

INTEGER = types.Integer(64)
FLOAT = types.Float()
BOOLEAN = types.Boolean()
TEXT = types.Text(None)


class Refused(Unsupported):
    """What cannot be written truly for every database, or makes no sense.

    `span` is what it is about: first and last character in the text that was parsed, None for all of it.
    """

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        at: exp.Expr | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.span = span or (None if at is None else span_of(at))


def span_of(node: exp.Expr) -> tuple[int, int] | None:
    """The first and last character of what a tree was read from, or else of what it is a part of."""
    places = [part.meta for part in node.walk() if "start" in part.meta]
    if not places:
        return None if node.parent is None else span_of(node.parent)
    return min(place["start"] for place in places), max(place["end"] for place in places)


@dataclass(frozen=True, slots=True)
class Value:
    """An expression that has been read.

    `type` is None for NULL and for a parameter whose use has not told its type yet (`parameter` is the number
    of its occurrence). `column` is the column that it plainly is. `is_scaled` says that SQLite's text of a
    decimal is a scaled integer, `exact` whether texts are compared byte by byte (None: as the other one is).
    `constant` is the text of a literal, `is_now` says that it is the current time, in the digits that are
    wanted, `is_operand` that it can stand beside an operator without parentheses.
    """

    texts: Texts
    type: ColumnType | None
    nullable: bool = False
    column: Column | None = None
    parameter: int | None = None
    constant: str | None = None
    exact: bool | None = None
    is_scaled: bool = False
    is_now: bool = False
    is_operand: bool = True

    @property
    def kind(self) -> Kind | None:
        return None if self.type is None else kind_of(self.type)

    @property
    def operand(self) -> Texts:
        """Its text as a part of something larger."""
        return self.texts if self.is_operand else write("({})", self.texts)


def kind_of(type_: ColumnType) -> Kind:
    inner = type_.stored
    return next(kind for class_, kind in _KINDS if isinstance(inner, class_))


def of_column(column: Column, text: Texts, *, nullable: bool) -> Value:
    kind = kind_of(column.type)
    exact = column.exact if kind is Kind.TEXT else None
    return Value(text, column.type, column.nullable or nullable, column=column, exact=exact)


def described(value: Value) -> str:
    """For messages."""
    if value.column is not None:
        kind = value.kind
        return f"`{value.column.name}` ({kind.value if kind else 'NULL'})"
    return value.kind.value if value.kind else "NULL"


def typed(value: Value, wanted: ColumnType, node: exp.Expr) -> Value:
    """A literal or the current time as a value of a type; anything else as it is. Raises Refused."""
    kind = kind_of(wanted)
    if value.is_now and isinstance(inner := wanted.stored, types.DateTime):
        return replace(value, texts=now(inner.digits), type=inner)
    if value.constant is None or value.kind is kind:
        return value
    if value.kind is Kind.TEXT and kind not in (Kind.BINARY, Kind.JSON):
        return replace(value, texts=_constant(value.constant, wanted, node), type=wanted, exact=None)
    if value.kind is Kind.INTEGER and kind is Kind.BOOLEAN and value.constant in "01":
        return replace(value, texts=_constant(value.constant, BOOLEAN, node), type=BOOLEAN)
    return value


def _constant(text: str, wanted: ColumnType, node: exp.Expr) -> Texts:
    inner = wanted.stored
    if isinstance(inner, types.Enum) and text not in inner.values:
        raise Refused(f"`{text}` is not a value of the enum", did_you_mean(text, inner.values), at=node)
    try:
        constant = inner.constant(text)
    except (Unsupported, ValueError) as error:
        reason = str(error) if isinstance(error, Unsupported) else f"`{text}` is not {kind_of(wanted).value}"
        raise Refused(reason, at=node) from error
    return Texts(constant.sqlite, constant.mysql, constant.postgresql)


def now(digits: int) -> Texts:
    """The current time with some fractional digits of a second."""
    moment = types.DateTime(digits)
    return Texts(moment.now("sqlite"), moment.now("mysql"), moment.now("postgresql"))


def as_float(value: Value) -> Texts:
    """A number as a float."""
    if value.kind is Kind.FLOAT:
        return value.operand
    if value.constant is not None:
        number = repr(float(value.constant))
        exponent = number if "e" in number else f"{number}e0"  # without one it is a decimal in MySQL
        return Texts(number, exponent, f"CAST({number} AS double precision)")
    scale = scale_of(value)
    template = f"(CAST({{}} AS REAL) / 1{'0' * scale})" if value.is_scaled and scale else "CAST({} AS REAL)"
    return write(
        "",
        value.texts,
        sqlite=template,
        mysql="CAST({} AS DOUBLE)",
        postgresql="CAST({} AS double precision)",
    )


def as_decimal(value: Value) -> Texts:
    """An integer or a decimal, which is text in SQLite."""
    if value.kind is Kind.DECIMAL:
        return kept(value) if value.is_scaled else value.operand
    if value.constant is not None:
        return replace(value.texts, sqlite=f"'{value.constant}'")
    return replace(value.operand, sqlite=f"CAST({value.texts.sqlite} AS TEXT)")


def has_collation(texts: Iterable[Texts]) -> bool:
    """Whether a collation stands somewhere within, which in SQLite would hold for all around it."""
    return any(" COLLATE " in text.sqlite for text in texts)


def scale_of(value: Value) -> int:
    """The fractional digits of an integer or a decimal."""
    inner = value.type.stored if value.type is not None else None
    return inner.scale if isinstance(inner, types.Decimal) else 0


def digits_of(value: Value) -> int:
    """The most digits that an integer or a decimal has; integers count with what orders and prices need."""
    inner = value.type.stored if value.type is not None else None
    if isinstance(inner, types.Decimal):
        return inner.precision
    return len(value.constant.lstrip("-")) if value.constant is not None else 0


def scaled(value: Value, scale: int, node: exp.Expr) -> Texts:
    """An integer or a decimal whose text for SQLite is an integer, scaled by 10 to the power of `scale`."""
    own = scale_of(value)
    if value.kind is Kind.DECIMAL and digits_of(value) - own + scale > MAX_SCALED_DIGITS:
        message = f"SQLite has no exact numbers of more than {MAX_SCALED_DIGITS} digits"
        raise Refused(message, "decimals of more digits can only be stored and compared by `=`", at=node)
    plain = value.kind is Kind.DECIMAL and not value.is_scaled
    text = f"CAST(replace({value.texts.sqlite}, '.', '') AS INTEGER)" if plain else value.operand.sqlite
    if value.constant is not None:
        text = value.constant.replace(".", "")
    if scale > own:
        text = f"{text} * 1{'0' * (scale - own)}" if value.constant is None else text + "0" * (scale - own)
        text = f"({text})" if value.constant is None else text
    return replace(value.operand, sqlite=text)


def kept(value: Value) -> Texts:
    """A value as a column or a row keeps it: decimals are text in SQLite again."""
    if not value.is_scaled:
        return value.texts
    scale = scale_of(value)
    text = value.operand.sqlite
    if scale == 0:
        return replace(value.texts, sqlite=f"CAST({text} AS TEXT)")
    unit = "1" + "0" * scale
    return replace(
        value.texts,
        sqlite=f"CASE WHEN {text} < 0 THEN '-' ELSE '' END || (abs({text}) / {unit}) || '.'"
        f" || substr('{'0' * (scale - 1)}' || (abs({text}) % {unit}), -{scale})",
    )


def stored(value: Value, column: Column, node: exp.Expr) -> Texts:
    """A value as a column takes it. Raises Refused where it does not fit for sure."""
    if value.type is None:
        if not column.nullable:
            raise Refused(f"column `{column.name}` is NOT NULL", at=node)
        return value.texts
    value = typed(value, column.type, node)
    kind, wanted = value.kind, kind_of(column.type)
    if value.nullable and not column.nullable:
        raise Refused(
            f"column `{column.name}` is NOT NULL, and this may be NULL", "write COALESCE(…)", at=node
        )
    if wanted is Kind.FLOAT and kind in NUMBERS:
        return as_float(value) if kind is not Kind.INTEGER else value.texts
    if wanted is Kind.DECIMAL and kind in (Kind.INTEGER, Kind.DECIMAL):
        return _stored_decimal(value, column, node)
    if kind is not wanted or (kind is Kind.ENUM and column.type.stored != (value.type or column.type).stored):
        raise Refused(f"column `{column.name}` is {wanted.value}, this is {described(value)}", at=node)
    if kind in (Kind.DATETIME, Kind.TIME) and fraction_of(value.type) != fraction_of(column.type):
        message = f"column `{column.name}` has other fractional digits: SQLite compares times as texts"
        raise Refused(message, "give both columns the same digits", at=node)
    return kept(value)


def _stored_decimal(value: Value, column: Column, node: exp.Expr) -> Texts:
    inner = column.type.stored
    assert isinstance(inner, types.Decimal)
    own = scale_of(value)
    if own > inner.scale:
        message = f"this has {own} fractional digits, column `{column.name}` has {inner.scale}"
        raise Refused(message, "databases round differently: compute it in Python", at=node)
    if value.kind is Kind.DECIMAL and not value.is_scaled and own == inner.scale and value.constant is None:
        return value.texts
    texts = scaled(value, inner.scale, node)
    return kept(replace(value, texts=texts, type=inner, is_scaled=True, is_operand=True, constant=None))


def fraction_of(type_: ColumnType | None) -> int | None:
    """The fractional digits of the seconds of a time."""
    inner = type_.stored if type_ is not None else None
    return inner.digits if isinstance(inner, types.DateTime | types.Time) else None
