"""Collectors of traces, real ones and one in this process, that tests ask alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.collector import collector
from zero_runtime.observability.conftest import Collector, attributes, http_collector

__all__ = ["http_collector"]

KINDS = {2: "server", 3: "client"}


@dataclass(frozen=True)
class Told:
    """What a collector knows of a span."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, object]


@dataclass(frozen=True)
class Target:
    """A collector: what services are told of it, and what it was told by them."""

    batcher: str
    endpoint: str
    spans: Callable[[], list[Told]]

    @property
    def environment(self) -> dict[str, str]:
        return {"ZERO_TELEMETRY__BATCHER": self.batcher, "ZERO_TELEMETRY__ENDPOINT": self.endpoint}

    def trace(self, trace_id: str, count: int) -> list[Told]:
        """The spans of a trace, as soon as there are ``count`` of them."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [span for span in self.spans() if span.trace_id == trace_id]
            if len(found) >= count:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{len(found)} of {count} spans: {found}")


@pytest.fixture(params=["in process", "otlpgrpc", "otlphttp", "zipkin"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """The collector of the unit tests, and OpenTelemetry's in every way that it can be spoken to."""
    if request.param == "in process":
        own: Collector = request.getfixturevalue("http_collector")
        yield Target("otlphttp", own.address, lambda: _own_spans(own))
        return
    with collector(tmp_path) as real:
        address = {"otlpgrpc": real.grpc, "otlphttp": real.http, "zipkin": real.zipkin}[request.param]

        def spans() -> list[Told]:
            return [
                Told(
                    span["service"],
                    span["name"],
                    KINDS.get(span["kind"], ""),
                    span["traceId"],
                    span["spanId"],
                    span.get("parentSpanId", ""),
                    span["attributes"],
                )
                for span in real.spans()
            ]

        yield Target(request.param, address, spans)


def _own_spans(collector: Collector) -> list[Told]:
    return [
        Told(
            str(attributes(resource.resource)["service.name"]),
            span.name,
            KINDS.get(span.kind, ""),
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            attributes(span),
        )
        for request in collector.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
