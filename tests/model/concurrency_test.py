"""What repositories promise when many tasks want the same row, on real connections."""

import asyncio
import contextlib
import random
from typing import Any

import pytest

from tests.model.places import Run
from zero_runtime import errors, model

TASKS, TURNS = 8, 6


def test_no_update_is_lost_under_the_optimistic_lock(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        counters = shop.CounterModel(database)
        await counters.insert(name="c")
        conflicts = 0

        async def count() -> None:
            nonlocal conflicts
            for _ in range(TURNS):
                while True:
                    row = await counters.find_one("c")
                    assert row is not None
                    row.value += 1
                    await asyncio.sleep(random.random() / 500)
                    try:
                        assert await counters.update(row)
                        break
                    except model.VersionConflict:
                        conflicts += 1

        await asyncio.gather(*(count() for _ in range(TASKS)))
        row = await counters.find_one("c")
        assert (row.value, row.version) == (TASKS * TURNS, TASKS * TURNS + 1)
        assert conflicts, "nobody was in anybody's way: this shows nothing"

    run(scenario)


def test_named_columns_are_updated_side_by_side(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customers.insert(mobile="1")
        changes: list[dict[str, Any]] = [{"name": "Ada"}, {"age": 7}, {"city": "Bonn"}, {"is_friend": True}]
        done = await asyncio.gather(*(customers.update_columns(row.id, **change) for change in changes))
        assert all(done)
        stored = await customers.find_one(row.id)
        assert (stored.name, stored.age, stored.city, stored.is_friend) == ("Ada", 7, "Bonn", True)

    run(scenario)


def test_upserts_race_for_one_row(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        for turn in range(TURNS):
            mobile = f"race {turn}"
            rows = await asyncio.gather(
                *(customers.upsert_by_mobile(mobile=mobile, name=str(task)) for task in range(TASKS))
            )
            assert len({row.id for row in rows}) == 1
            assert sorted(row.name for row in rows) == [str(task) for task in range(TASKS)]
            stored = await customers.find_one_by_mobile(mobile)
            assert stored in rows
        assert await customers.count() == TURNS

    run(scenario)


def test_upserts_and_deletes_race(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        groups = shop.GroupModel(database)

        async def write(task: int) -> None:
            for turn in range(TURNS):
                with contextlib.suppress(errors.Aborted):  # deadlocks are MySQL's to end
                    assert (await groups.upsert(order=1, select=f"{task} {turn}")).order == 1
                with contextlib.suppress(errors.Aborted):
                    await groups.delete(1)

        await asyncio.gather(*(write(task) for task in range(TASKS)))
        await groups.delete(1)
        assert await groups.find_one(1) is None
        assert await groups.count() == 0

    run(scenario)


def test_inserts_race_for_a_unique_value(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        assert await customers.find_one_by_mobile("1") is None
        done = await asyncio.gather(
            *(customers.insert(mobile="1", name=str(task)) for task in range(TASKS)), return_exceptions=True
        )
        (won,) = (each for each in done if not isinstance(each, BaseException))
        assert {type(each) for each in done if each is not won} <= {model.DuplicateKey, errors.Aborted}
        assert await customers.find_one_by_mobile("1") == won == await customers.find_one(won.id)

    run(scenario)


def test_for_update_makes_others_wait(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customers.insert(mobile="1")
        order: list[str] = []
        locked = asyncio.Event()

        async def first() -> None:
            async with database.transaction():
                mine = await customers.find_one(row.id, for_update=True)
                locked.set()
                await asyncio.sleep(0.1)
                mine.age += 1
                await customers.update(mine)
                order.append("first")

        async def second() -> None:
            await locked.wait()
            async with database.transaction():
                mine = await customers.find_one_by_mobile("1", for_update=True)
                order.append("second")
                mine.age += 1
                await customers.update(mine)

        await asyncio.gather(first(), second())
        assert order == ["first", "second"]
        assert (await customers.find_one(row.id)).age == 2

    run(scenario)


def test_no_update_is_lost_under_for_update(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customers.insert(mobile="1")

        async def count() -> None:
            for _ in range(TURNS):
                async with database.transaction():
                    mine = await customers.find_one(row.id, for_update=True)
                    mine.age += 1
                    await customers.update(mine)

        await asyncio.gather(*(count() for _ in range(TASKS)))
        assert (await customers.find_one(row.id)).age == TASKS * TURNS

    run(scenario)


def test_what_is_not_committed_is_nobody_elses(run: Run, shop: Any) -> None:
    async def scenario(database: model.Database) -> None:
        customers = shop.CustomerModel(database)
        row = await customers.insert(mobile="1")
        changed, look = asyncio.Event(), asyncio.Event()

        async def write() -> None:
            with pytest.raises(LookupError):
                async with database.transaction():
                    await customers.update_columns(row.id, mobile="2", name="dirty")
                    assert (await customers.find_one(row.id)).name == "dirty"
                    assert (await customers.find_one_by_mobile("2")).id == row.id
                    changed.set()
                    await look.wait()
                    raise LookupError

        async def read() -> None:
            await changed.wait()
            try:
                # SQLite in one file lets others read what was committed; all see no more than that.
                assert (await customers.find_one(row.id)).name == ""
                assert await customers.find_one_by_mobile("2") is None
            finally:
                look.set()

        await asyncio.gather(write(), read())
        assert await customers.find_one(row.id) == row
        assert await customers.find_one_by_mobile("2") is None

    run(scenario)
