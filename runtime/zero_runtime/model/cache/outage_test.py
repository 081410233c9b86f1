"""The cache while Redis is away, and when it is back."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from tests.servers.process import free_port
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from zero_runtime.config import CacheConf, RedisConf
from zero_runtime.config.durations import Duration
from zero_runtime.errors import Unavailable
from zero_runtime.model.cache import Cache, open_cache
from zero_runtime.model.cache.conftest import INSERT, USER, User, Users, users
from zero_runtime.observability import metrics
from zero_runtime.observability.metrics import Metrics


@asynccontextmanager
async def _processes(
    server: RedisServer, number: int, **conf: Any
) -> AsyncIterator[list[tuple[Users, Cache, Proxy]]]:
    """So many processes with one table, each with its own way to Redis."""
    server.command("FLUSHALL")
    async with AsyncExitStack() as stack:
        opened: list[tuple[Users, Cache, Proxy]] = []
        for _ in range(number):
            proxy = Proxy(server.port, random.Random(0))
            await proxy.start()
            stack.push_async_callback(proxy.stop)
            redis = RedisConf(host=f"127.0.0.1:{proxy.port}")
            used = CacheConf(redis=redis, prefix="test", **conf)
            cache = await stack.enter_async_context(open_cache(used, RedisConf(), source="sqlite://"))
            assert cache is not None
            if opened:
                database = opened[0][0].database
                opened.append((Users(database, cache.rows(database, USER)), cache, proxy))
            else:
                opened.append((await stack.enter_async_context(users(cache)), cache, proxy))
        yield opened


def _part(proxy: Proxy) -> None:
    proxy.away = True
    proxy.cut()


async def _back(cache: Cache) -> float:
    began = time.monotonic()
    while cache.store.away:
        await asyncio.sleep(0.005)
    return time.monotonic() - began


def _user(points: int = 0) -> User:
    return User(id=1, name="ann", points=points)


def test_reads_and_writes_go_on_without_redis(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        conf = CacheConf(redis=RedisConf(host=f"127.0.0.1:{free_port()}"))
        async with open_cache(conf, RedisConf(), source="sqlite://") as cache:
            assert cache is not None
            async with users(cache) as opened:
                await opened.insert(_user())
                assert await opened.find(1) == await opened.find_by_name("ann") == _user()
                async with opened.database.transaction():
                    await opened.update(_user(1))
                assert await opened.find(1) == _user(1)

    with caplog.at_level(logging.INFO):
        asyncio.run(test())
    texts = [record.getMessage() for record in caplog.records if record.name == "zero.cache"]
    assert len(texts) == 2
    assert "cannot be used, so rows are read from the database" in texts[0]
    assert "could not be deleted, such as b'" in texts[1]


def test_nobody_waits_for_one_that_is_silent(redis_server: RedisServer) -> None:
    async def test() -> None:
        async with _processes(redis_server, 1) as [(users, cache, proxy)]:
            await users.insert(_user())
            await users.find(1)
            proxy.silent = True
            began = time.monotonic()
            assert await users.find(1) == _user()
            assert cache.store.away
            assert 0.2 < time.monotonic() - began < 1
            began = time.monotonic()
            for points in range(10):
                await users.update(_user(points))
                assert await users.find(1) == _user(points)
            assert time.monotonic() - began < 0.2

    asyncio.run(test())


def test_nor_does_who_is_in_the_queue_when_it_falls_silent(redis_server: RedisServer) -> None:
    async def test() -> None:
        async with _processes(redis_server, 1) as [(users, cache, proxy)]:
            await users.insert(_user())
            await asyncio.gather(*(users.find(1) for _ in range(100)))
            proxy.silent = True
            began = time.monotonic()
            assert await asyncio.gather(*(users.find(1) for _ in range(500))) == [_user()] * 500
            assert cache.store.away
            assert time.monotonic() - began < 1

    asyncio.run(test())


def test_one_that_only_reads_is_away_until_it_can_write(redis_server: RedisServer) -> None:
    """As after a failover, to whoever still talks to the old master: what it holds may be old."""

    async def test() -> None:
        async with _processes(redis_server, 1) as [(users, cache, _)]:
            await users.insert(_user())
            assert await users.find(1) == await users.find(1) == _user()
            redis_server.command("REPLICAOF 127.0.0.1 1")
            try:
                assert await users.find(2) is None  # which it cannot keep
                assert cache.store.away
                await asyncio.sleep(0.4)
                assert cache.store.away
                await users.behind(_user(1))
                assert await users.find(1) == _user(1)
            finally:
                redis_server.command("REPLICAOF NO ONE")
            assert await _back(cache) < 1.5

    asyncio.run(test())


def test_one_where_the_cache_may_touch_but_its_own_keys(redis_server: RedisServer) -> None:
    redis_server.command("ACL SETUSER cache on >secret ~test:* +@all")

    async def test() -> None:
        proxy = Proxy(redis_server.port, random.Random(0))
        await proxy.start()
        redis = RedisConf(host=f"127.0.0.1:{proxy.port}", user="cache", pass_="secret")
        async with open_cache(
            CacheConf(redis=redis, prefix="test"), RedisConf(), source="sqlite://"
        ) as cache:
            assert cache is not None
            async with users(cache) as opened:
                await opened.insert(_user())
                _part(proxy)
                assert await opened.find(1) == _user()
                assert cache.store.away
                proxy.away = False
                assert await _back(cache) < 1.5
                assert await opened.find(1) == _user()
                assert not cache.store.away
        await proxy.stop()

    asyncio.run(test())


def test_a_read_that_is_cancelled_leaves_its_answer_to_nobody(redis_server: RedisServer) -> None:
    async def test() -> None:
        chance = random.Random(1)
        async with _processes(redis_server, 1) as [(users, cache, proxy)]:
            for id in range(20):
                await users.insert(User(id=id, name=f"user{id}", points=id))
            proxy.delay = 0.003

            async def read(id: int) -> None:
                try:
                    async with asyncio.timeout(chance.uniform(0, 0.006)):
                        found = await users.find(id)
                except TimeoutError:
                    return
                assert found == User(id=id, name=f"user{id}", points=id)

            await asyncio.gather(*(read(chance.randrange(20)) for _ in range(600)))
            proxy.delay = 0.0
            assert not cache.store.away
            for id in range(20):
                found = await users.find(id)
                assert found is not None and found.points == id

    asyncio.run(test())


def test_a_process_pays_before_it_reads_again(redis_server: RedisServer) -> None:
    async def test() -> None:
        async with _processes(redis_server, 2) as [(one, cache, proxy), (other, _, _)]:
            await one.insert(_user())
            assert await one.find(1) == await other.find(1) == _user()
            _part(proxy)
            await one.update(_user(1))
            assert await one.find(1) == _user(1)
            assert await other.find(1) == _user()  # the bound that is stated: until it is back
            proxy.away = False
            assert await _back(cache) < 1.5
            assert await other.find(1) == await one.find(1) == _user(1)

    asyncio.run(test())


def test_what_is_owed_is_tried_once_more_at_the_end(redis_server: RedisServer) -> None:
    async def test() -> None:
        async with _processes(redis_server, 1) as [(other, _, _)]:
            await other.insert(_user())
            assert await other.find(1) == _user()
            proxy = Proxy(redis_server.port, random.Random(0))
            await proxy.start()
            conf = CacheConf(redis=RedisConf(host=f"127.0.0.1:{proxy.port}"), prefix="test")
            async with open_cache(conf, RedisConf(), source="sqlite://") as cache:
                assert cache is not None
                one = Users(other.database, cache.rows(other.database, USER))
                _part(proxy)
                await one.update(_user(1))
                await asyncio.sleep(0.9)  # the next attempt is a second away
                proxy.away = False
                assert cache.store.away
            assert await other.find(1) == _user(1)
            await proxy.stop()

    asyncio.run(test())


def test_a_limit_of_reads_from_the_database(redis_server: RedisServer) -> None:
    async def test() -> None:
        conf = {"max_loads": 1, "load_wait": Duration(0.1)}
        async with _processes(redis_server, 1, **conf) as [(users, cache, proxy)]:
            await users.database.execute_many(INSERT, [(id, f"user{id}", 0) for id in range(20)])
            _part(proxy)
            await users.find(1)
            assert cache.store.away
            async with users.database.transaction():
                pass
            async with cache.turns:  # somebody reads, and takes his time
                with pytest.raises(Unavailable, match="too many"):
                    await users.find(1)
            found = await asyncio.gather(*(users.find(id) for id in range(20)))
            assert [row.id for row in found if row is not None] == list(range(20))

    asyncio.run(test())


def test_many_who_miss_at_once_ask_the_database_once(redis_server: RedisServer) -> None:
    async def test() -> None:
        async with _processes(redis_server, 1) as [(users, _, _)]:
            await users.insert(_user())
            asked = 0
            original = users.database.fetch_one

            async def counted(*arguments: object, **options: object) -> object:
                nonlocal asked
                asked += 1
                return await original(*arguments, **options)  # type: ignore[arg-type]

            users.database.fetch_one = counted  # type: ignore[method-assign, assignment]
            assert await asyncio.gather(*(users.find(1) for _ in range(50))) == [_user()] * 50
            assert asked == 1

    asyncio.run(test())


def test_what_is_counted(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_attached", None)
    counts = Metrics()
    counts.attach(0)

    def counted() -> dict[str, int]:
        return {
            ":".join((family.name.removeprefix("zero_cache_"), *map(str, labels[1:]))): int(values[0])
            for family, series in counts.series().items()
            for labels, values in series.items()
            if family.name.startswith("zero_cache")
        }

    async def test() -> None:
        local = Duration(60.0)
        async with _processes(redis_server, 2, local=local) as [(one, _, _), (other, cache, proxy)]:
            assert await one.find(1) is None
            assert await one.find(1) is None
            await one.insert(_user())
            assert await one.find(1) == _user()
            for _ in range(2):
                assert await other.find(1) == _user()
            for _ in range(2):  # a mapping leads to a row, whose read is the one that counts
                assert await other.find_by_name("ann") == _user()
            reads = {
                "total:miss": 3,
                "total:hit": 1,
                "total:placeholder": 1,
                "total:local": 2,
                "total:away": 0,
            }
            assert {name: number for name, number in counted().items() if name in reads} == reads
            _part(proxy)
            await other.update(_user(1))
            assert (await other.find(1), await other.find(2)) == (_user(1), None)
            assert counted()["total:away"] == 2
            assert (counted()["owed_total"], counted()["paid_total"]) == (2, 0)
            proxy.away = False
            await _back(cache)
            assert (counted()["paid_total"], counted()["lost_total"]) == (2, 0)

    asyncio.run(test())


def test_the_local_layer_and_its_bound(redis_server: RedisServer) -> None:
    async def test() -> None:
        local = Duration(0.3)
        async with _processes(redis_server, 2, local=local) as [(one, _, proxy), (other, _, _)]:
            await one.insert(_user())
            for _ in range(3):
                assert await one.find(1) == await one.find_by_name("ann") == _user()
            assert await other.find(1) == await other.find(1) == _user()
            proxy.silent = True
            began = time.monotonic()
            assert await one.find_by_name("ann") == await one.find(1) == _user()  # without Redis
            assert time.monotonic() - began < 0.1
            proxy.silent = False
            proxy.cut()
            changed = time.monotonic()
            await one.update(_user(1))
            assert await one.find(1) == await one.find_by_name("ann") == _user(1)
            while await other.find(1) != _user(1):
                assert time.monotonic() - changed < 0.5
                await asyncio.sleep(0.01)

    asyncio.run(test())
