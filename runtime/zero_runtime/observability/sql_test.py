from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.accounts import FIND, NAMES, SCHEMA, insert
from zero_runtime import config, errors, model, observability
from zero_runtime.config.durations import Duration
from zero_runtime.observability.conftest import Collector, attributes, telemetry
from zero_runtime.observability.metrics import Metrics
from zero_runtime.observability.trace import Sampler, current_span

SLOW = model.Statement(
    "account.slow",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) "
    "SELECT max(i), ? FROM n",
)
WRONG = model.Statement("account.wrong", "SELECT * FROM nowhere")


def with_database(
    test: Callable[[model.Database], Awaitable[None]], slow: float = 0.0, timeout: float = 0.0
) -> None:
    async def run() -> None:
        conf = config.DatabaseConf(slow_threshold=Duration(slow), statement_timeout=Duration(timeout))
        async with asyncio.timeout(20), model.open_database("sqlite://", conf) as database:
            await database.create(SCHEMA)
            await test(database)

    asyncio.run(run())


def samples(metrics: Metrics) -> dict[tuple[str, str, str], float]:
    """What was counted, by name of the sample, command, and upper bound or error."""
    return {
        (each.name, each.labels["command"], each.labels.get("le", each.labels.get("error", ""))): each.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for each in family.samples
        if each.name.startswith("sql_client_requests")
    }


def test_metrics_have_the_names_of_the_statements() -> None:
    metrics = Metrics()
    metrics.attach(0)

    async def test(database: model.Database) -> None:
        await insert(database, "a", mobile="186")
        await database.fetch_one(FIND, (1,))
        async with database.transaction():
            await database.fetch_one(FIND, (2,))
            with pytest.raises(model.DuplicateKey):
                await insert(database, "b", mobile="186")
        async with database.stream(NAMES) as rows:
            assert [row async for row in rows] == [("a",)]
        with pytest.raises(Exception, match="nowhere"):
            await database.fetch_all(WRONG)
        with pytest.raises(errors.DeadlineExceeded):
            await database.fetch_all(SLOW, (1,))

    with_database(test, timeout=0.05)
    counted = samples(metrics)
    count, error = "sql_client_requests_duration_ms_count", "sql_client_requests_error_total"
    assert {name: counted[count, name, ""] for name in ("account.find_one", "account.insert", "commit")} == {
        "account.find_one": 2,
        "account.insert": 2,
        "commit": 1,
    }
    assert counted[count, "account.names", ""] == 1
    assert counted["sql_client_requests_duration_ms_bucket", "account.slow", "25"] == 0
    assert counted["sql_client_requests_duration_ms_sum", "account.slow", ""] >= 50
    assert {key[1:]: value for key, value in counted.items() if key[0] == error} == {
        ("account.insert", "ALREADY_EXISTS"): 1,
        ("account.wrong", "UNKNOWN"): 1,
        ("account.slow", "DEADLINE_EXCEEDED"): 1,
    }


def test_spans_are_children_of_the_one_that_is_served(http_collector: Collector) -> None:
    tracer = observability.start_tracer(config.ServiceConf(name="user", telemetry=telemetry(http_collector)))
    assert tracer is not None
    served, dropped = Sampler(1.0).begin(), Sampler(0.0).begin()

    async def test(database: model.Database) -> None:
        await database.fetch_one(FIND, (1,))  # a part of nothing
        current_span.set(dropped)
        await database.fetch_one(FIND, (1,))
        current_span.set(served)
        await database.fetch_one(FIND, (1,))
        await insert(database, "secret", mobile="186")
        with pytest.raises(model.DuplicateKey):
            await insert(database, "b", mobile="186")
        with pytest.raises(Exception, match="nowhere"):
            await database.fetch_all(WRONG)

    with_database(test)
    tracer.stop()
    spans = http_collector.spans
    assert [span.name for span in spans] == [
        "account.find_one",
        "account.insert",
        "account.insert",
        "account.wrong",
    ]
    assert {span.parent_span_id.hex() for span in spans} == {served.span_id}
    assert {span.trace_id.hex() for span in spans} == {served.trace_id}
    assert {span.kind for span in spans} == {Span.SPAN_KIND_CLIENT}
    failed = Status.STATUS_CODE_ERROR
    assert [span.status.code == failed for span in spans] == [False, False, False, True]
    assert attributes(spans[2]) == {
        "db.system": "sqlite",
        "db.operation.name": "account.insert",
        "server.address": "sqlite://",
        "error.type": "ALREADY_EXISTS",
    }
    assert b"secret" not in b"".join(request.SerializeToString() for request in http_collector.requests)


def test_slow_statements_are_logged_without_their_values(caplog: pytest.LogCaptureFixture) -> None:
    async def test(database: model.Database) -> None:
        await asyncio.gather(*(database.fetch_all(SLOW, ("secret",)) for _ in range(2)))
        await database.fetch_one(FIND, (1,))

    metrics = Metrics()
    metrics.attach(0)
    with caplog.at_level(logging.WARNING, "zero.model"):
        with_database(test, slow=0.02)
    first, second = caplog.messages
    assert samples(metrics)["sql_client_requests_slow_total", "account.slow", ""] == 2
    assert first.startswith("slow: account.slow took ") and first.endswith(" ms, sqlite://")
    assert "in which it waited for a connection, sqlite://" in second
    assert "secret" not in caplog.text


def test_what_is_off_is_not_there() -> None:
    assert observability.sql_observer("sqlite", "sqlite://", 0.0) is None
