"""What is told of a real pool of a database: see `redis_test` for those of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from zero_runtime import observability
from zero_runtime.config import DatabaseConf
from zero_runtime.config.durations import Duration
from zero_runtime.model.pool import Pool, Refused
from zero_runtime.model.source import SqliteSource
from zero_runtime.model.sqlite import SqliteDriver
from zero_runtime.observability import pools
from zero_runtime.observability.metrics import Metrics


def told(metrics: Metrics) -> dict[str, float]:
    """The numbers of the only pool, without what their names have in common."""
    return {
        sample.name.removeprefix("sql_client_"): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if sample.name.startswith("sql_client_")
    }


def with_pool(
    test: Callable[[Pool], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, lifetime: float = 0
) -> None:
    monkeypatch.setattr(pools, "_INTERVAL", 0.005)

    async def run() -> None:
        conf = DatabaseConf(
            max_open=2, max_idle=1, max_lifetime=Duration(lifetime), wait_timeout=Duration(0.05)
        )
        pool = Pool(SqliteDriver(SqliteSource(None), conf), conf)
        try:
            async with asyncio.timeout(10):
                await test(pool)
        finally:
            await pool.close()

    asyncio.run(run())


def test_connections_and_those_who_wait_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    metrics.attach(0)

    async def test(pool: Pool) -> None:
        one, two = await pool.acquire(), await pool.acquire()
        with pytest.raises(Refused):
            await pool.acquire()
        state = told(metrics)
        assert (state["max_open_connections"], state["open_connections"]) == (2, 2)
        assert (state["in_use_connections"], state["idle_connections"]) == (2, 0)
        assert state["wait_count_total"] == 1
        assert 0.04 < state["wait_duration_seconds_total"] < 5
        pool.give(one)
        pool.give(two)  # more than may be idle
        await asyncio.sleep(0.02)
        state = told(metrics)
        assert (state["open_connections"], state["idle_connections"]) == (1, 1)
        assert (state["max_idle_closed_total"], state["max_lifetime_closed_total"]) == (1, 0)

    with_pool(test, monkeypatch)
    assert not any(value for name, value in told(metrics).items() if name.endswith("_connections"))


def test_connections_that_are_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    metrics.attach(0)

    async def test(pool: Pool) -> None:
        pool.give(await pool.acquire())
        while pool.open:
            await asyncio.sleep(0.01)

    with_pool(test, monkeypatch, lifetime=0.05)
    assert told(metrics)["max_lifetime_closed_total"] == 1
    assert told(metrics)["max_idle_closed_total"] == 0


def test_several_pools_of_one_server_are_told_of_together() -> None:
    metrics = Metrics()
    metrics.attach(0)
    name = "redis_client_pool_conn_total_current"

    def total() -> float:
        (series,) = (all for family, all in metrics.series().items() if family.name == name)
        return series["redis:6379", "node"][0]

    async def test() -> None:
        limits = observability.redis_pool_observer("redis:6379", "node", lambda: pools.State(2, 0))
        cache = observability.redis_pool_observer("redis:6379", "node", lambda: pools.State(5, 0))
        assert limits is not None and cache is not None
        assert total() == 7
        limits.stop()
        assert total() == 5
        cache.stop()
        assert total() == 0

    asyncio.run(test())


def test_databases_are_told_apart_by_name_and_place_but_not_by_passwords() -> None:
    metrics = Metrics()
    metrics.attach(0)

    async def look() -> None:
        for target in "mysql://user@db:3306/shop", "mysql://user@replica:3306/shop":
            observer = observability.sql_pool_observer(target, 2, lambda: pools.State(0, 0))
            assert observer is not None
            observer.stop()

    asyncio.run(look())
    series = [
        labels
        for family, all in metrics.series().items()
        for labels in all
        if family.name.endswith("max_open_connections")
    ]
    assert [name for name, _ in series] == ["shop", "shop"]
    assert len({digest for _, digest in series}) == 2


def test_what_is_off_is_not_there() -> None:
    assert observability.sql_pool_observer("sqlite://", 2, lambda: pools.State(0, 0)) is None
