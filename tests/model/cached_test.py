"""What a cache has to be told of: keys and values that databases make, and keys spelled in another way."""

import asyncio
import contextvars
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.model import generated
from tests.model.places import KINDS, Run, new_source
from zero_codegen.model.settings import Settings
from zero_runtime import model
from zero_runtime.config import CacheConf, RedisConf

CONTRACT = """
CREATE TABLE seat (
  id int NOT NULL PRIMARY KEY,
  number int NOT NULL,
  place int GENERATED ALWAYS AS (number * 10) STORED,
  UNIQUE KEY uniq_place (place)
);

CREATE TABLE city (
  name varchar(40) COLLATE utf8mb4_unicode_ci NOT NULL PRIMARY KEY,
  size int NOT NULL
);

-- name: move :exec
UPDATE seat SET number = :number WHERE id = :id;
"""
_EMPTY = contextvars.Context()
"""Of a task that is in no transaction."""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("seats")
    return generated.load(generated.generate(folder, CONTRACT, Settings(cached=("*",))))


def test_rows_are_found_by_whoever_looked_for_them_before_they_came(run: Run, shop: Any) -> None:
    """By keys that the database generates, too: a cache that keeps what is missing has to be told of them."""

    async def scenario(database: model.Database) -> None:
        customers, u = shop.CustomerModel(database), shop.CustomerColumns
        first = await customers.insert(mobile="first")
        ids, mobiles = range(first.id + 1, first.id + 20), [str(number) for number in range(6)]
        for _ in range(2):
            assert [id for id in ids if await customers.find_one(id) is not None] == []
            assert [each for each in mobiles if await customers.find_one_by_mobile(each) is not None] == []
        await customers.insert(mobile="0")
        await customers.insert_many(shop.NewCustomer(mobile=mobile) for mobile in mobiles[1:3])
        await customers.upsert_by_mobile(mobile="3")
        async with database.transaction():
            await customers.insert(mobile="4")
            await customers.upsert_by_mobile(mobile="5")
        rows = (await customers.list(u.mobile != "first")).rows
        assert sorted(row.mobile for row in rows) == mobiles and {row.id for row in rows} <= set(ids)
        assert [await customers.find_one(row.id) for row in rows] == rows
        assert [await customers.find_one_by_mobile(row.mobile) for row in rows] == rows

    run(scenario)


@pytest.mark.parametrize("kind", KINDS)
def test_a_unique_value_that_the_database_computes(
    kind: str, module: Any, request: pytest.FixtureRequest
) -> None:
    source = new_source(kind, request)

    async def test() -> None:
        async with (
            model.open_cache(CacheConf(store="memory"), RedisConf(), source=source) as cache,
            model.open_database(source, cache=cache) as database,
        ):
            await database.create(module.SCHEMA)
            seats = module.SeatModel(database)
            row = await seats.insert(id=1, number=1)
            for place in (20, 30, 40, 50):
                for _ in range(2):
                    assert await seats.find_one_by_place(place) is None
            await seats.update_columns(1, number=2)
            assert (await seats.find_one_by_place(20)).number == 2
            row.number = 3
            await seats.update(row)
            assert (await seats.find_one_by_place(30)).number == 3
            await seats.move(number=4, id=1)
            assert (await seats.find_one_by_place(40)).number == 4
            await seats.insert_many([module.NewSeat(id=2, number=5)])
            assert (await seats.find_one_by_place(50)).id == 2
            assert await seats.find_one_by_place(30) is None

    asyncio.run(test())


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_row_that_comes_while_a_writer_names_it_in_another_spelling(
    in_transaction: bool, module: Any, request: pytest.FixtureRequest
) -> None:
    """Köln is KOLN to MariaDB, and only the latter is cached: by a reader who must not come too early."""
    source = new_source("mysql", request)

    async def test() -> None:
        async with (
            model.open_cache(CacheConf(store="memory"), RedisConf(), source=source) as cache,
            model.open_database(source, cache=cache) as database,
        ):
            await database.create(module.SCHEMA)
            cities = module.CityModel(database)

            async def come() -> None:
                await cities.insert(name="KOLN", size=1)
                assert (await cities.find_one("KOLN")).size == 1

            async with AsyncExitStack() as stack:
                if in_transaction:
                    await stack.enter_async_context(database.transaction())
                await stack.enter_async_context(cities._cached.changing(("Köln",)))
                coming = asyncio.create_task(come(), context=_EMPTY.copy())
                await asyncio.wait([coming], timeout=0.2)
                found = await database.execute(GROW, ("Köln",))
            await coming
            assert (await cities.find_one("KOLN")).size == 1 + found

    asyncio.run(test())


GROW = model.Statement(
    "city.grow", mysql="UPDATE city SET size = size + 1 WHERE name = %s", writes=True, unique={}
)
