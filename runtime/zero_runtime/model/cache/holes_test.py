"""What go-zero's cache gets wrong, one test each; and what else a cache must not do. With every kind of
store."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from zero_runtime.config import CacheConf, RedisConf
from zero_runtime.config.durations import Duration
from zero_runtime.model.cache import open_cache
from zero_runtime.model.cache.conftest import INSERT, USER, User, Users, users
from zero_runtime.model.pool import Refused
from zero_runtime.model.violations import DuplicateKey

_EMPTY = contextvars.Context()
"""Of a task that is in no transaction."""

Test = Callable[[Users], Awaitable[None]]
Run = Callable[[Test], None]


@pytest.fixture
def run(conf: CacheConf) -> Run:
    """Runs a test with an empty table."""

    async def opened(test: Test) -> None:
        async with open_cache(conf, RedisConf(), source="sqlite://") as cache:
            assert cache is not None
            async with users(cache) as opened:
                await test(opened)

    return lambda test: asyncio.run(opened(test))


def _user(id: int = 1, name: str = "ann", points: int = 0) -> User:
    return User(id=id, name=name, points=points)


def test_rows_and_placeholders_are_kept(run: Run) -> None:
    async def test(users: Users) -> None:
        assert await users.find(1) is None
        assert await users.find_by_name("ann") is None
        await users.database.execute(INSERT, (1, "ann", 0))
        assert await users.find(1) is None  # the cache was not told
        assert await users.find_by_name("ann") is None
        assert await users.update(_user(points=1)) == 1
        for _ in range(2):
            assert await users.find(1) == _user(points=1)
            assert await users.find_by_name("ann") == _user(points=1)
        await users.behind(_user(points=2))
        assert await users.find(1) == _user(points=1)
        assert await users.find_by_name("ann") == _user(points=1)

    run(test)


def test_a_row_that_a_reader_changes_is_his_own(run: Run) -> None:
    async def test(users: Users) -> None:
        await users.insert(_user())
        for _ in range(3):
            row = await users.find(1)
            assert row == _user()
            row.points = 7

    run(test)


def test_placeholders_after_insert(run: Run) -> None:
    async def test(users: Users) -> None:
        assert await users.find(1) is None
        assert await users.find_by_name("ann") is None
        await users.insert(_user())
        assert await users.find(1) == await users.find_by_name("ann") == _user()

    run(test)


def test_placeholders_after_many_were_inserted(run: Run) -> None:
    async def test(users: Users) -> None:
        for _ in range(2):
            assert await users.find(1) is None
            assert await users.find_by_name("ann") is None
        async with users.cached.changing() as change:
            change.unknown()
            await users.database.execute_many(INSERT, [(1, "ann", 0), (2, "bob", 0)])
        assert await users.find(1) == await users.find_by_name("ann") == _user()
        assert await users.find(3) is None
        await users.database.execute(INSERT, (3, "carl", 0))
        assert await users.find(3) is None  # placeholders are kept again

    run(test)


def test_a_unique_value_that_moves(run: Run) -> None:
    async def test(users: Users) -> None:
        await users.insert(_user())
        await users.insert(_user(2, "bob"))
        for _ in range(2):
            assert await users.find_by_name("ann") == _user()
            assert await users.find_by_name("carl") is None
        await users.update(_user(name="carl"))
        assert await users.find_by_name("carl") == _user(name="carl")  # the new value's placeholder
        for _ in range(2):
            assert await users.find_by_name("ann") is None  # the old value's row
        await users.update(_user(2, "ann"))
        assert await users.find_by_name("ann") == _user(2, "ann")
        await users.delete(1)
        assert await users.find_by_name("carl") is None
        assert await users.find(1) is None
        await users.insert(_user(3, "carl"))
        assert await users.find_by_name("carl") == _user(3, "carl")

    run(test)


def test_texts_that_are_equal_to_the_database(run: Run) -> None:
    async def test(users: Users) -> None:
        assert await users.find_by_name("Ann") is None
        assert await users.find_by_name("ANN") is None
        assert await users.find_by_name("Ann") is None
        await users.insert(_user())
        for name in ("Ann", "ANN", "ann", "Ann"):
            assert await users.find_by_name(name) == _user()
        await users.update(_user(name="ANN", points=1))
        for name in ("Ann", "ANN", "ann", "Ann"):
            assert await users.find_by_name(name) == _user(name="ANN", points=1)
        for _ in range(3):  # what cannot be folded has mappings, but no placeholders
            assert await users.find_by_name("Zoë") is None
        await users.database.execute(INSERT, (2, "Zoë", 0))
        for _ in range(3):
            assert await users.find_by_name("Zoë") == _user(2, "Zoë")

    run(test)


def test_texts_that_cannot_be_folded_void_placeholders(run: Run) -> None:
    async def test(users: Users) -> None:
        for _ in range(2):
            assert await users.find_by_name("strasse") is None
        # To some collations these are equal; SQLite stands for them by storing the one that was asked for.
        async with users.cached.changing(rows=(_user(1, "straße"),)):
            await users.database.execute(INSERT, (1, "strasse", 0))
        assert await users.find_by_name("strasse") == _user(1, "strasse")

    run(test)


def test_a_transaction_counts_when_it_is_committed(run: Run) -> None:
    async def test(users: Users) -> None:
        await users.insert(_user())
        assert await users.find(1) == _user()
        assert await users.find_by_name("bob") is None
        async with users.database.transaction():
            await users.update(_user(points=1))
            await users.insert(_user(2, "bob"))
            other = asyncio.create_task(_outside(users), context=_EMPTY)
            assert await other == (_user(), None)
        assert await users.find(1) == _user(points=1)
        assert await users.find_by_name("bob") == _user(2, "bob")

    async def _outside(users: Users) -> tuple[User | None, User | None]:
        return await users.find(1), await users.find_by_name("bob")

    run(test)


def test_a_transaction_that_is_rolled_back(run: Run) -> None:
    async def test(users: Users) -> None:
        await users.insert(_user())
        assert await users.find(1) == _user()
        with pytest.raises(DuplicateKey):
            async with users.database.transaction():
                await users.update(_user(points=1))
                await users.insert(_user(1, "bob"))
        await users.behind(_user(points=2))
        assert await users.find(1) == _user()  # nothing was dropped

    run(test)


def test_savepoints(run: Run) -> None:
    async def test(users: Users) -> None:
        await users.insert(_user())
        await users.insert(_user(2, "bob"))
        assert (await users.find(1), await users.find(2)) == (_user(), _user(2, "bob"))
        async with users.database.transaction():
            with pytest.raises(DuplicateKey):
                async with users.database.transaction():
                    await users.update(_user(points=1))
                    await users.insert(_user(1, "dora"))
            async with users.database.transaction():
                await users.update(_user(2, "bob", points=1))
        assert (await users.find(1), await users.find(2)) == (_user(), _user(2, "bob", points=1))

    run(test)


def test_a_statement_that_fails(run: Run) -> None:
    async def test(users: Users) -> None:
        await users.insert(_user())
        assert await users.find(1) == _user()
        with pytest.raises(DuplicateKey):
            await users.insert(_user(1, "bob"))
        await users.insert(_user(2, "bob"))
        with pytest.raises(DuplicateKey):
            await users.update(_user(2, "ann"))
        assert await users.find(1) == _user()
        for _ in range(2):
            assert await users.find(2) == _user(2, "bob")
        await users.behind(_user(2, "bob", points=1))
        assert await users.find(2) == _user(2, "bob")  # kept again after the failure

    run(test)


def test_a_statement_nobody_knows_the_end_of(run: Run) -> None:
    """The marks stay: as long as it may still be done nothing is kept."""

    async def test(users: Users) -> None:
        assert await users.find(1) is None
        with pytest.raises(ConnectionError):
            async with users.cached.changing() as change:
                change.row(_user())
                raise ConnectionError
        assert await users.find(1) is None
        await users.database.execute(INSERT, (1, "ann", 0))  # it arrives
        assert await users.find(1) == await users.find_by_name("ann") == _user()
        with pytest.raises(ConnectionError):
            async with users.cached.changing((1,)):
                raise ConnectionError
        assert await users.find(1) == _user()
        await users.behind(_user(points=1))
        assert await users.find(1) == _user(points=1)

    run(test)


def test_a_statement_that_is_not_even_asked(run: Run) -> None:
    """When all connections are in use, rows do not lose their cache as well."""

    async def test(users: Users) -> None:
        await users.insert(_user())
        with pytest.raises(Refused):
            async with users.cached.changing((1,)):
                raise Refused("all connections are in use")
        assert await users.find(1) == _user()
        await users.behind(_user(points=1))
        assert await users.find(1) == _user()

    run(test)


def test_a_writer_that_is_cancelled(run: Run) -> None:
    async def test(users: Users) -> None:
        await users.insert(_user())
        assert await users.find(1) == _user()
        entered = asyncio.Event()

        async def write() -> None:
            async with users.cached.changing((1,)):
                entered.set()
                await asyncio.sleep(60)

        writer = asyncio.create_task(write())
        await entered.wait()
        writer.cancel()
        await asyncio.wait([writer])
        await users.behind(_user(points=1))
        assert await users.find(1) == _user(points=1)

    run(test)


def test_values_that_the_database_computes_have_no_placeholders(run: Run) -> None:
    """Their writers cannot tell them."""
    computed = dataclasses.replace(USER.unique[0], computed=True)

    async def test(users: Users) -> None:
        cache = users.database.cache
        assert cache is not None
        table = dataclasses.replace(USER, unique=(computed,))
        cached = cache.rows(users.database, table)
        for _ in range(2):
            assert await cached.find(computed, ("ann",)) is None
        async with cached.changing((1,)):
            await users.database.execute(INSERT, (1, "ann", 0))
        for _ in range(2):
            assert await cached.find(computed, ("ann",)) == _user()
        await users.behind(_user(points=1))
        assert await cached.find(computed, ("ann",)) == _user()  # the mapping is kept

    run(test)


@pytest.mark.parametrize("local", [0.0, 60.0])
def test_another_layout_is_a_miss(conf: CacheConf, local: float) -> None:
    conf = msgspec.structs.replace(conf, local=Duration(local))

    async def test() -> None:
        async with open_cache(conf, RedisConf(), source="sqlite://") as cache:
            assert cache is not None
            async with users(cache) as old:
                new = Users(
                    old.database, cache.rows(old.database, dataclasses.replace(USER, layout="ba9876543210"))
                )
                await old.insert(_user())
                for _ in range(3):
                    assert await old.find(1) == _user()
                await old.behind(_user(points=1))
                assert await new.find(1) == _user(points=1)
                await new.behind(_user(points=2))
                assert await new.find(1) == _user(points=1)
                await old.update(_user(points=3))  # they share the keys
                assert await new.find(1) == _user(points=3)

    asyncio.run(test())
