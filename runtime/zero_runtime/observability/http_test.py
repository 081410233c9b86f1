from __future__ import annotations

import asyncio
import functools
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvloop
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from prometheus_client.parser import text_string_to_metric_families

from zero_runtime import logs, observability, rest
from zero_runtime.config import LogConf, RestConf, RestMiddlewaresConf, TelemetryConf
from zero_runtime.observability import http as module
from zero_runtime.observability.conftest import Collector, Lines, attributes, telemetry
from zero_runtime.observability.trace import trace_headers
from zero_runtime.rest.message import Stream

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
_log = logging.getLogger("zero.test")


async def user(request: rest.Request) -> rest.Response:
    _log.info("looked up")
    return rest.json_response(dict(trace_headers()))


async def fails(request: rest.Request) -> rest.Response:
    raise RuntimeError("secret")


async def pieces(request: rest.Request) -> rest.Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.05)
        yield b"b"

    return Stream(200, chunks=chunks())


ROUTES = (
    rest.Route("GET", "/user/:id", user),
    rest.Route("POST", "/user", user),
    rest.Route("GET", "/fails", fails),
    rest.Route("GET", "/pieces", pieces),
)


@asynccontextmanager
async def serving(**conf: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that runs in this process as it would in one of its own."""
    configured = RestConf(**{"name": "user-api", "host": "127.0.0.1", "port": 0, **conf})
    tracer = observability.start_tracer(configured)
    server = rest.Server(configured, ROUTES)
    async with httpx.AsyncClient(base_url=await server.start()) as client:
        try:
            yield client
        finally:
            await server.stop(5)
            if tracer is not None:
                await asyncio.to_thread(tracer.stop)


def on_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        uvloop.run(test(*args, **kwargs))

    return run


def access(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["logger"] == "zero.access"]


@on_uvloop
async def test_a_request_is_a_span(http_collector: Collector) -> None:
    async with serving(telemetry=telemetry(http_collector)) as client:
        answer = await client.get("/user/7?secret=1")
        assert answer.json() == {"traceparent": answer.headers["traceparent"]}
        match = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-01", answer.headers["traceparent"])
    (span,) = http_collector.spans
    assert match is not None
    assert (span.trace_id.hex(), span.span_id.hex()) == match.groups()
    assert (span.name, span.kind, span.parent_span_id) == ("/user/:id", span.SPAN_KIND_SERVER, b"")
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/user/:id",
        "url.path": "/user/7",
        "client.address": "127.0.0.1",
    }
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 5e9
    assert abs(time.time_ns() - span.end_time_unix_nano) < 10e9
    assert span.status.code == Status.STATUS_CODE_UNSET


@on_uvloop
async def test_a_trace_is_gone_on_with(http_collector: Collector) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
    async with serving(telemetry=telemetry(http_collector, sampler=0.0)) as client:
        answer = await client.get("/user/7", headers=headers)
        assert answer.json() == {"traceparent": answer.headers["traceparent"], "tracestate": "vendor=1"}
        assert answer.headers["traceparent"].startswith(f"00-{TRACE}-")
        assert PARENT not in answer.headers["traceparent"]
        unsampled = await client.get("/user/7", headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
        assert unsampled.headers["traceparent"].endswith("-00")
        assert (await client.get("/user/7")).headers["traceparent"].endswith("-00")
    (span,) = http_collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.trace_state == "vendor=1"


@on_uvloop
async def test_what_else_becomes_a_span(http_collector: Collector) -> None:
    conf = {"telemetry": telemetry(http_collector), "trace_ignore_paths": ["/pieces"]}
    async with serving(**conf) as client:
        assert (await client.get("/fails")).status_code == 500
        assert (await client.post("/user")).status_code == 200
        assert (await client.get("/nowhere" + "!" * 5000)).headers["traceparent"]
        assert (await client.request("PROPFIND", "/user")).status_code == 405
        assert "traceparent" not in (await client.get("/pieces")).headers
    failed, posted, nowhere, found = http_collector.spans
    assert (failed.name, failed.status.code) == ("/fails", Status.STATUS_CODE_ERROR)
    assert attributes(posted) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/user",
        "client.address": "127.0.0.1",
    }
    assert (nowhere.name, nowhere.status.code) == ("GET", Status.STATUS_CODE_UNSET)
    assert (attributes(nowhere)["url.path"], attributes(nowhere)["http.response.status_code"]) == (
        "/nowhere".ljust(1024, "!"),
        404,
    )
    assert "http.route" not in attributes(nowhere)
    assert (found.name, attributes(found)["http.request.method"]) == ("_OTHER", "_OTHER")


@on_uvloop
async def test_metrics() -> None:
    metrics = observability.Metrics()
    metrics.attach(0)
    async with serving() as client:
        for _ in range(3):
            await client.get("/user/7")
        await client.head("/user/8")
        await client.get("/fails")
        for path in ("/nowhere", "/nowhere/else"):
            await client.request("PROPFIND", path)
    families = text_string_to_metric_families(metrics.exposition().decode())
    counted = {
        tuple(sample.labels[label] for label in ("path", "method", "code")): sample.value
        for family in families
        for sample in family.samples
        if sample.name in ("http_server_requests_code_total", "http_server_requests_duration_ms_count")
    }
    assert counted == {
        ("/user/:id", "GET", "200"): 3,
        ("/user/:id", "HEAD", "200"): 1,
        ("/fails", "GET", "500"): 1,
        ("unrouted", "_OTHER", "404"): 2,
    }


@on_uvloop
async def test_the_access_log(lines: Lines) -> None:
    async with serving() as client:
        traceparent = (await client.get("/user/7?secret=1")).headers["traceparent"]
        await client.get("/nowhere")
    logged, line, missed = lines()
    assert (logged["content"], logged["logger"]) == ("looked up", "zero.test")
    now = datetime.now(UTC)
    assert timedelta(0) <= now - datetime.fromisoformat(line.pop("@timestamp")) < timedelta(seconds=10)
    assert re.fullmatch(r"\d+\.\dms", line.pop("duration"))
    assert line == {
        "level": "info",
        "service": "user-api",
        "logger": "zero.access",
        "content": "GET /user/7",
        "status": 200,
        "client": "127.0.0.1",
        "trace": traceparent[3:35],
        "span": traceparent[36:52],
    }
    assert (logged["trace"], logged["span"]) == (line["trace"], line["span"])
    assert (missed["content"], missed["status"]) == ("GET /nowhere", 404)


@on_uvloop
async def test_what_is_logged_of_a_failure_tells_of_its_trace(lines: Lines) -> None:
    async with serving() as client:
        answer = await client.get("/fails")
    assert "secret" not in answer.text
    failure, line = lines()
    assert failure["stack"].endswith("RuntimeError: secret")
    assert failure["trace"] == line["trace"] == answer.headers["traceparent"][3:35]


@on_uvloop
async def test_streams_last_until_their_end(lines: Lines, http_collector: Collector) -> None:
    async with serving(telemetry=telemetry(http_collector)) as client:
        answer = await client.get("/pieces")
        assert (answer.content, bool(answer.headers["traceparent"])) == (b"ab", True)
    (line,) = access(lines())
    assert float(line["duration"].removesuffix("ms")) >= 50
    (span,) = http_collector.spans
    assert span.end_time_unix_nano - span.start_time_unix_nano >= 49e6  # uvloop counts whole milliseconds


@on_uvloop
async def test_a_client_that_leaves(lines: Lines) -> None:
    async with serving() as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(b"POST /user HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        await asyncio.sleep(0.05)
        writer.close()
        await asyncio.sleep(0.05)
    assert [line["status"] for line in access(lines())] == [499]


@on_uvloop
async def test_slow_requests_are_warned_of(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW", 60.0)
    async with serving() as quick:
        monkeypatch.setattr(module, "SLOW", 0.0)
        async with serving() as slow:
            await quick.post("/user")
            await slow.get("/pieces")
            assert [(line["level"], line["content"]) for line in access(lines())] == [
                ("info", "POST /user"),
                ("warn", "slow: GET /pieces"),
            ]
            logging.getLogger().setLevel(logging.WARNING)
            await quick.post("/user")
            await slow.get("/pieces")
    assert [line["content"] for line in access(lines())] == ["slow: GET /pieces"]


@on_uvloop
async def test_the_access_log_goes_the_way_that_logging_is_configured(
    lines: Lines, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(LogConf(encoding="plain"), "user-api")
    async with serving() as client:
        await client.get("/user/7")
    logs.flush()
    expected = r"INFO   zero\.access: GET /user/7 status=200 duration=\d+\.\dms client=127\.0\.0\.1$"
    assert re.search(expected, capfd.readouterr().out, re.MULTILINE)


def test_a_handler_of_ones_own_gets_records_of_the_access_log(
    lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger().addHandler(caplog.handler)

    async def test() -> None:
        async with serving() as client:
            await client.get("/user/7")

    uvloop.run(test())
    logging.getLogger().removeHandler(caplog.handler)
    (record,) = (record for record in caplog.records if record.name == "zero.access")
    assert (record.getMessage(), vars(record)["status"]) == ("GET /user/7", 200)
    (line,) = access(lines())
    assert (line["content"], line["status"], len(line["trace"])) == ("GET /user/7", 200, 32)


@on_uvloop
async def test_everything_can_be_off(lines: Lines) -> None:
    observability.Metrics().attach(0)
    off = RestMiddlewaresConf(trace=False, log=False, prometheus=False)
    conf = RestConf(name="user-api", middlewares=off)
    assert observability.http_observer(conf) is None
    async with serving(middlewares=off) as client:
        answer = await client.get("/user/7")
        assert "traceparent" not in answer.headers
        assert answer.json() == {}
    (line,) = lines()
    assert "trace" not in line


@on_uvloop
async def test_traces_can_be_off_alone(lines: Lines) -> None:
    async with serving(telemetry=TelemetryConf(disabled=True)) as client:
        assert "traceparent" not in (await client.get("/user/7")).headers
    (line,) = access(lines())
    assert "trace" not in line
