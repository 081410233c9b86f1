"""Values as statements take them and rows hold them, equal on every database.

Integers, texts and bytes are themselves. A date is ``YYYY-MM-DD``, a time of the day ``HH:MM:SS[.ffffff]``, a
point in time ``YYYY-MM-DD HH:MM:SS[.ffffff]`` in UTC, a decimal number its plain notation, a UUID its 36
characters, JSON its text. NULL is None, which all functions here let pass.
"""

from __future__ import annotations

import math
import struct
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias, TypeVar, overload

import msgspec

from zero_runtime.errors import InvalidArgument

__all__ = [
    "Json",
    "Row",
    "Value",
    "bytes_of_uuid",
    "change",
    "decimal_of_float",
    "decode_char",
    "decode_date",
    "decode_datetime",
    "decode_decimal",
    "decode_json",
    "decode_time",
    "decode_uuid",
    "encode_char",
    "encode_date",
    "encode_datetime",
    "encode_decimal",
    "encode_float",
    "encode_json",
    "encode_single",
    "encode_time",
    "encode_uuid",
    "is_changed",
    "optional",
    "uuid_of_bytes",
]

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Any, ...]

Json: TypeAlias = Any
"""What JSON can say: None, truth values, numbers, texts, and lists and dictionaries of these by texts."""

T = TypeVar("T")
A = TypeVar("A")

# MySQL's largest DECIMAL has 65 digits; a quotient of two such needs no more than twice that.
_DECIMALS = Context(prec=200, rounding=ROUND_HALF_UP)

_SINGLE = struct.Struct("<f")

DECIMAL_COLLATION = "decimal"
"""What SQLite calls `compare_decimals`; its own shell has a collation of that name which does the same."""


def compare_decimals(left: str, right: str) -> int:
    """Compares decimal numbers in plain notation: a collation for SQLite, which keeps them as texts.

    Texts that are none, which somebody else may have written, come behind all numbers.
    """
    if left == right:
        return 0
    first, second = _rank(left), _rank(right)
    return (first > second) - (first < second)


def _rank(text: str) -> tuple[bool, Decimal, str]:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return True, Decimal(), text
    return (True, Decimal(), text) if number.is_nan() else (False, number, "")


@overload
def optional(make: Callable[[A], T], value: A) -> T: ...
@overload
def optional(make: Callable[[A], T], value: A | None) -> T | None: ...
def optional(make: Callable[[A], T], value: A | None) -> T | None:
    """What ``make`` makes of a value; None of None."""
    return None if value is None else make(value)


def change(value: A | msgspec.UnsetType, encode: Callable[[A], Value] | None = None) -> tuple[bool, Value]:
    """Whether a column is changed, which ``msgspec.UNSET`` does not do, and its new value, encoded."""
    if isinstance(value, msgspec.UnsetType):
        return False, None
    return True, encode(value) if encode else value  # type: ignore[return-value]  # a Value then


def is_changed(*values: object) -> bool:
    """Whether one of the columns is changed: ``change`` of all of them."""
    return any(value is not msgspec.UNSET for value in values)


@overload
def encode_datetime(value: datetime, digits: int = 0) -> str: ...
@overload
def encode_datetime(value: datetime | None, digits: int = 0) -> str | None: ...
def encode_datetime(value: datetime | None, digits: int = 0) -> str | None:
    """The point in time in UTC with ``digits`` (0 to 6) fractional digits, rounded half up as MySQL does.

    Raises InvalidArgument for a naive datetime, which does not say which point in time it means.
    """
    if value is None:
        return None
    if value.utcoffset() is None:
        raise InvalidArgument(f"the time {value.isoformat()} is naive: it has no offset from UTC")
    try:
        moment = value.astimezone(UTC)
        moment += timedelta(microseconds=_rounding(moment.microsecond, digits))
    except OverflowError:
        raise InvalidArgument(f"the time {value.isoformat()} is out of range") from None
    text = moment.replace(tzinfo=None).isoformat(" ", "microseconds")
    return text[: 20 + digits] if digits else text[:19]


@overload
def decode_datetime(text: str) -> datetime: ...
@overload
def decode_datetime(text: None) -> None: ...
def decode_datetime(text: str | None) -> datetime | None:
    """The point in time, as an aware datetime in UTC."""
    # To parse the offset is cheaper than to replace what there would be without it.
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


@overload
def encode_date(value: date) -> str: ...
@overload
def encode_date(value: date | None) -> str | None: ...
def encode_date(value: date | None) -> str | None:
    """The date; of a datetime, which is a date too, without the time of day."""
    return None if value is None else date.isoformat(value)


@overload
def decode_date(text: str) -> date: ...
@overload
def decode_date(text: None) -> None: ...
def decode_date(text: str | None) -> date | None:
    """The date."""
    return None if text is None else date.fromisoformat(text)


@overload
def encode_time(value: time, digits: int = 0) -> str: ...
@overload
def encode_time(value: time | None, digits: int = 0) -> str | None: ...
def encode_time(value: time | None, digits: int = 0) -> str | None:
    """The time of the day with ``digits`` (0 to 6) fractional digits, rounded half up.

    Raises InvalidArgument for one that is of a time zone, which columns do not keep, and for one that is
    rounded to the midnight of the next day.
    """
    if value is None:
        return None
    if value.tzinfo is not None:
        raise InvalidArgument(f"the time {value.isoformat()} is of a time zone: a column does not keep that")
    day = datetime.combine(date.min, value)
    moment = day + timedelta(microseconds=_rounding(day.microsecond, digits))
    if moment.date() != day.date():
        raise InvalidArgument(f"the time {value.isoformat()} is rounded to the next day")
    text = moment.time().isoformat("microseconds")
    return text[: 9 + digits] if digits else text[:8]


