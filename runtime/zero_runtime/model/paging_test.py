"""Texts that say where a page begins. That pages have each row once is shown in tests/model."""

import base64
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.errors import InvalidArgument
from zero_runtime.model import paging
from zero_runtime.model.columns import Column, Writer
from zero_runtime.model.statement import Statement
from zero_runtime.model.table import Index, Table
from zero_runtime.model.values import Value


@dataclass
class Thing:
    id: int
    name: str
    price: Decimal = Decimal("1.50")


ID = Column[Thing, int]("id", "id")
NAME = Column[Thing, str]("name", "name")
PRICE = Column[Thing, Decimal]("price", "price", encode=str)
NONE = Statement("thing")
THINGS = Table[Thing](
    name="thing",
    decode=lambda row: Thing(*row),
    key=Index(name="PRIMARY", find=NONE, find_for_update=NONE, values=lambda thing: (thing.id,)),
    key_columns=(ID,),
    select=NONE,
    count=NONE,
    layout="0123456789ab",
)
BY_NAME = paging.complete(NAME.asc(), THINGS)
NEXT = paging.position(BY_NAME, Thing(7, "Ada"), THINGS)


def test_an_order_is_completed_by_the_key_in_its_direction() -> None:
    assert paging.complete((), THINGS) == (ID.asc(),)
    assert paging.complete(NAME.asc(), THINGS) == (NAME.asc(), ID.asc())
    assert paging.complete([PRICE.asc(), NAME.desc()], THINGS) == (PRICE.asc(), NAME.desc(), ID.desc())
    assert paging.complete([ID.desc(), NAME.asc()], THINGS) == (ID.desc(), NAME.asc())


def test_a_page_begins_behind_a_row() -> None:
    orders = paging.complete([NAME.desc(), PRICE.asc()], THINGS)
    writer = Writer("sqlite")
    text = writer.text(paging.behind(orders, ("Ada", "1.50", 7)).pieces)
    assert text == '("name" <= ? AND ("name" < ? OR ("price" >= ? AND ("price" > ? OR "id" > ?))))'
    assert writer.values == ["Ada", "Ada", "1.50", "1.50", 7]


VALUES = st.lists(
    st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary() | st.floats(allow_nan=False) | st.booleans(),
    min_size=1,
)


@given(VALUES)
def test_values_come_back_from_the_text_as_they_were(values: list[Value]) -> None:
    encoded = iter(values)
    column = Column[Thing, str]("name", "name", encode=lambda _: next(encoded))
    orders = [column.asc() for _ in values]
    assert paging.values_at(paging.position(orders, Thing(7, "Ada"), THINGS), orders, THINGS) == values


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "===",
        "é",
        "\0",
        "' OR 1=1 --",
        NEXT[:-1],
        NEXT + "A",
        NEXT[::-1],
        base64.urlsafe_b64encode(b"01234567" + b"\x92\x01\x02").decode(),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="no page"):
        paging.values_at(text, BY_NAME, THINGS)


@pytest.mark.parametrize(
    "values", [[], ["Ada"], ["Ada", 7, 7], ["Ada", None], [["Ada"], 7], [{"Ada": 7}, 7], "Ada", None]
)
def test_forged_values_are_refused(values: object) -> None:
    payload = msgspec.msgpack.encode(values)
    text = paging._text(paging._digest(payload, BY_NAME, THINGS) + payload)
    with pytest.raises(InvalidArgument, match="no page"):
        paging.values_at(text, BY_NAME, THINGS)


@given(st.data())
def test_no_changed_text_is_taken(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(NEXT) - 1))
    changed = NEXT[:at] + data.draw(st.characters(exclude_characters=NEXT[at])) + NEXT[at + 1 :]
    with pytest.raises(InvalidArgument, match="no page"):
        paging.values_at(changed, BY_NAME, THINGS)


@pytest.mark.parametrize(
    ("orders", "table"),
    [
        (paging.complete(NAME.desc(), THINGS), THINGS),
        (paging.complete((), THINGS), THINGS),
        (paging.complete([NAME.asc(), PRICE.asc()], THINGS), THINGS),
        (BY_NAME, replace(THINGS, name="other")),
        (BY_NAME, replace(THINGS, layout="ba9876543210")),
    ],
)
def test_a_page_of_another_list_is_refused(orders: object, table: Table[Thing]) -> None:
    with pytest.raises(InvalidArgument, match="no page"):
        paging.values_at(NEXT, orders, table)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_is_limited(limit: int) -> None:
    assert paging.limited(1) == 1 and paging.limited(10_000) == 10_000
    with pytest.raises(InvalidArgument, match="from 1 to 10000"):
        paging.limited(limit)
