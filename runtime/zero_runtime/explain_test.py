from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.explain import LIMIT, AtMost, Wrong, dotted, explain, nearest, parts

Uint64 = Annotated[int, msgspec.Meta(ge=0), AtMost(2**64 - 1)]


class Line(msgspec.Struct, kw_only=True):
    text: Annotated[str, msgspec.Meta(min_length=2, max_length=3)]


class Address(msgspec.Struct, kw_only=True, rename={"zip_code": "zipCode"}):
    zip_code: int
    lines: list[Line] = []
    size: Uint64 | None = None


class Order(msgspec.Struct, kw_only=True):
    name: str
    kind: Literal["small", "large"] = "small"
    count: Annotated[int, msgspec.Meta(gt=0, le=9)] = 1
    rate: float | None = None
    paid: bool = False
    address: Address | None = None
    labels: dict[str, int] = {}
    picture: bytes = b""
    code: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")] = "a"
    step: Annotated[int, msgspec.Meta(multiple_of=5)] = 5
    few: Annotated[list[int], msgspec.Meta(max_length=1)] = []


class Tree(msgspec.Struct):
    children: list[Tree] = []


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    host: str = ""
    low: int = 0
    high: int = 0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")


def texts(kind: Any, value: object) -> list[str]:
    return [f"{dotted(wrong.path)}: {wrong.message}" for wrong in explain(kind, value)]


def test_every_wrong_field_is_told_at_its_place() -> None:
    value = {
        "kind": "huge",
        "count": 0,
        "rate": "1",
        "paid": 1,
        "address": {"lines": [{"text": "ok"}, {"text": "x"}, {"text": "long"}, {}, 5], "size": 2**64},
        "labels": {"a": 1, "b": "2"},
        "picture": "!",
        "code": "A",
        "step": 7,
        "few": [1, 2],
    }
    assert texts(Order, value) == [
        "name: is required",
        "kind: must be one of `small`, `large`",
        "count: must be >= 1",
        "rate: expected a number or null, got a string",
        "paid: expected true or false, got a number",
        "address.zipCode: is required",
        "address.lines[1].text: must have at least 2 characters",
        "address.lines[2].text: must have at most 3 characters",
        "address.lines[3].text: is required",
        "address.lines[4]: expected an object, got a number",
        "address.size: must be <= 18446744073709551615",
        "labels.b: expected an integer, got a string",
        "picture: invalid base64 encoded string",
        "code: must match '^[a-z]+$'",
        "step: must be a multiple of 5",
        "few: must have at most 1 item",
    ]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (str, 1, "expected a string, got a number"),
        (str, None, "expected a string, got null"),
        (int, "1", "expected an integer, got a string"),
        (int, 1.5, "expected an integer, got a number with a fraction or an exponent"),
        (int, True, "expected an integer, got a boolean"),
        (float, "1", "expected a number, got a string"),
        (list[int], {}, "expected a list, got an object"),
        (dict[str, int], [], "expected an object, got a list"),
        (int, Decimal("1.5"), "expected an integer, got a number with a fraction or an exponent"),
        (str, Decimal("1.5"), "expected a string, got a number"),
        (float, Decimal("1e999"), "expected a number"),
        (Decimal, "NaN", "expected a decimal number"),
        (Decimal, "1,5", "expected a decimal number"),
        (Decimal, True, "expected a decimal number, got a boolean"),
        (datetime, "2026-01-31", "expected a time such as 2026-01-31T12:00:00Z"),
        (datetime, 5, "expected a time such as 2026-01-31T12:00:00Z, got a number"),
        (Annotated[Uint64 | None, "x"], 2**64, "must be <= 18446744073709551615"),
        (Order, [], "expected an object, got a list"),
        (Strict, {"low": 2, "high": 1}, "low must not be above high"),
    ],
)
def test_messages_speak_of_json(kind: Any, value: object, text: str) -> None:
    assert explain(kind, value) == [Wrong((), text)]


def test_unknown_keys_of_strict_structs_get_a_suggestion() -> None:
    assert texts(Strict, {"Hots": "a", "zzz": 1}) == [
        "Hots: unknown key; did you mean `host`?",
        "zzz: unknown key",
    ]


def test_keys_of_maps_are_checked() -> None:
    assert texts(dict[int, str], {"1": "a", "b": "c"}) == ["b: expected an integer, got a string"]


def test_hook_reads_types_that_msgspec_does_not_know() -> None:
    class Even(int):
        pass

    def hook(kind: type, value: Any) -> Any:
        if value % 2:
            raise ValueError("is odd")
        return Even(value)

    assert explain(list[Even], [2, 3], hook) == [Wrong((1,), "is odd")]


def test_no_more_errors_than_anybody_reads() -> None:
    assert len(explain(list[str], [1] * 100_000)) == LIMIT


def test_time_does_not_grow_with_the_square_of_the_depth() -> None:
    value: dict[str, Any] = {"children": 1}
    for _ in range(100):
        value = {"children": [value, *({"children": []} for _ in range(300))]}
    start = time.process_time()
    (wrong,) = explain(Tree, value)
    assert time.process_time() - start < 2
    assert dotted(wrong.path).count("children") == 101


def test_a_type_is_made_of() -> None:
    assert set(parts(Tree)) == {Tree, list[Tree]}
    assert {AtMost(2**64 - 1), Line, Literal["small", "large"]} <= set(parts(dict[str, Order]))


def test_nearest_ignores_case() -> None:
    assert nearest("accesssecret", ["AccessSecret", "AccessExpire"]) == "AccessSecret"
    assert nearest("qqq", ["AccessSecret"]) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
NEARLY_ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=3) | JSON,
        "kind": st.sampled_from(["small", "large", "other"]) | JSON,
        "count": st.integers(-1, 10) | JSON,
        "rate": st.floats(allow_nan=False, allow_infinity=False) | JSON,
        "labels": st.dictionaries(st.text(max_size=2), st.integers() | JSON, max_size=2) | JSON,
        "address": JSON
        | st.fixed_dictionaries(
            {"zipCode": st.integers() | JSON},
            optional={
                "lines": st.lists(
                    st.fixed_dictionaries({"text": st.text(max_size=4) | JSON}) | JSON, max_size=3
                )
            },
        ),
        "few": st.lists(st.integers() | JSON, max_size=2) | JSON,
    },
)


@given(NEARLY_ORDERS | JSON)
def test_something_is_wrong_just_when_msgspec_refuses(value: object) -> None:
    encoded = msgspec.json.encode(value)
    try:
        msgspec.json.decode(encoded, type=Order)
        refused = False
    except msgspec.ValidationError:
        refused = True
    assert bool(explain(Order, msgspec.json.decode(encoded))) == refused
