"""Spans by every exporter to real collectors: OpenTelemetry's and Jaeger."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.observability.conftest import Target
from tests.servers.jaeger import Jaeger, jaeger
from zero_runtime.config import ServiceConf, TelemetryConf
from zero_runtime.observability.exporters import exporter
from zero_runtime.observability.spans import SpanQueue
from zero_runtime.observability.trace import Kind, Operation, Sampler, Span

FAILED = Operation(
    "user.User/Login",
    Kind.CLIENT,
    (("rpc.grpc.status_code", 14), ("server.address", "user-rpc")),
    failed=True,
)


def send(batcher: Any, endpoint: str) -> Span:
    """Sends a span that took half a second, of a trace that others began."""
    conf = ServiceConf(name="user-api", telemetry=TelemetryConf(batcher=batcher, endpoint=endpoint))
    queue = SpanQueue(exporter(conf.telemetry), conf.name)
    sampler = Sampler(1.0)
    span = sampler.child(sampler.begin())
    now = time.time()
    queue.add(FAILED, span, now - 0.5, now, (("url.path", "/übel"),))
    queue.stop()
    return span


def test_collectors_take_what_is_sent(target: Target) -> None:
    span = send(target.batcher, target.endpoint)
    (told,) = target.trace(span.trace_id, 1)
    assert (told.service, told.name, told.kind) == ("user-api", "user.User/Login", "client")
    assert (told.span_id, told.parent) == (span.span_id, span.parent)
    assert told.attributes["url.path"] == "/übel"
    assert str(told.attributes["rpc.grpc.status_code"]) == "14"  # Zipkin has texts only


@pytest.mark.parametrize("batcher", ["otlpgrpc", "otlphttp", "zipkin"])
def test_jaeger_takes_what_is_sent(batcher: str, tmp_path: Path) -> None:
    with jaeger(tmp_path) as server:
        span = send(batcher, _address(server, batcher))
        deadline = time.monotonic() + 10
        while not (trace := server.trace(span.trace_id)) and time.monotonic() < deadline:
            time.sleep(0.1)
    (told,) = trace["spans"]
    tags = {tag["key"]: tag["value"] for tag in told["tags"]}
    assert (told["operationName"], told["spanID"]) == ("user.User/Login", span.span_id)
    assert told["duration"] == pytest.approx(500_000, rel=0.01)
    assert tags["span.kind"] == "client"
    assert tags["error"] is True
    assert [process["serviceName"] for process in trace["processes"].values()] == ["user-api"]


def _address(server: Jaeger, batcher: str) -> str:
    return {"otlpgrpc": server.grpc, "otlphttp": server.http, "zipkin": server.zipkin}[batcher]
