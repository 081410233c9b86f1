"""Quotas, in the process against a table made by hand and in a real Redis."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from tests.servers.redis import RedisServer
from zero_runtime.config import RedisConf
from zero_runtime.redis import close, connect
from zero_runtime.resilience import PeriodLimit, Quota, Usage, period_limit
from zero_runtime.resilience.conftest import Counts

ALLOWED, HIT, OVER = Quota.ALLOWED, Quota.HIT, Quota.OVER


@pytest.mark.parametrize(
    ("align", "table"),
    [
        # The first call begins a period of 10 s.
        (
            False,
            [
                (3, 1, 10, ALLOWED),
                (4, 2, 9, HIT),
                (12, 3, 1, OVER),
                (13, 1, 10, ALLOWED),
                (99, 1, 10, ALLOWED),
            ],
        ),
        # Periods begin at 0, 10, 20 ...
        (
            True,
            [(3, 1, 7, ALLOWED), (9, 2, 1, HIT), (9.5, 3, 0.5, OVER), (10, 1, 10, ALLOWED), (11, 2, 9, HIT)],
        ),
    ],
)
def test_a_quota(
    monkeypatch: pytest.MonkeyPatch, align: bool, table: list[tuple[float, int, float, Quota]]
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    async def test() -> None:
        now = 0.0
        limit = PeriodLimit("p", limit=2, period=10, align=align, clock=lambda: now)
        for now, used, left, quota in table:
            usage = await limit.use("k")
            assert usage == pytest.approx(Usage(used, 2, left)), now
            assert usage.quota is quota, now
        assert await limit.allow("another")

    asyncio.run(test())


def test_days_begin_at_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-8")  # as POSIX has it: eight hours ahead of UTC
    time.tzset()

    async def test() -> None:
        for now, left in ((0, 16), (15 * 3600, 1), (16 * 3600, 24)):
            limit = PeriodLimit("p", limit=1, period=86400, align=True, clock=partial(float, now))
            assert (await limit.use()).left == left * 3600

    asyncio.run(test())
    monkeypatch.undo()
    time.tzset()


def test_counters_of_past_periods_are_forgotten(counts: Counts) -> None:
    async def test() -> None:
        now = 0.0
        limit = PeriodLimit("p", limit=1, period=5, clock=lambda: now)
        for now in range(100):
            assert await limit.allow(str(now))
        assert not await limit.allow("99")
        assert len(limit._counters) == 5

    asyncio.run(test())
    assert counts.all() == {("zero_rate_total", "p", "pass"): 100, ("zero_rate_total", "p", "drop"): 1}


def test_processes_share_it(redis_server: RedisServer) -> None:
    async def test() -> None:
        conf = RedisConf(host=redis_server.address)
        limits = [PeriodLimit("period:shared", limit=3, period=60, redis=conf) for _ in range(2)]
        answers = [(await limit.use("k")).quota for limit in limits * 2]
        assert answers == [ALLOWED, ALLOWED, HIT, OVER]
        assert 59 < await limits[0].take("k") <= 60
        client = connect(conf).client
        assert await client.get("period:shared:k") == "5"
        await client.persist("period:shared:k")  # somebody took its end away
        assert 59 < await limits[0].take("k") <= 60
        await client.pexpire("period:shared:k", 1)
        await asyncio.sleep(0.02)
        assert (await limits[1].use("k")).quota is ALLOWED
        await close(conf)

    asyncio.run(test())


def test_aligned_periods_in_redis(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-5:30")
    time.tzset()

    async def test() -> None:
        conf = RedisConf(host=redis_server.address)
        limit = PeriodLimit("period:aligned", limit=3, period=86400, align=True, redis=conf)
        left = (await limit.use()).left
        local = time.time() + 5.5 * 3600
        assert left == pytest.approx(86400 - local % 86400, abs=2)
        await close(conf)

    asyncio.run(test())
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("limit", "period"), [(0, 1), (1, 0)])
def test_quotas_that_let_nothing_in(limit: int, period: int) -> None:
    with pytest.raises(ValueError, match="lets nothing in"):
        PeriodLimit("p", limit=limit, period=period)


def test_only_so_many_callers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(period_limit, "MOST", 3)

    async def test() -> None:
        limit = PeriodLimit("p", limit=1, period=86400, clock=lambda: 0.0)
        for caller in range(10):
            assert await limit.allow(str(caller))
        assert list(limit._counters) == ["7", "8", "9"]
        assert not await limit.allow("7")

    asyncio.run(test())


def test_a_clock_that_is_set_back() -> None:
    async def test() -> None:
        now = 1000.0
        limit = PeriodLimit("p", limit=1, period=10, clock=lambda: now)
        await limit.use("early")
        now = 0.0
        await limit.use("late")
        now = 20.0  # behind one whose period ends in 990 s
        assert await limit.use("late") == Usage(1, 1, 10)

    asyncio.run(test())
