"""Many rows at a time: in by insert_many, out by stream, with few of them in memory."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.model.places import KINDS, new_source
from zero_runtime import model

ROWS = 100_000
MOST_OBJECTS = ROWS
"""All rows would have several times as many: texts, moments and numbers of their own."""


class Memory:
    """How many objects there were at most, beyond those of the beginning."""

    def __init__(self) -> None:
        self._before = sys.getallocatedblocks()
        self.peak = 0

    def look(self) -> None:
        self.peak = max(self.peak, sys.getallocatedblocks() - self._before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_thousand_rows_pass_through_little_memory(
    kind: str, shop: Any, request: pytest.FixtureRequest
) -> None:
    def new_rows(memory: Memory) -> Iterator[Any]:
        for number in range(ROWS):
            if number % 1000 == 0:
                memory.look()
            yield shop.NewCustomer(mobile=str(number), name=f"n{number}", email=f"e{number}")

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(shop.SCHEMA)
            customers, u = shop.CustomerModel(database), shop.CustomerColumns
            memory = Memory()
            assert await customers.insert_many(new_rows(memory)) == ROWS
            count, last = 0, 0
            async with customers.stream(order_by=u.id.asc()) as streamed:
                async for row in streamed:
                    assert row.id > last and row.mobile == str(count)
                    count, last = count + 1, row.id
                    if count % 1000 == 0:
                        memory.look()
            assert count == ROWS
            assert 0 < memory.peak < MOST_OBJECTS, f"{memory.peak} objects at once"

            async with customers.stream(u.id <= last) as streamed:
                async for _ in streamed:
                    break  # and the connection is of use to others
            assert await customers.count() == ROWS

    asyncio.run(scenario())


def test_a_stream_has_the_connection_of_its_transaction(run: Any, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        await customers.insert_many(shop.NewCustomer(mobile=str(number), age=number) for number in range(9))
        async with database.transaction():
            async with customers.names(age=5) as names:
                with pytest.raises(RuntimeError, match="stream"):
                    await customers.count()
                assert len([name async for name in names]) == 4
            assert await customers.count() == 9

    run(scenario)
