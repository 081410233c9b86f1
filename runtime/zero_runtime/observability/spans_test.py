from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from zero_runtime import observability
from zero_runtime.config import InvalidValue, ServiceConf, TelemetryConf
from zero_runtime.observability import spans as module
from zero_runtime.observability.conftest import Collector, attributes
from zero_runtime.observability.spans import SpanQueue
from zero_runtime.observability.trace import Kind, Operation, Sampler, Span

OPERATION = Operation("/user/:id", Kind.SERVER, (("http.route", "/user/:id"), ("code", 200)))
CALL = Operation(
    "get", Kind.CLIENT, (("server.address", "redis:6379"), ("error.type", "UNKNOWN")), failed=True
)
FAILED = Operation("/user/:id", Kind.CLIENT, (), failed=True)


def start(endpoint: str, batcher: str = "otlphttp", **more: Any) -> SpanQueue:
    conf: dict[str, Any] = {"endpoint": endpoint, "batcher": batcher, **more}
    telemetry = TelemetryConf(**conf)
    queue = observability.start_tracer(ServiceConf(name="test-api", telemetry=telemetry))
    assert queue is not None
    return queue


def add(queue: SpanQueue, operation: Operation = OPERATION, path: str = "/user/7", **how: str) -> Span:
    """Adds a span, of a trace that came from elsewhere if a ``traceparent`` is given."""
    sampler = Sampler(1.0)
    span = sampler.resume(how["traceparent"].encode(), b"vendor=1") if how else sampler.begin()
    queue.add(operation, span, 1.5, 2.25, (("url.path", path),))
    return span


