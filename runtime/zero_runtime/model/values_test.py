from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.errors import InvalidArgument
from zero_runtime.model.values import (
    bytes_of_uuid,
    change,
    compare_decimals,
    decimal_of_float,
    decode_char,
    decode_date,
    decode_datetime,
    decode_decimal,
    decode_json,
    decode_time,
    decode_uuid,
    encode_char,
    encode_date,
    encode_datetime,
    encode_decimal,
    encode_float,
    encode_json,
    encode_single,
    encode_time,
    encode_uuid,
    is_changed,
    optional,
    uuid_of_bytes,
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


@given(st.times(), st.integers(0, 6))
def test_times_of_the_day_survive(moment: time, digits: int) -> None:
    try:
        text = encode_time(moment, digits)
    except InvalidArgument:
        assert (moment.hour, moment.minute, moment.second) == (23, 59, 59)
    else:
        assert len(text.partition(".")[2]) == digits
        assert digits < 6 or decode_time(text) == moment


def test_times_of_the_day_are_rounded_half_up() -> None:
    assert encode_time(time(1, 59, 59, 500_000)) == "02:00:00"
    assert encode_time(time(1, 59, 59, 999_499), 3) == "01:59:59.999"
    assert decode_time("01:59:59.5") == time(1, 59, 59, 500_000)


@pytest.mark.parametrize("moment", [time(1, tzinfo=UTC), time(23, 59, 59, 500_000)])
def test_times_that_no_column_keeps_are_refused(moment: time) -> None:
    with pytest.raises(InvalidArgument):
        encode_time(moment)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive(value: float) -> None:
    assert encode_float(value) == value


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_floats_of_four_bytes_survive(value: float) -> None:
    assert encode_single(value) == value


@pytest.mark.parametrize("encode", [encode_float, encode_single])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_finite_number_is_refused(encode: Callable[[float], float], value: float) -> None:
    with pytest.raises(InvalidArgument, match="finite"):
        encode(value)


def test_four_bytes_round_and_overflow() -> None:
    assert encode_single(0.1) == struct.unpack("<f", struct.pack("<f", 0.1))[0] != 0.1
    with pytest.raises(InvalidArgument, match="too large"):
        encode_single(3.5e38)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6),
    st.decimals(allow_nan=False, allow_infinity=False, places=6),
)
def test_decimals_are_compared_as_numbers(left: Decimal, right: Decimal) -> None:
    expected = (left > right) - (left < right)
    assert compare_decimals(f"{left:f}", f"{right:f}") == expected


def test_the_longest_decimals_are_compared_exactly() -> None:
    digits = "9" * 64
    assert compare_decimals(f"{digits}8", f"{digits}9") == -1
    assert compare_decimals("-10", "-9") == -1
    assert compare_decimals("1.0", "1") == 0


@given(st.lists(st.sampled_from(["", "1", "x", "nan", "NaN", "-1.50", "Infinity", "1e2", "10"]), max_size=9))
def test_texts_that_are_no_decimals_have_a_place(texts: list[str]) -> None:
    ordered = sorted(texts, key=cmp_to_key(compare_decimals))
    for index, text in enumerate(ordered):
        assert all(compare_decimals(text, later) <= 0 for later in ordered[index:])


def test_blanks_at_the_end_of_a_char_do_not_count() -> None:
    assert encode_char(" a \t ") == " a \t"
    assert decode_char("ab  ") == "ab"


@given(st.uuids())
def test_uuids_survive(value: uuid.UUID) -> None:
    assert decode_uuid(encode_uuid(value)) == value
    assert uuid_of_bytes(bytes_of_uuid(value)) == value


def test_texts_are_no_uuids() -> None:
    with pytest.raises(InvalidArgument, match="is no UUID"):
        encode_uuid("12345678-9abc-4def-8123-456789abcdef")  # type: ignore[call-overload]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8")),
        lambda values: st.lists(values) | st.dictionaries(st.text(st.characters(codec="utf-8")), values),
    )
)
def test_json_survives(value: Any) -> None:
    text = encode_json(value, nullable=False)
    assert text is not None
    assert decode_json(text, type=Any) == value


def test_json_has_a_null_of_its_own() -> None:
    assert encode_json(None) is None
    assert encode_json(None, nullable=False) == "null"
    assert decode_json("null", type=Any) is None


@pytest.mark.parametrize("value", [object(), {1: object()}, "\ud800"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument, match="no JSON"):
        encode_json(value)


def test_json_of_a_type_is_checked() -> None:
    assert decode_json("[1, 2]", type=list[int]) == [1, 2]
    with pytest.raises(msgspec.ValidationError):
        decode_json('["a"]', type=list[int])


def test_the_shortest_decimal_of_a_float() -> None:
    assert decimal_of_float(0.1) == Decimal("0.1")
    assert decimal_of_float(3) == Decimal(3)


def test_a_column_that_is_not_told_does_not_change() -> None:
    assert change(msgspec.UNSET) == (False, None)
    assert change(None) == (True, None)
    assert change(date(2026, 1, 2), encode_date) == (True, "2026-01-02")
    assert not is_changed(msgspec.UNSET, msgspec.UNSET)
    assert is_changed(msgspec.UNSET, None)


def test_null_passes() -> None:
    assert encode_datetime(None, 6) is None and decode_datetime(None) is None
    assert encode_date(None) is None and decode_date(None) is None
    assert encode_decimal(None, 10, 2) is None and decode_decimal(None) is None
    assert encode_time(None) is None and decode_time(None) is None
    assert encode_float(None) is None and encode_single(None) is None
    assert encode_char(None) is None and decode_char(None) is None
    assert encode_uuid(None) is None and decode_uuid(None) is None
    assert decode_json(None, type=int) is None
    assert optional(int, None) is None and optional(int, "1") == 1
