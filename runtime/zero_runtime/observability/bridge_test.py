"""What the code of a service does by OpenTelemetry's API, beside what Zero does."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry import trace as api
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from zero_runtime import observability
from zero_runtime.config import ServiceConf
from zero_runtime.errors import Code
from zero_runtime.observability import trace
from zero_runtime.observability.bridge import Bridge, Provider
from zero_runtime.observability.conftest import Collector, attributes, telemetry
from zero_runtime.observability.http import HttpObserver
from zero_runtime.observability.spans import SpanQueue
from zero_runtime.observability.sql import SqlObserver
from zero_runtime.observability.trace import Sampler, current, enter, trace_headers
from zero_runtime.rest import Request


@pytest.fixture
def queue(http_collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpanQueue]:
    queue = observability.start_tracer(ServiceConf(name="user", telemetry=telemetry(http_collector)))
    assert queue is not None
    monkeypatch.setattr(trace, "others", Bridge())
    yield queue


@pytest.fixture
def tracer(queue: SpanQueue) -> api.Tracer:
    return Provider(Sampler(1.0), queue).get_tracer("shop.logic")


def sent(queue: SpanQueue, collector: Collector) -> dict[str, Sent]:
    queue.stop()
    return {span.name: span for span in collector.spans}


def in_context(work: Callable[[], None]) -> None:
    """As a request has a context of its own."""
    contextvars.copy_context().run(work)


def test_spans_nest_in_the_one_that_is_served(
    queue: SpanQueue, tracer: api.Tracer, http_collector: Collector
) -> None:
    served = Sampler(1.0).resume(f"00-{'a' * 32}-{'b' * 16}-01".encode(), b"vendor=1")

    def request() -> None:
        enter(served)
        assert api.get_current_span().get_span_context().span_id == int(served.span_id, 16)
        assert current() is served
        with tracer.start_as_current_span("outer", attributes={"n": 1}) as outer:
            with tracer.start_as_current_span("inner"):
                headers = trace_headers()
            outer.set_attribute("flag", True)
        assert current() is served
        assert headers["traceparent"].startswith(f"00-{'a' * 32}-") and headers["tracestate"] == "vendor=1"
        assert headers["traceparent"][36:52] != served.span_id

    in_context(request)
    spans = sent(queue, http_collector)
    assert spans["outer"].parent_span_id.hex() == served.span_id
    assert spans["inner"].parent_span_id == spans["outer"].span_id
    assert {span.trace_id.hex() for span in spans.values()} == {"a" * 32}
    assert attributes(spans["outer"]) == {"otel.scope.name": "shop.logic", "n": 1, "flag": True}
    assert spans["outer"].trace_state == "vendor=1"


def test_what_zero_calls_is_a_child_of_the_innermost_span(
    queue: SpanQueue, tracer: api.Tracer, http_collector: Collector
) -> None:
    observer = SqlObserver("sqlite", "sqlite://", sampler=Sampler(1.0), spans=queue)

    def request() -> None:
        enter(Sampler(1.0).begin())
        with tracer.start_as_current_span("work"):
            observer.end("user.find_one", 0.001, 0.0, Code.OK)

    in_context(request)
    spans = sent(queue, http_collector)
    assert spans["user.find_one"].parent_span_id == spans["work"].span_id


def test_requests_are_entered(queue: SpanQueue, tracer: api.Tracer, http_collector: Collector) -> None:
    route = HttpObserver(sampler=Sampler(1.0), spans=queue).route("GET", "/price")

    def request() -> None:
        observed = route.begin(Request("GET", "/price"))
        with tracer.start_as_current_span("price"):
            pass
        observed.end(200)

    in_context(request)
    in_context(request)
    queue.stop()
    inner, served, *_ = http_collector.spans
    assert (inner.name, served.name) == ("price", "/price")
    assert inner.parent_span_id == served.span_id
    assert len({span.trace_id for span in http_collector.spans}) == 2


def test_everything_that_a_span_may_say(
    queue: SpanQueue, tracer: api.Tracer, http_collector: Collector
) -> None:
    elsewhere = api.SpanContext(1, 2, True)
    with (
        pytest.raises(ValueError, match="no"),
        tracer.start_as_current_span(
            "before", kind=api.SpanKind.PRODUCER, links=[api.Link(elsewhere, {"why": "x"})]
        ) as span,
    ):
        span.update_name("after")
        span.add_event("found", {"rows": 2}, timestamp=17)
        span.set_attributes({"ratio": 0.5, "names": ["a", "b"], "text": "\udc80", "big": 1 << 70})
        raise ValueError("no")
    span.set_attribute("late", 1)
    span.end()
    told = sent(queue, http_collector)["after"]
    assert (told.kind, told.status.code) == (Sent.SPAN_KIND_PRODUCER, Status.STATUS_CODE_ERROR)
    assert told.status.message == "ValueError: no"
    found, exception = told.events
    assert (found.name, found.time_unix_nano, attributes(found)) == ("found", 17, {"rows": 2})
    assert attributes(exception)["exception.type"] == "builtins.ValueError"
    assert "in test_everything" in str(attributes(exception)["exception.stacktrace"])
    assert (told.links[0].trace_id.hex(), told.links[0].span_id.hex()) == (f"{1:032x}", f"{2:016x}")
    values = attributes(told)
    assert (values["ratio"], values["text"], values["big"]) == (0.5, "?", str(1 << 70))
    assert [each.string_value for each in values["names"].values] == ["a", "b"]  # type: ignore[attr-defined]
    assert "late" not in values
    assert told.end_time_unix_nano >= told.start_time_unix_nano


def test_spans_of_a_trace_that_is_not_sent(
    queue: SpanQueue, tracer: api.Tracer, http_collector: Collector
) -> None:
    def request() -> None:
        enter(Sampler(0.0).begin())
        with tracer.start_as_current_span("work") as span:
            assert not span.is_recording()
            assert trace_headers()["traceparent"].endswith("-00")

    in_context(request)
    assert sent(queue, http_collector) == {}


def test_coroutines_are_decorated_as_functions_are(
    queue: SpanQueue, tracer: api.Tracer, http_collector: Collector
) -> None:
    @tracer.start_as_current_span("decorated")
    async def work() -> None:
        with tracer.start_as_current_span("inside"):
            await asyncio.sleep(0)

    asyncio.run(work())
    spans = sent(queue, http_collector)
    assert spans["inside"].parent_span_id == spans["decorated"].span_id
    assert not spans["decorated"].parent_span_id


SERVICE = """
from opentelemetry import trace
{setup}
from zero_runtime import observability
from zero_runtime.config import ServiceConf, TelemetryConf
from zero_runtime.observability.trace import Sampler, enter

telemetry = TelemetryConf(endpoint="{address}", batcher="otlphttp")
queue = observability.start_tracer(ServiceConf(name="user", telemetry=telemetry))
span = Sampler(1.0).begin()
enter(span)
with trace.get_tracer("logic").start_as_current_span("work") as own:
    parent = getattr(own, "parent", None)
    own_trace = format(own.get_span_context().trace_id, "032x")
    print(span.trace_id, span.span_id, own_trace, parent and parent.span_id)
queue.stop()
"""

SDK = """
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
"""


@pytest.mark.parametrize("setup", ["", SDK], ids=["API", "SDK"])
def test_a_service_that_imports_it(setup: str, http_collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SERVICE.format(setup=setup, address=http_collector.address))
    told = subprocess.run(
        [sys.executable, "main.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    trace_id, span_id, own_trace, parent = told.stdout.split()
    assert own_trace == trace_id
    assert told.stderr == ""
    if setup:  # it is the service's own business where they go
        assert int(parent) == int(span_id, 16)
        assert not http_collector.spans
    else:
        assert [span.parent_span_id.hex() for span in http_collector.spans] == [span_id]
