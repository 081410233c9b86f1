"""Token limits, in the process against a table made by hand and in a real Redis."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.servers.redis import RedisServer, redis
from zero_runtime.config import RedisConf
from zero_runtime.redis import close, connect
from zero_runtime.resilience import TokenLimit, token_limit
from zero_runtime.resilience.conftest import Counts


def test_a_bucket(counts: Counts) -> None:
    async def test() -> None:
        now = 0.0
        limit = TokenLimit("t", rate=2, burst=4, clock=lambda: now)
        table = [
            # when, how many are asked for, how long to wait; tokens before and after
            (0.0, 3, 0.0),  #   4 -> 1
            (0.0, 2, 0.5),  #   1, one is missing: 1/2 s
            (0.25, 2, 0.25),  # 1.5
            (0.5, 2, 0.0),  #   2 -> 0
            (0.5, 1, 0.5),
            (10.0, 4, 0.0),  #  full again: 4 -> 0, not 19
            (10.0, 1, 0.5),
        ]
        for now, count, wait in table:
            assert await limit.take("k", count) == pytest.approx(wait), now
        assert await limit.allow("another")
        with pytest.raises(ValueError, match="5 tokens are never in a bucket of 4"):
            await limit.take("k", 5)

    asyncio.run(test())
    assert counts.all() == {("zero_rate_total", "t", "pass"): 4, ("zero_rate_total", "t", "drop"): 4}


def test_buckets_that_are_full_again_are_forgotten() -> None:
    async def test() -> None:
        now = 0.0
        limit = TokenLimit("t", rate=1, burst=2, clock=lambda: now)
        for now in range(100):
            await limit.take(str(now))
        assert len(limit._buckets) == 3  # those of the last two seconds, and the present one

    asyncio.run(test())


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_limits_that_let_nothing_in(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="lets nothing in"):
        TokenLimit("t", rate=rate, burst=burst)


def test_processes_share_it(redis_server: RedisServer) -> None:
    async def test() -> None:
        conf = RedisConf(host=redis_server.address)
        # A burst of less than half of what comes in a second: go-zero falls back to limits per process then.
        first, second = (TokenLimit("token:shared", rate=50, burst=10, redis=conf) for _ in range(2))
        passed = [await limit.allow() for limit in (first, second) * 10]
        assert 10 <= sum(passed) <= 12
        wait = await first.take()
        assert 0 <= wait <= 0.02
        await asyncio.sleep(0.1)  # 5 more
        passed = [await limit.allow() for limit in (first, second) * 5]
        assert 5 <= sum(passed) <= 8
        assert await first.allow("another key")
        assert 0 < await connect(conf).client.pttl("token:shared") <= 1000
        await close(conf)

    asyncio.run(test())


def test_a_bucket_is_kept_until_it_is_full(redis_server: RedisServer) -> None:
    async def test() -> None:
        conf = RedisConf(host=redis_server.address)
        limit = TokenLimit("token:slow", rate=0.5, burst=10, redis=conf)
        assert [await limit.allow("k") for _ in range(11)] == [True] * 10 + [False]
        assert await limit.take("k") == pytest.approx(2, abs=0.2)  # 1 / 0.5
        assert await connect(conf).client.pttl("token:slow:k") == pytest.approx(20_000, abs=500)  # 10 / 0.5
        await close(conf)

    asyncio.run(test())


def test_a_cluster() -> None:
    async def test(conf: RedisConf) -> None:
        limit = TokenLimit("token", rate=1, burst=2, redis=conf)
        for key in "abcdefgh":  # in as many places
            assert [await limit.allow(key) for _ in range(3)] == [True, True, False]
        assert sorted(await connect(conf).client.keys("*")) == [f"token:{key}" for key in "abcdefgh"]
        await close(conf)

    with redis(cluster=True) as server:
        asyncio.run(test(RedisConf(host=server.address, type="cluster")))


def test_rescue_while_redis_is_away(counts: Counts, caplog: pytest.LogCaptureFixture) -> None:
    async def test(server: RedisServer) -> None:
        conf = RedisConf(host=server.address)
        limit = TokenLimit("t", rate=0.001, burst=2, redis=conf)
        assert [await limit.allow() for _ in range(3)] == [True, True, False]
        server.stop()
        assert [await limit.allow() for _ in range(3)] == [True, True, False]  # on its own
        server.start()
        await asyncio.sleep(0.5)
        assert await limit.allow()  # Redis is asked again, which has forgotten
        assert await connect(conf).client.exists("t")
        await close(conf)

    with redis() as server, caplog.at_level(logging.INFO, "zero.redis"):
        asyncio.run(test(server))
    assert counts.all()["zero_rate_rescue_total", "t"] == 3
    lost, back = caplog.messages
    assert "cannot be used, so limits hold per process: " in lost
    assert back.endswith("can be used again")


def test_only_so_many_callers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_limit, "MOST", 3)

    async def test() -> None:
        limit = TokenLimit("t", rate=1e-6, burst=1, clock=lambda: 0.0)
        for caller in range(10):
            assert await limit.allow(str(caller))
        assert list(limit._buckets) == ["7", "8", "9"]
        assert not await limit.allow("7")

    asyncio.run(test())