@overload
def decode_time(text: str) -> time: ...
@overload
def decode_time(text: None) -> None: ...
def decode_time(text: str | None) -> time | None:
    """The time of the day."""
    return None if text is None else time.fromisoformat(text)


@overload
def encode_decimal(value: Decimal, precision: int, scale: int) -> str: ...
@overload
def encode_decimal(value: Decimal | None, precision: int, scale: int) -> str | None: ...
def encode_decimal(value: Decimal | None, precision: int, scale: int) -> str | None:
    """Plain notation with ``scale`` fractional digits, rounded half away from zero as MySQL does.

    Raises InvalidArgument when that has more than ``precision`` digits or is no number.
    """
    if value is None:
        return None
    try:
        rounded = value.quantize(Decimal(1).scaleb(-scale), context=_DECIMALS)
        fits = rounded.is_zero() or (rounded.is_finite() and rounded.adjusted() < precision - scale)
    except InvalidOperation:
        fits = False
    if not fits:
        raise InvalidArgument(f"{value} is not a number of at most {precision - scale} integer digits")
    return format(abs(rounded) if rounded.is_zero() else rounded, "f")


@overload
def decode_decimal(text: str) -> Decimal: ...
@overload
def decode_decimal(text: None) -> None: ...
def decode_decimal(text: str | None) -> Decimal | None:
    """The number, with the fractional digits it has in the database."""
    return None if text is None else Decimal(text)


@overload
def encode_float(value: float) -> float: ...
@overload
def encode_float(value: float | None) -> float | None: ...
def encode_float(value: float | None) -> float | None:
    """The number. Raises InvalidArgument for infinity and what is no number, which MySQL cannot store."""
    if value is None:
        return None
    if not math.isfinite(value):
        raise InvalidArgument(f"{value} is no finite number")
    # MySQL does not store the sign of zero.
    return float(value) or 0.0


@overload
def encode_single(value: float) -> float: ...
@overload
def encode_single(value: float | None) -> float | None: ...
def encode_single(value: float | None) -> float | None:
    """The number as four bytes hold it. Raises InvalidArgument as `encode_float` does, and when it is too
    large."""
    if value is None:
        return None
    try:
        return float(_SINGLE.unpack(_SINGLE.pack(encode_float(value)))[0])
    except OverflowError:
        raise InvalidArgument(f"{value} is too large for a column of four bytes") from None


@overload
def encode_char(value: str) -> str: ...
@overload
def encode_char(value: str | None) -> str | None: ...
def encode_char(value: str | None) -> str | None:
    """The text without the blanks at its end, of which a CHAR column keeps none."""
    return None if value is None else value.rstrip(" ")


@overload
def decode_char(text: str) -> str: ...
@overload
def decode_char(text: None) -> None: ...
def decode_char(text: str | None) -> str | None:
    """The text without the blanks that PostgreSQL fills it up with."""
    return None if text is None else text.rstrip(" ")


@overload
def encode_uuid(value: uuid.UUID) -> str: ...
@overload
def encode_uuid(value: uuid.UUID | None) -> str | None: ...
def encode_uuid(value: object) -> str | None:
    """The 36 characters, with lower-case letters. Raises InvalidArgument for what is no UUID, since not every
    database knows one by its text."""
    if value is None:
        return None
    if not isinstance(value, uuid.UUID):
        raise InvalidArgument(f"{value!r} is no UUID")
    return str(value)


@overload
def decode_uuid(text: str) -> uuid.UUID: ...
@overload
def decode_uuid(text: None) -> None: ...
def decode_uuid(text: str | None) -> uuid.UUID | None:
    """The UUID."""
    return None if text is None else uuid.UUID(text)


def uuid_of_bytes(value: bytes) -> uuid.UUID:
    """The UUID of 16 bytes."""
    return uuid.UUID(bytes=value)


def bytes_of_uuid(value: uuid.UUID) -> bytes:
    """The 16 bytes of a UUID."""
    return value.bytes


def decimal_of_float(value: float) -> Decimal:
    """The shortest decimal number that is this float."""
    return Decimal(repr(float(value)))


def encode_json(value: Json, *, nullable: bool = True) -> str | None:
    """The text of the value; None is NULL, or JSON's null where the column is not ``nullable``.

    Raises InvalidArgument for what JSON cannot say.
    """
    if value is None and nullable:
        return None
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise InvalidArgument(f"no JSON can be made of the value: {error}") from error


@overload
def decode_json(text: str, *, type: type[T]) -> T: ...
@overload
def decode_json(text: str | None, *, type: Any) -> Any: ...
def decode_json(text: str | None, *, type: Any) -> Any:
    """The value, checked to be of a type. Raises msgspec.ValidationError when the database holds another."""
    return None if text is None else msgspec.json.decode(text, type=type)


def _rounding(microsecond: int, digits: int) -> int:
    """What to add to a number of microseconds so that it has ``digits`` digits."""
    unit: int = 10 ** (6 - digits)
    return (microsecond + unit // 2) // unit * unit - microsecond
