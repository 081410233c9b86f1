"""Values as statements take them and rows hold them, equal on every database.

Numbers, texts and bytes are themselves. A date is ``YYYY-MM-DD``, a point in time ``YYYY-MM-DD
HH:MM:SS[.ffffff]`` in UTC, a decimal number its plain notation. NULL is None, which all functions here let
pass.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, TypeAlias, overload

from zero_runtime.errors import InvalidArgument

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Any, ...]

# MySQL's largest DECIMAL has 65 digits; a quotient of two such needs no more than twice that.
_DECIMALS = Context(prec=200, rounding=ROUND_HALF_UP)


@overload
def encode_datetime(value: datetime, digits: int = 0) -> str: ...
@overload
def encode_datetime(value: None, digits: int = 0) -> None: ...
def encode_datetime(value: datetime | None, digits: int = 0) -> str | None:
    """The point in time in UTC with ``digits`` (0 to 6) fractional digits, rounded half up as MySQL does.

    Raises InvalidArgument for a naive datetime, which does not say which point in time it means.
    """
    if value is None:
        return None
    if value.utcoffset() is None:
        raise InvalidArgument(f"the time {value.isoformat()} is naive: it has no offset from UTC")
    unit = 10 ** (6 - digits)
    try:
        moment = value.astimezone(UTC)
        moment += timedelta(microseconds=(moment.microsecond + unit // 2) // unit * unit - moment.microsecond)
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
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


@overload
def encode_date(value: date) -> str: ...
@overload
def encode_date(value: None) -> None: ...
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
def encode_decimal(value: Decimal, precision: int, scale: int) -> str: ...
@overload
def encode_decimal(value: None, precision: int, scale: int) -> None: ...
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