def eventually(condition: Callable[[], object]) -> None:
    """Waits for what another thread does."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_spans_by_http(http_collector: Collector) -> None:
    queue = start(http_collector.address, otlp_headers={"X-Key": "secret"})
    one = add(queue)
    add(queue, FAILED)
    add(queue, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    queue.stop()
    assert http_collector.paths == ["/v1/traces"]
    (headers,) = http_collector.headers
    assert (headers["content-type"], headers["x-key"]) == ("application/x-protobuf", "secret")
    ((resource,),) = (request.resource_spans for request in http_collector.requests)
    assert attributes(resource.resource) == {
        "service.name": "test-api",
        "host.name": socket.gethostname(),
        "process.pid": os.getpid(),
    }
    first, second, third = http_collector.spans
    assert (first.trace_id.hex(), first.span_id.hex()) == (one.trace_id, one.span_id)
    assert (first.parent_span_id, first.trace_state) == (b"", "")
    assert (first.name, first.kind, first.status.code) == ("/user/:id", first.SPAN_KIND_SERVER, 0)
    assert (first.start_time_unix_nano, first.end_time_unix_nano) == (1_500_000_000, 2_250_000_000)
    assert attributes(first) == {"http.route": "/user/:id", "code": 200, "url.path": "/user/7"}
    assert (second.kind, second.status.code) == (second.SPAN_KIND_CLIENT, Status.STATUS_CODE_ERROR)
    assert (third.trace_id.hex(), third.parent_span_id.hex()) == ("a" * 32, "b" * 16)
    assert third.trace_state == "vendor=1"


def test_spans_by_grpc(grpc_collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAY", 0.01)
    monkeypatch.setattr(module, "_RETRIES", (0.01,))
    queue = start(grpc_collector.address, "otlpgrpc", otlp_headers={"X-Key": "secret"}, name="other-name")
    grpc_collector.failures = [grpc.StatusCode.UNAVAILABLE]
    add(queue)
    eventually(lambda: grpc_collector.spans)
    queue.stop()
    assert grpc_collector.headers[-1]["x-key"] == "secret"
    assert len(grpc_collector.headers) == 2
    (request,) = grpc_collector.requests
    assert attributes(request.resource_spans[0].resource)["service.name"] == "other-name"


def test_spans_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "spans.json"
    for _ in range(2):
        queue = start(str(file), "file")
        span = add(queue)
        queue.stop()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 2
    ((written,),) = (scope["spans"] for scope in lines[1]["resourceSpans"][0]["scopeSpans"])
    assert (written["traceId"], written["spanId"]) == (span.trace_id, span.span_id)
    assert (written["name"], written["kind"]) == ("/user/:id", 2)
    assert written["startTimeUnixNano"] == "1500000000"
    assert "parentSpanId" not in written


def test_spans_as_zipkin_has_them() -> None:
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            bodies.append((self.path, self.headers["content-type"], self.headers["x-key"], json.loads(body)))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: stderr is the test's."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        queue = start(f"127.0.0.1:{server.server_port}", "zipkin", otlp_headers={"X-Key": "secret"})
        first = add(queue)
        second = add(queue, CALL, traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
        queue.stop()
        server.shutdown()
    ((path, kind, key, spans),) = bodies
    assert (path, kind, key) == ("/api/v2/spans", "application/json", "secret")
    common = {
        "timestamp": 1_500_000,
        "duration": 750_000,
        "localEndpoint": {"serviceName": "test-api"},
    }
    assert spans == [
        {
            **common,
            "traceId": first.trace_id,
            "id": first.span_id,
            "name": "/user/:id",
            "kind": "SERVER",
            "tags": {"http.route": "/user/:id", "code": "200", "url.path": "/user/7"},
        },
        {
            **common,
            "traceId": "a" * 32,
            "id": second.span_id,
            "parentId": "b" * 16,
            "name": "get",
            "kind": "CLIENT",
            "remoteEndpoint": {"serviceName": "redis:6379"},
            "tags": {
                "server.address": "redis:6379",
                "error.type": "UNKNOWN",
                "error": "UNKNOWN",
                "url.path": "/user/7",
            },
        },
    ]


def test_many_spans_go_in_batches_before_their_time(http_collector: Collector) -> None:
    queue = start(http_collector.address)
    for _ in range(600):
        add(queue)
    eventually(lambda: len(http_collector.spans) >= 512)
    queue.stop()
    assert len(http_collector.spans) == 600


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_collector_that_is_busy_is_asked_again(
    http_collector: Collector, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_RETRIES", (0.01, 0.01))
    monkeypatch.setattr(module, "_DELAY", 0.01)
    http_collector.failures = [status, status]
    queue = start(http_collector.address)
    add(queue)
    eventually(lambda: http_collector.spans)
    queue.stop()
    assert [record.getMessage() for record in caplog.records] == [
        f"the collector of traces takes none: it answered {status} " + REASONS[status],
        "the collector of traces takes them again; 0 spans were dropped",
    ]


REASONS = {429: "Too Many Requests", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


def test_a_collector_that_closes_idle_connections(
    http_collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_DELAY", 0.01)
    http_collector.hangs_up = True
    queue = start(http_collector.address)
    for number in range(1, 4):
        add(queue)
        eventually(lambda number=number: len(http_collector.spans) == number)  # type: ignore[misc]
    queue.stop()
    assert not caplog.records


def test_a_collector_that_refuses_is_not_asked_again(
    http_collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_DELAY", 0.01)
    http_collector.failures = [400, 403]
    queue = start(http_collector.address)
    for taken in range(3):
        add(queue)
        while len(http_collector.paths) == taken:
            time.sleep(0.005)
    queue.stop()
    assert len(http_collector.spans) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "the collector of traces takes none: it answered 400 Bad Request",
        "the collector of traces takes them again; 2 spans were dropped",
    ]


def test_a_collector_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
    queue = start(address)
    add(queue)
    queue.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "the collector of traces takes none: connection refused",
        "1 spans were dropped",
    ]


def test_spans_that_find_no_room_are_dropped_and_counted(
    http_collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_MAX_WAITING", 1000)
    http_collector.open.clear()
    queue = start(http_collector.address)
    for _ in range(5000):
        add(queue)
    http_collector.open.set()
    queue.stop()
    (record,) = caplog.records
    dropped = 5000 - len(http_collector.spans)
    assert dropped >= 3000
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith(f"; {dropped} spans were dropped")


def test_text_that_is_no_unicode(http_collector: Collector) -> None:
    queue = start(http_collector.address)
    add(queue, path="\udc80")
    add(queue)
    queue.stop()
    first, second = http_collector.spans
    assert (attributes(first)["url.path"], attributes(second)["url.path"]) == ("?", "/user/7")


def test_long_texts(http_collector: Collector) -> None:
    queue = start(http_collector.address)
    lengths = [0, 1, 60, 120, 127, 128, 200, 16_383, 16_384, 100_000]
    for length in lengths:
        add(queue, path="x" * length)
    queue.stop()
    assert [len(str(attributes(span)["url.path"])) for span in http_collector.spans] == lengths


@pytest.mark.parametrize(
    ("batcher", "endpoint", "path"),
    [
        ("otlphttp", "http://{}", "/v1/traces"),
        ("otlphttp", "http://{}/", "/v1/traces"),
        ("otlphttp", "http://{}/otlp/v1/traces", "/otlp/v1/traces"),
    ],
)
def test_the_endpoint_may_be_a_url(http_collector: Collector, batcher: str, endpoint: str, path: str) -> None:
    queue = start(endpoint.format(http_collector.address), batcher)
    add(queue)
    queue.stop()
    assert http_collector.paths == [path]


def test_the_path_may_be_configured(http_collector: Collector) -> None:
    queue = start(http_collector.address, otlp_http_path="/traces")
    add(queue)
    queue.stop()
    assert http_collector.paths == ["/traces"]


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("jaeger:14268", "Jaeger's old protocol; it takes OTLP on port 4317"),
        ("http://jaeger:14268/api/traces", "Jaeger's old protocol; it takes OTLP on port 4317"),
        ("udp://jaeger:6831", "expected an address such as `collector:4318`"),
        ("collector:port", "expected an address"),
        (":4318", "expected an address"),
        ("[::1", "expected an address"),
        ("https://me:secret@collector:4318", "it takes neither a user nor .* is one of `OtlpHeaders`"),
        ("collector:4318/v1/traces?key=secret", "it takes neither a user nor "),
    ],
)
def test_endpoints_that_are_none(endpoint: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=rf"^Telemetry\.Endpoint: .*{message}") as refused:
        start(endpoint)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("headers", [{"x-key": "secret\n"}, {"x-key": "s\xe9cret"}, {"x key": "secret"}])
def test_headers_that_are_none(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidValue, match=r"^Telemetry\.OtlpHeaders\.x.key: ") as refused:
        start("collector:4318", otlp_headers=headers)
    assert "cret" not in str(refused.value)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"^Telemetry\.Endpoint: .* cannot be written: is a directory$"):
        start(str(tmp_path), "file")


@pytest.mark.parametrize("telemetry", [TelemetryConf(), TelemetryConf(endpoint="collector", disabled=True)])
def test_nothing_is_started_without_a_collector(telemetry: TelemetryConf) -> None:
    assert observability.start_tracer(ServiceConf(name="test", telemetry=telemetry)) is None
