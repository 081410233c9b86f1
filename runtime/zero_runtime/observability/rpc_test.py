from __future__ import annotations

import asyncio
import functools
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import msgspec
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.parser import text_string_to_metric_families

from zero_runtime import errors, observability, rpc
from zero_runtime.config import RpcClientConf, RpcServerConf, TelemetryConf
from zero_runtime.config.durations import Duration
from zero_runtime.config.rpc import RpcClientMiddlewaresConf, RpcServerMiddlewaresConf, StatConf
from zero_runtime.errors import Code
from zero_runtime.observability import process
from zero_runtime.observability.conftest import Collector, Lines, attributes, telemetry
from zero_runtime.observability.trace import current_span, trace_headers
from zero_runtime.observability.trace_test import PARENT, TRACE

_log = logging.getLogger("zero.test")


async def say(request: StringValue) -> StringValue:
    _log.info("says")
    match request.value:
        case "nobody":
            raise errors.NotFound("nobody is there")
        case "crash":
            raise RuntimeError("secret")
        case "slow":
            await asyncio.sleep(0.1)
    return StringValue(value=trace_headers().get("traceparent", ""))


async def count(request: StringValue) -> AsyncIterator[StringValue]:
    yield request
    await asyncio.sleep(0.1)
    yield StringValue(value=trace_headers().get("traceparent", ""))


SERVICE = rpc.Service(
    "test.Echo",
    (
        rpc.unary_unary("Say", say, StringValue, StringValue),
        rpc.unary_stream("Count", count, StringValue, StringValue),
    ),
)


@asynccontextmanager
async def serving(**conf: Any) -> AsyncIterator[grpc.aio.Channel]:
    configured = RpcServerConf(**{"name": "echo-rpc", "listen_on": "127.0.0.1:0", **conf})
    tracer = observability.start_tracer(configured)
    server = rpc.Server(configured, (SERVICE,))
    async with grpc.aio.insecure_channel(await server.start()) as channel:
        try:
            yield channel
        finally:
            await server.stop(5)
            if tracer is not None:
                await asyncio.to_thread(tracer.stop)


async def call(channel: grpc.aio.Channel, text: str, **options: Any) -> str:
    method: Any = channel.unary_unary("/test.Echo/Say", StringValue.SerializeToString, StringValue.FromString)
    answer: str = (await method(StringValue(value=text), **options)).value
    return answer


async def counted(channel: grpc.aio.Channel, **options: Any) -> list[str]:
    method: Any = channel.unary_stream(
        "/test.Echo/Count", StringValue.SerializeToString, StringValue.FromString
    )
    return [each.value async for each in method(StringValue(value="x"), **options)]


