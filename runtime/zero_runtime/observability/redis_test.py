from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.process import free_port
from tests.servers.redis import RedisServer, redis
from zero_runtime import config, observability
from zero_runtime.observability import pools
from zero_runtime.observability.conftest import Collector, attributes, telemetry
from zero_runtime.observability.metrics import Metrics
from zero_runtime.observability.trace import Sampler, enter
from zero_runtime.redis import Redis, Script

ECHO = Script("return ARGV[1]")


def with_redis(test: Callable[[Redis], Awaitable[None]], *, cluster: bool = False) -> RedisServer:
    """Runs a test at a client of a real server, which is gone when it returns."""
    with redis(cluster=cluster) as server:
        kind: Literal["node", "cluster"] = "cluster" if cluster else "node"

        async def run() -> None:
            client = Redis(config.RedisConf(host=server.address, type=kind))
            try:
                async with asyncio.timeout(20):
                    await test(client)
            finally:
                await client.close()

        asyncio.run(run())
    return server


def counted(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """What was counted, by name of the sample and values of its labels."""
    return {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for each in family.samples
        if each.name.startswith("redis_client") and "le" not in each.labels
    }


@pytest.mark.parametrize("cluster", [False, True])
def test_commands_are_counted_by_name(cluster: bool) -> None:
    metrics = Metrics()
    metrics.attach(0)

    async def test(client: Redis) -> None:
        for value in range(3):
            await client.client.set("a", value)
        await client.client.incr("a")
        assert await client.evaluate(ECHO, "a", 7) == "7"
        with pytest.raises(Exception, match="WRONGTYPE"):
            await client.client.lpush("a", "b")
        async with client.client.pipeline() as pipeline:
            pipeline.get("a")
            pipeline.delete("a")
            assert await pipeline.execute() == ["3", 1]

    with_redis(test, cluster=cluster)
    found = counted(metrics)
    count, error = "redis_client_requests_duration_ms_count", "redis_client_requests_error_total"
    expected = {"set": 3, "incrby": 1, "evalsha": 1, "eval": 1, "lpush": 1, "pipeline": 1}
    assert {name: found[count, name] for name in expected} == expected
    assert {key[1:]: value for key, value in found.items() if key[0] == error} == {("lpush", "UNKNOWN"): 1}


def test_spans_are_children_of_the_one_that_is_served(http_collector: Collector) -> None:
    tracer = observability.start_tracer(config.ServiceConf(name="user", telemetry=telemetry(http_collector)))
    assert tracer is not None
    served = Sampler(1.0).begin()

    async def test(client: Redis) -> None:
        await client.client.get("a")  # a part of nothing
        enter(Sampler(0.0).begin())
        await client.client.get("a")
        enter(served)
        await client.client.set("a", "secret")
        with pytest.raises(Exception, match="WRONGTYPE"):
            await client.client.lpush("a", "b")

    server = with_redis(test)
    tracer.stop()
    spans = http_collector.spans
    assert [span.name for span in spans] == ["set", "lpush"]
    assert {span.parent_span_id.hex() for span in spans} == {served.span_id}
    assert {span.kind for span in spans} == {Span.SPAN_KIND_CLIENT}
    assert attributes(spans[1]) == {
        "db.system": "redis",
        "db.operation.name": "lpush",
        "server.address": server.address,
        "error.type": "UNKNOWN",
    }
    assert b"secret" not in b"".join(request.SerializeToString() for request in http_collector.requests)


def test_one_that_is_away() -> None:
    metrics = Metrics()
    metrics.attach(0)

    async def test() -> None:
        client = Redis(config.RedisConf(host=f"127.0.0.1:{free_port()}"))
        with pytest.raises(OSError):
            await client.check()
        await client.close()

    asyncio.run(test())
    assert counted(metrics)["redis_client_requests_error_total", "ping", "UNAVAILABLE"] == 1


def test_slow_commands_are_logged_without_their_values(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    metrics.attach(0)
    busy = Script("local n = 0 while n < 2e7 do n = n + 1 end return n")

    async def test(client: Redis) -> None:
        await client.client.eval(busy.text, 0, "secret")
        assert await client.client.blpop(["nothing"], timeout=0.15) is None

    with caplog.at_level(logging.WARNING, "zero.redis"):
        server = with_redis(test)
    (line,) = caplog.messages
    assert line.startswith("slow: eval took ") and line.endswith(f" ms, {server.address}")
    slow = {key[1] for key in counted(metrics) if key[0] == "redis_client_requests_slow_total"}
    assert slow == {"eval"}


@pytest.mark.parametrize("cluster", [False, True])
def test_connections(cluster: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_INTERVAL", 0.01)
    metrics = Metrics()
    metrics.attach(0)
    total, idle = ("redis_client_pool_conn_total_current", "redis_client_pool_conn_idle_current")
    seen: list[tuple[float, float]] = []

    def state() -> tuple[float, float]:
        found = {key[0]: value for key, value in counted(metrics).items()}
        return found[total], found[idle]

    async def test(client: Redis) -> None:
        await asyncio.gather(*(client.client.blpop([f"k{n}"], timeout=0.1) for n in range(3)))
        await asyncio.sleep(0.05)
        seen.append(state())

    with_redis(test, cluster=cluster)
    assert seen[0][0] == seen[0][1] >= 3
    assert state() == (0, 0)


def test_what_is_off_is_not_there() -> None:
    assert observability.redis_observer("redis:6379") is None
    assert observability.redis_pool_observer("redis:6379", "node", lambda: pools.State(0, 0)) is None
