from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.logs.forward.messages import Incomplete, entry_with_keys, read

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.binary(max_size=300)
    | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
    max_leaves=30,
)


def with_bytes(value: Any) -> Any:
    """The same with texts as bytes."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return [with_bytes(each) for each in value]
    if isinstance(value, dict):
        return {with_bytes(key): with_bytes(each) for key, each in value.items()}
    return value


@given(values, st.binary(max_size=5))
def test_messages_are_read_one_by_one(value: object, rest: bytes) -> None:
    data = msgspec.msgpack.encode(value)
    assert read(data + rest) == (with_bytes(value), len(data))


@given(values, st.data())
def test_a_message_that_has_not_arrived_as_a_whole(value: object, data: st.DataObject) -> None:
    whole = msgspec.msgpack.encode(value)
    with pytest.raises(Incomplete):
        read(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary(max_size=60))
def test_anything_else_is_refused(data: bytes) -> None:
    try:
        _, end = read(data)
    except (Incomplete, ValueError):
        return
    assert 0 < end <= len(data)


def test_large_values_are_read() -> None:
    for value in (
        "a" * 70_000,
        b"a" * 70_000,
        [None] * 70_000,
        {f"{number}": number for number in range(70_000)},
    ):
        assert read(msgspec.msgpack.encode(value))[0] == with_bytes(value)


@given(
    st.dictionaries(
        st.text(max_size=10),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        max_size=8,
    )
)
def test_whatever_a_line_says_becomes_a_record(keys: dict[str, object]) -> None:
    keys = {
        "@timestamp": "2026-01-31T12:00:00.250+00:00",
        **{f"_{key}": value for key, value in keys.items()},
    }
    entry = entry_with_keys(msgspec.Raw(msgspec.json.encode(keys)))
    time, record = msgspec.msgpack.decode(entry)
    assert (time.code, time.data[4:]) == (0, (250_000_000).to_bytes(4, "big"))
    assert record.keys() == keys.keys()
    if all(not isinstance(value, int) or -(1 << 63) <= value < 1 << 64 for value in keys.values()):
        assert record == keys
