"""Pages of a list: where the next one begins.

A page begins behind a row, not at a number of rows: what is inserted and deleted between two pages moves no
rows to another page, and far pages cost the database no more than near ones.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from zero_runtime.errors import InvalidArgument
from zero_runtime.model.columns import Filter, Order, Pieces
from zero_runtime.model.table import Table
from zero_runtime.model.values import Value

R = TypeVar("R")

MAX_LIMIT = 10_000
"""Most rows of a page: they are in memory together. More are for ``stream``."""

_DIGEST = 8


@dataclass(frozen=True)
class Page(Generic[R]):
    """A part of a list."""

    rows: list[R]
    next: str | None
    """Where the next page begins, for ``after`` of the same list; None at the end."""


def limited(limit: int) -> int:
    """The limit. Raises InvalidArgument: it may be a caller's wish."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidArgument(f"the limit of a page is from 1 to {MAX_LIMIT}, not {limit}")
    return limit


def complete(order_by: Order[R] | Iterable[Order[R]], table: Table[R]) -> tuple[Order[R], ...]:
    """The order, continued by the key: two rows never share a place, so each is on one page.

    The key goes in the direction of the last order, as an index that ends with it can be read.
    """
    orders = [order_by] if isinstance(order_by, Order) else list(order_by)
    is_descending = bool(orders) and orders[-1].is_descending
    names = {order.column.name for order in orders}
    rest = [Order(key, is_descending) for key in table.key_columns if key.name not in names]
    return *orders, *rest


def ordered(orders: Sequence[Order[R]]) -> Pieces:
    """``ORDER BY …``, or nothing."""
    pieces = [piece for order in orders for piece in (", ", *order.pieces)]
    return (" ORDER BY ", *pieces[1:]) if pieces else ()


def behind(orders: Sequence[Order[R]], values: Sequence[Value]) -> Filter[R]:
    """Rows behind the one that has these values."""
    order, value = orders[0], values[0]
    if len(orders) == 1:
        return order.behind(value)
    # The first condition is implied by the others; databases find the place in an index by it.
    return order.behind(value, or_at=True) & (order.behind(value) | behind(orders[1:], values[1:]))


def position(orders: Sequence[Order[R]], row: R, table: Table[R]) -> str:
    """The place of a row in the order: what a page gives as ``next``."""
    payload = _ENCODER.encode([order.column.of(row) for order in orders])
    return _text(_digest(payload, orders, table) + payload)


def values_at(text: str, orders: Sequence[Order[R]], table: Table[R]) -> list[Value]:
    """The values that `position` has put into the text. Raises InvalidArgument for any other text."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _refused() from None
    payload = data[_DIGEST:]
    # The last character has bits that say nothing; a text that has them set was not made here.
    if data != _digest(payload, orders, table) + payload or text != _text(data):
        raise _refused()
    try:
        values: list[Value] = _DECODER.decode(payload)
    except msgspec.DecodeError:
        raise _refused() from None
    if len(values) != len(orders) or not all(isinstance(value, _VALUES) for value in values):
        raise _refused()
    return values


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Any])
_VALUES = int, float, str, bytes


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _digest(payload: bytes, orders: Sequence[Order[R]], table: Table[R]) -> bytes:
    # Tells pages of other lists, of tables that have changed, and damage. It is no secret: whoever forges a
    # place learns no more than whoever asks for all pages, since values are bound.
    directions = "".join(f",{order.column.name}{' desc' * order.is_descending}" for order in orders)
    text = f"{table.name} {table.layout}{directions}\0".encode()
    return hashlib.blake2b(text + payload, digest_size=_DIGEST).digest()


def _refused() -> InvalidArgument:
    return InvalidArgument("this is no page of the list in this order")
