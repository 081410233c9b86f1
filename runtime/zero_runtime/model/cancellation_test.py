"""Tasks that are cancelled at any moment, many at once, on few connections, and on a network that breaks."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from tests.servers.accounts import ADD, NAMES, insert, names, with_database, with_proxy
from tests.servers.proxy import Proxy
from zero_runtime import config, errors, model
from zero_runtime.config.durations import Duration


class Undone(Exception):
    """What a task undoes its own transaction with."""


class Crowd:
    """Tasks of which each stores two rows, or only reads."""

    def __init__(self, database: model.Database, seed: int) -> None:
        self._database = database
        self._draw = random.Random(seed)
        self._kept: set[str] = set()
        self._maybe: set[str] = set()

    async def run(self, expected: type[errors.ZeroError]) -> None:
        """Lets all of them work, and cancels half. Those that fail have to fail with such an error."""
        tasks = []
        for number in range(60):
            tasks.append(asyncio.create_task(self._work(f"n{number}", self._draw.randrange(6))))
            if self._draw.random() < 0.5:
                asyncio.get_running_loop().call_later(self._draw.random() * 0.1, tasks[-1].cancel)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError | expected), result

    async def check(self) -> None:
        """Of each pair both are there or none, and all connections are free."""
        stored = {*await names(self._database)}
        assert self._kept <= stored <= self._kept | self._maybe
        assert len(stored) == 2 * len({name[:-1] for name in stored})
        # As many tasks can have a connection at the same time.
        barrier = asyncio.Barrier(3 if self._database.dialect != "sqlite" else 1)

        async def hold() -> None:
            async with self._database.transaction():
                await barrier.wait()

        await asyncio.wait_for(asyncio.gather(*(hold() for _ in range(barrier.parties))), 5)

    async def _work(self, name: str, kind: int) -> None:
        database, pause = self._database, self._draw.random() * 0.01
        pair = [f"{name}a", f"{name}b"]
        if kind == 0:
            async with database.stream(NAMES) as rows:
                async for _ in rows:
                    await asyncio.sleep(pause / 100)
            return
        if kind == 1:
            await database.fetch_all(NAMES)
            return
        self._maybe.update(pair)
        if kind == 2:
            await database.execute_many(ADD, [(each, 0) for each in pair])
        elif kind == 3:
            async with database.transaction():
                async with database.stream(NAMES) as rows:
                    await anext(rows, None)
                for each in (pair[0], *pair):
                    with contextlib.suppress(model.DuplicateKey):
                        await insert(database, each)
        else:
            with contextlib.suppress(Undone):
                async with database.transaction():
                    await insert(database, pair[0])
                    async with database.transaction():
                        await asyncio.gather(insert(database, pair[1]), names(database))
                        await asyncio.sleep(pause)
                    if kind == 4:
                        raise Undone
        self._maybe.difference_update(pair)
        if kind != 4:
            self._kept.update(pair)


CONF = config.DatabaseConf(max_open=3, wait_timeout=Duration(20), breaker=config.BreakerConf(disabled=True))


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_left_half_done_and_no_connection_is_lost(source: str, seed: int) -> None:
    async def test(database: model.Database) -> None:
        crowd = Crowd(database, seed)
        await crowd.run(errors.Aborted)
        await crowd.check()

    with_database(source, test, CONF)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_the_same_on_a_network_that_breaks(request: pytest.FixtureRequest, kind: str, seed: int) -> None:
    async def test(database: model.Database, proxy: Proxy) -> None:
        crowd = Crowd(database, seed)
        proxy.lost, proxy.delay = 0.02, 0.002
        cut = asyncio.get_running_loop().call_later(0.05, proxy.cut)
        await crowd.run(errors.ZeroError)
        cut.cancel()
        proxy.lost = 0
        await crowd.check()

    with_proxy(request.getfixturevalue(f"{kind}_source"), test, CONF)
