"""The breaker of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.servers import MariaDb
from tests.servers.accounts import NAMES, SCHEMA, insert, names
from zero_runtime import config, errors, model
from zero_runtime.config.durations import Duration
from zero_runtime.deadline import served_until

BREAKER = config.BreakerConf(window=Duration(1.0), protection=2, patience=Duration(0.01))


def with_breaker(source: str, test: Callable[[model.Database], Awaitable[None]]) -> None:
    async def run() -> None:
        conf = config.DatabaseConf(breaker=BREAKER, wait_timeout=Duration(0.1), max_open=2)
        async with asyncio.timeout(30), model.open_database(source, conf) as database:
            await database.create(SCHEMA)
            await test(database)

    asyncio.run(run())


async def _failures(work: Callable[[], Awaitable[object]], times: int = 60) -> set[str]:
    """The messages with which it fails, of which the last words tell."""
    found = set()
    for _ in range(times):
        try:
            await work()
        except errors.Unavailable as error:
            found.add(error.message.rpartition(": ")[2])
        await asyncio.sleep(0.001)
    return found


def test_a_server_that_is_away_is_not_asked_all_the_time(mariadb_server: MariaDb, mysql_source: str) -> None:
    async def begin(database: model.Database) -> None:
        async with database.transaction():
            pass

    async def test(database: model.Database) -> None:
        await asyncio.to_thread(mariadb_server.stop)
        try:
            assert await _failures(lambda: names(database)) == {
                "connection refused",
                "most calls have failed lately",
            }
            assert "most calls have failed lately" in await _failures(lambda: begin(database))
        finally:
            await asyncio.to_thread(mariadb_server.start)
        async with asyncio.timeout(10):
            while await _failures(lambda: names(database), 20):
                await asyncio.sleep(0.05)

    with_breaker(mysql_source, test)


def test_a_server_that_is_too_slow_for_its_callers_is_not_asked(mysql_source: str) -> None:
    sleep = model.Statement("sleep", mysql="SELECT SLEEP(1)")

    async def hurried(database: model.Database) -> None:
        """A call that ends when its time is over, as servers see to it."""

        async def call() -> None:
            served_until.set(asyncio.get_running_loop().time() + 0.06)
            await database.fetch_all(sleep)

        task = asyncio.create_task(call())
        await asyncio.wait([task], timeout=0.07)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def test(database: model.Database) -> None:
        for _ in range(10):
            await hurried(database)
        assert "most calls have failed lately" in await _failures(lambda: names(database))

    with_breaker(mysql_source, test)


def test_what_is_not_the_databases_fault_is_not_held_against_it(mysql_source: str) -> None:
    wrong = model.Statement("wrong", mysql="SELECT * FROM nowhere")
    sleep = model.Statement("sleep", mysql="SELECT SLEEP(1)")

    async def test(database: model.Database) -> None:
        await insert(database, "a", mobile="186")
        for _ in range(20):
            with pytest.raises(model.DuplicateKey):
                await insert(database, "b", mobile="186")
            with pytest.raises(Exception, match="nowhere"):
                await database.fetch_all(wrong)
            with pytest.raises(errors.Unavailable, match="of another"):
                async with database.transaction():
                    raise errors.Unavailable("of another service")
            with pytest.raises(errors.Unavailable, match="of another"):
                async with database.stream(NAMES):
                    raise errors.Unavailable("of another service")
            task = asyncio.create_task(database.fetch_all(sleep))
            await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait([task])
        busy = [asyncio.create_task(database.fetch_all(sleep)) for _ in range(2)]
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(names(database)) for _ in range(20)]
        for refused in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(refused, errors.Unavailable)
            assert refused.message.endswith("all 2 connections are in use")
        await asyncio.gather(*busy)
        assert await _failures(lambda: names(database)) == set()

    with_breaker(mysql_source, test)
