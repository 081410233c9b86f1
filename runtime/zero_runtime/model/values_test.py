from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.errors import InvalidArgument
from zero_runtime.model import (
    decode_date,
    decode_datetime,
    decode_decimal,
    encode_date,
    encode_datetime,
    encode_decimal,
)

MOMENT = datetime(2026, 2, 28, 23, 59, 59, 999_500, UTC)


@pytest.mark.parametrize(
    ("digits", "text"),
    [
        (0, "2026-03-01 00:00:00"),
        (1, "2026-03-01 00:00:00.0"),
        (3, "2026-03-01 00:00:00.000"),
        (4, "2026-02-28 23:59:59.9995"),
        (6, "2026-02-28 23:59:59.999500"),
    ],
)
def test_times_are_rounded_half_up(digits: int, text: str) -> None:
    assert encode_datetime(MOMENT, digits) == text


def test_times_are_in_utc() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert encode_datetime(datetime(2026, 1, 1, 7, 0, 0, tzinfo=shanghai)) == "2025-12-31 23:00:00"
    assert decode_datetime("2025-12-31 23:00:00").utcoffset() == timedelta(0)


def test_naive_times_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="naive"):
        encode_datetime(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "moment", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=timezone.max)]
)
def test_times_beyond_the_calendar_are_refused(moment: datetime) -> None:
    with pytest.raises(InvalidArgument, match="out of range"):
        encode_datetime(moment)


@given(st.datetimes(timezones=st.timezones()))
def test_times_survive(moment: datetime) -> None:
    try:
        text = encode_datetime(moment, 6)
    except InvalidArgument:
        assert moment.year in (1, 9999)
    else:
        assert decode_datetime(text) == moment.astimezone(UTC)


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(9999, 12, 31)), st.integers(0, 6))
def test_rounding_errs_by_half_a_digit_at_most(moment: datetime, digits: int) -> None:
    text = encode_datetime(moment, digits)
    assert len(text.partition(".")[2]) == digits
    assert abs(decode_datetime(text) - moment) <= timedelta(seconds=0.5 / 10**digits)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0.00"),
        ("-0", "0.00"),
        ("-0.001", "0.00"),
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("1E+3", "1000.00"),
        ("999.994", "999.99"),
        ("1000", "1000.00"),
    ],
)
def test_decimals_are_plain_and_rounded_half_up(value: str, text: str) -> None:
    assert encode_decimal(Decimal(value), 6, 2) == text


@pytest.mark.parametrize(
    "value", ["10000", "9999.995", "-10000", "NaN", "sNaN", "Infinity", "-Infinity", "1E+300"]
)
def test_decimals_that_do_not_fit_are_refused(value: str) -> None:
    with pytest.raises(InvalidArgument, match="at most 4 integer digits"):
        encode_decimal(Decimal(value), 6, 2)


def test_decimals_without_integer_digits() -> None:
    assert encode_decimal(Decimal("0.99"), 2, 2) == "0.99"
    with pytest.raises(InvalidArgument):
        encode_decimal(Decimal("0.999"), 2, 2)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**35) + 1, max_value=10**35 - 1, places=30
    )
)
def test_decimals_survive(value: Decimal) -> None:
    text = encode_decimal(value, 65, 30)
    assert decode_decimal(text) == value
    assert "E" not in text


@given(st.dates())
def test_dates_survive(day: date) -> None:
    assert decode_date(encode_date(day)) == day
    assert encode_date(datetime(day.year, day.month, day.day, 23)) == encode_date(day)


def test_null_passes() -> None:
    assert encode_datetime(None, 6) is None and decode_datetime(None) is None
    assert encode_date(None) is None and decode_date(None) is None
    assert encode_decimal(None, 10, 2) is None and decode_decimal(None) is None
