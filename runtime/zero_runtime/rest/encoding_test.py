from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import rest


class Line(msgspec.Struct, kw_only=True, rename={"line_id": "lineId"}):
    line_id: Annotated[rest.Int64, rest.AS_STRING]
    note: Annotated[str, rest.OMIT_EMPTY] = ""


class Order(msgspec.Struct, kw_only=True):
    id: Annotated[rest.Uint64 | None, rest.AS_STRING] = None
    paid: Annotated[bool, rest.AS_STRING, rest.OMIT_EMPTY] = False
    ratio: Annotated[float, rest.AS_STRING] = 0.5
    lines: Annotated[list[Line], rest.OMIT_EMPTY] = []
    by_name: dict[str, Line] = {}
    parent: Annotated[Order | None, rest.OMIT_EMPTY] = None
    price: Annotated[Decimal, rest.OMIT_EMPTY] = Decimal(0)
    kind: Annotated[Literal["a", "b"] | None, rest.OMIT_EMPTY] = None
    at: Annotated[rest.Time | None, rest.OMIT_EMPTY] = None
    plain: list[int] = []


def written(kind: Any, value: Any) -> Any:
    response = rest.Encoder(kind)(value)
    assert (response.status, [*response.headers]) == (200, [(b"content-type", b"application/json")])
    return msgspec.json.decode(response.body)


def test_what_is_empty_is_left_out_and_numbers_stand_in_quotes() -> None:
    least: dict[str, Any] = {"id": None, "ratio": "0.5", "by_name": {}, "price": "0", "plain": []}
    assert written(Order, Order()) == least
    order = Order(id=2**64 - 1, paid=True, lines=[Line(line_id=1)], by_name={"x": Line(line_id=-2, note="n")})
    order.parent = Order()
    assert written(Order, order) == {
        **least,
        "id": "18446744073709551615",
        "paid": "true",
        "lines": [{"lineId": "1"}],
        "by_name": {"x": {"lineId": "-2", "note": "n"}},
        "parent": least,
    }


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (list[Line], [Line(line_id=1)], [{"lineId": "1"}]),
        (dict[str, list[Line]], {"a": [Line(line_id=1)]}, {"a": [{"lineId": "1"}]}),
        (Line | None, None, None),
        (list[Line] | None, None, None),
        (int, 5, 5),
        (Any, {"a": 1}, {"a": 1}),
    ],
)
def test_all_kinds_of_types(kind: Any, value: Any, expected: Any) -> None:
    assert written(kind, value) == expected


LINES = st.builds(Line, line_id=st.integers(-(2**63), 2**63 - 1), note=st.text(max_size=3))
ORDERS = st.builds(
    Order,
    id=st.none() | st.integers(0, 2**64 - 1),
    paid=st.booleans(),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    lines=st.lists(LINES, max_size=2),
    by_name=st.dictionaries(st.text(max_size=2), LINES, max_size=2),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    kind=st.sampled_from([None, "a", "b"]),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    parent=st.none() | st.builds(Order, plain=st.lists(st.integers(0, 9))),
)


@given(ORDERS)
def test_what_is_written_is_read_again(order: Order) -> None:
    assert rest.Body(Order).read(rest.Encoder(Order).encode(order)) == order