async def refused(channel: grpc.aio.Channel, text: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await call(channel, text)


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def synchronous(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return synchronous


def samples(metrics: observability.Metrics) -> dict[tuple[str, str, str], float]:
    return {
        (
            sample.name,
            sample.labels["method"],
            sample.labels.get("code") or sample.labels.get("le", ""),
        ): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
        if "method" in sample.labels
    }


@run
async def test_spans_of_a_server(http_collector: Collector) -> None:
    carried = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("tracestate", "a=b"))
    async with serving(telemetry=telemetry(http_collector)) as channel:
        own = await call(channel, "x", metadata=carried)
        await refused(channel, "nobody")
        await refused(channel, "crash")
        assert (await counted(channel, metadata=carried))[1].startswith(f"00-{TRACE}-")
        await call(channel, "x", metadata=(("traceparent", f"00-{TRACE}-{PARENT}-00"),))  # not to be sampled
    said, nobody, crashed, streamed = http_collector.spans
    assert said.trace_id.hex() == TRACE and said.parent_span_id.hex() == PARENT
    assert own == f"00-{TRACE}-{said.span_id.hex()}-01"
    assert (said.name, said.kind, said.trace_state) == ("test.Echo/Say", Span.SPAN_KIND_SERVER, "a=b")
    assert attributes(said) == {
        "rpc.system": "grpc",
        "rpc.service": "test.Echo",
        "rpc.method": "Say",
        "rpc.grpc.status_code": 0,
        "client.address": "127.0.0.1",
    }
    assert 0 <= said.end_time_unix_nano - said.start_time_unix_nano < 1e9
    assert attributes(nobody)["rpc.grpc.status_code"] == 5 and not nobody.HasField("status")
    assert crashed.status.code == Status.STATUS_CODE_ERROR and not crashed.parent_span_id
    assert (
        streamed.name == "test.Echo/Count"
        and streamed.end_time_unix_nano - streamed.start_time_unix_nano > 1e8
    )


@run
async def test_metrics_of_a_server() -> None:
    metrics = observability.Metrics()
    metrics.attach(0)
    async with serving() as channel:
        for text in ("x", "x", "slow"):
            await call(channel, text)
        await refused(channel, "nobody")
        await refused(channel, "crash")
        await counted(channel)
    found = samples(metrics)
    say, count = "/test.Echo/Say", "/test.Echo/Count"
    codes = {key[1:]: value for key, value in found.items() if key[0] == "rpc_server_requests_code_total"}
    assert codes == {(say, "0"): 3, (say, "5"): 1, (say, "13"): 1, (count, "0"): 1}
    bounds = [key[2] for key in found if key[:2] == ("rpc_server_requests_duration_ms_bucket", say)]
    assert bounds == ["1", "2", "5", "10", "25", "50", "100", "250", "500", "1000", "2000", "5000", "+Inf"]
    assert found["rpc_server_requests_duration_ms_count", say, ""] == 5
    assert 100 <= found["rpc_server_requests_duration_ms_sum", say, ""] < 2000
    assert (
        "rpc_server_requests_duration_ms_count",
        count,
        "",
    ) not in found  # a stream lasts as long as it likes


@run
async def test_the_log_of_calls(lines: Lines) -> None:
    switches = RpcServerMiddlewaresConf(stat_conf=StatConf(slow_threshold=Duration(0.05)))
    async with serving(middlewares=switches) as channel:
        await call(channel, "x")
        await refused(channel, "nobody")
        await call(channel, "slow")
        await counted(channel)
    found = lines()
    said = [line for line in found if line["logger"] == "zero.test"]
    quick, nobody, slow, streamed = (line for line in found if line["logger"] == "zero.access")
    assert quick["content"] == "/test.Echo/Say" and quick["level"] == "info" and quick["code"] == "OK"
    assert quick["client"] == "127.0.0.1" and "status" not in quick
    assert float(quick["duration"].removesuffix("ms")) < 50
    assert (nobody["code"], nobody["level"]) == ("NOT_FOUND", "info")
    assert (slow["content"], slow["level"]) == ("slow: /test.Echo/Say", "warn")
    assert (streamed["content"], streamed["level"]) == ("/test.Echo/Count", "info")
    assert [(line["trace"], line["span"]) for line in said] == [
        (line["trace"], line["span"]) for line in (quick, nobody, slow)
    ]


@run
async def test_what_is_off_is_off(lines: Lines) -> None:
    metrics = observability.Metrics()
    metrics.attach(0)
    switches = RpcServerMiddlewaresConf(trace=False, stat=False, prometheus=False)
    async with serving(middlewares=switches) as channel:
        assert await call(channel, "x", metadata=(("traceparent", f"00-{TRACE}-{PARENT}-01"),)) == ""
    assert "rpc_" not in metrics.exposition().decode()
    assert [line for line in lines() if line["logger"] == "zero.access"] == []


@run
async def test_calls_that_are_refused_are_observed(lines: Lines) -> None:
    metrics = observability.Metrics()
    metrics.attach(0)
    async with serving(max_conns=1) as channel:
        call_ = channel.unary_stream("/test.Echo/Count")(b"")
        await call_.read()
        await refused(channel, "x")
    assert samples(metrics)["rpc_server_requests_code_total", "/test.Echo/Say", "8"] == 1
    assert [line["code"] for line in lines() if line["content"] == "/test.Echo/Say"] == ["RESOURCE_EXHAUSTED"]


def test_a_client_carries_the_trace_on(http_collector: Collector) -> None:
    conf = RpcServerConf(name="echo-rpc", telemetry=telemetry(http_collector))
    tracer = observability.start_tracer(conf)
    assert tracer is not None
    observer = observability.client_observer(RpcClientConf(target="direct:///a:1"), "direct:///a:1")
    assert observer is not None and observer.sampler is not None
    method = observer.method("/test.Echo/Say")
    served = observer.sampler.resume(f"00-{TRACE}-{PARENT}-01".encode(), b"a=b")
    token = current_span.set(served)
    inner = method.begin()
    current_span.reset(token)
    first = method.begin()
    inner.end(Code.OK)
    first.end(Code.NOT_FOUND)
    tracer.stop()
    assert inner.span is not None and first.span is not None
    assert dict(inner.carried) == {
        "traceparent": f"00-{TRACE}-{inner.span.span_id}-01",
        "tracestate": "a=b",
    }
    child, root = http_collector.spans
    assert child.kind == Span.SPAN_KIND_CLIENT and child.name == "test.Echo/Say"
    assert child.parent_span_id.hex() == served.span_id and child.span_id.hex() == inner.span.span_id
    assert attributes(child)["server.address"] == "direct:///a:1"
    assert not root.parent_span_id and root.trace_id.hex() != TRACE
    assert root.status.code == Status.STATUS_CODE_ERROR  # what callers did not get is an error of theirs


def test_a_client_logs_what_is_slow_or_fails(lines: Lines) -> None:
    metrics = observability.Metrics()
    metrics.attach(0)
    process._service = RpcServerConf(name="caller-rpc")
    observer = observability.client_observer(RpcClientConf(target="x:1"), "x:1")
    assert observer is not None
    observer.slow = 0.01
    method, stream = observer.method("/test.Echo/Say"), observer.method("/test.Echo/Count", streams=True)
    method.begin().end(Code.OK)
    method.begin().end(Code.NOT_FOUND, "nobody")
    method.begin().end(Code.UNAVAILABLE, "connection refused")
    method.begin().end(Code.UNAVAILABLE, "the breaker is open", refused=True)
    for each in (method, stream):
        begun = each.begin()
        begun.start -= 1
        begun.end(Code.OK)
    failed, slow = lines()
    assert failed["content"] == "/test.Echo/Say of x:1 failed: connection refused"
    assert (failed["level"], failed["code"]) == ("warn", "UNAVAILABLE")
    assert (slow["content"], slow["code"]) == ("slow: /test.Echo/Say of x:1", "OK")
    assert samples(metrics)["rpc_client_requests_code_total", "/test.Echo/Say", "0"] == 2
    assert samples(metrics)["rpc_client_requests_code_total", "/test.Echo/Say", "14"] == 2
    assert samples(metrics)["rpc_client_requests_duration_ms_count", "/test.Echo/Say", ""] == 5


def test_lines_that_go_to_the_output_directly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    observer = observability.server_observer(RpcServerConf(name="echo-rpc"))
    assert observer is not None and observer.sampler is not None
    served = observer.method("/test.Echo/Say").begin((), "[::1]:52114")
    served.end(Code.ABORTED)
    written = json.loads(msgspec.json.encode(served.line()))
    assert served.span is not None and written.pop("duration").endswith("ms") and written.pop("@timestamp")
    assert written == {
        "level": "info",
        "service": "echo-rpc",
        "logger": "zero.access",
        "content": "/test.Echo/Say",
        "code": "ABORTED",
        "client": "::1",
        "trace": served.span.trace_id,
        "span": served.span.span_id,
    }


def test_a_client_may_observe_nothing() -> None:
    switches = RpcClientMiddlewaresConf(trace=False, duration=False, prometheus=False)
    assert observability.client_observer(RpcClientConf(target="x:1", middlewares=switches), "x:1") is None


def test_a_service_without_telemetry_traces_nothing() -> None:
    process._service = RpcServerConf(name="x", telemetry=TelemetryConf(disabled=True))
    observer = observability.client_observer(RpcClientConf(target="x:1"), "x:1")
    assert observer is not None and observer.method("/test.Echo/Say").begin().carried == ()
