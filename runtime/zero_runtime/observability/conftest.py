from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from zero_runtime import logs
from zero_runtime.config import LogConf, TelemetryConf
from zero_runtime.observability import metrics, process, trace

Lines = Callable[[], list[dict[str, Any]]]


class Collector:
    """What a collector of traces was sent."""

    def __init__(self) -> None:
        self.address = ""
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.failures: list[Any] = []
        """The statuses that the next batches are refused with."""
        self.open = threading.Event()
        """Batches wait until it is set."""
        self.open.set()
        self.hangs_up = False
        """Whether the connection is closed after each batch, without a word."""
        self.requests: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> list[Span]:
        """All spans that were taken."""
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def attributes(message: Any) -> dict[str, object]:
    """The attributes of a span or a resource."""
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in message.attributes}


def telemetry(collector: Collector, sampler: float = 1.0) -> TelemetryConf:
    return TelemetryConf(endpoint=collector.address, batcher="otlphttp", sampler=sampler)


@pytest.fixture
def http_collector() -> Iterator[Collector]:
    """A collector that speaks OTLP over HTTP."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.open.wait()
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.paths.append(self.path)
            status = collector.failures.pop(0) if collector.failures else 200
            if status == 200:
                collector.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()
            self.close_connection = collector.hangs_up

        def log_message(self, *_: object) -> None:
            """Nothing: stderr is the test's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield collector
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def grpc_collector() -> Iterator[Collector]:
    """A collector that speaks OTLP over gRPC."""
    collector = Collector()

    def export(
        request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        collector.headers.append({str(key): str(value) for key, value in context.invocation_metadata()})
        if collector.failures:
            context.abort(collector.failures.pop(0), "not now")
        collector.requests.append(request)
        return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(1))
    method = grpc.unary_unary_rpc_method_handler(
        export,
        request_deserializer=ExportTraceServiceRequest.FromString,
        response_serializer=ExportTraceServiceResponse.SerializeToString,
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    collector.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield collector
    server.stop(0).wait()


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test starts in this process and attaches it to ends with the test."""
    monkeypatch.setattr(metrics, "_attached", None)
    monkeypatch.setattr(process, "_service", None)
    monkeypatch.setattr(process, "_spans", None)
    monkeypatch.setattr(trace, "others", None)
    yield
    if process._spans is not None:
        process._spans.stop()


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """Logs JSON as services do; gives what was logged since the last call."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    root.handlers = []

    def read() -> list[dict[str, Any]]:
        logs.flush()
        found = map(json.loads, capfd.readouterr().out.splitlines())
        return [line for line in found if line["logger"] != "httpx"]

    logs.configure(LogConf(), "user-api")
    yield read
    for handler in root.handlers:
        handler.close()
    root.handlers, level = before
    root.setLevel(level)
    logging.captureWarnings(False)
