"""Servers that say nothing any more, as those do whose machine or network is gone."""

from __future__ import annotations

import asyncio

import pytest

from tests.servers.accounts import ADD, NAMES, insert, names, with_proxy
from tests.servers.proxy import Proxy
from zero_runtime import config, model


@pytest.mark.parametrize("moment", ["between statements", "in a statement", "in a stream"])
@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_whoever_is_cancelled_does_not_wait_for_it(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str, moment: str
) -> None:
    monkeypatch.setattr(f"zero_runtime.model.{kind}.UNDO_TIMEOUT", 0.1)

    async def test(database: model.Database, proxy: Proxy) -> None:
        await database.execute_many(ADD, ((f"n{number}", 0) for number in range(1000)))

        async def work() -> None:
            if moment == "in a stream":
                async with database.stream(NAMES) as rows:
                    proxy.silent = True
                    async for _ in rows:
                        await asyncio.sleep(0.001)
            async with database.transaction():
                await insert(database, "a")
                proxy.silent = True
                if moment == "in a statement":
                    await insert(database, "b")
                await asyncio.sleep(10)

        task = asyncio.create_task(work())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task], timeout=3)
        assert task.done()
        proxy.silent = False
        assert len(await names(database)) == 1000  # on another connection

    with_proxy(request.getfixturevalue(f"{kind}_source"), test, config.DatabaseConf(max_open=1))


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_a_service_that_stops_does_not_wait_for_it(request: pytest.FixtureRequest, kind: str) -> None:
    async def test(database: model.Database, proxy: Proxy) -> None:
        assert await names(database) == []
        proxy.silent = True  # and the block ends, in the time that the test has

    with_proxy(request.getfixturevalue(f"{kind}_source"), test, config.DatabaseConf(max_open=1))
