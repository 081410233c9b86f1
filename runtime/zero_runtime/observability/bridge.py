"""Spans that the code of a service begins by OpenTelemetry's API: they become parts of Zero's traces.

If that code has set up a provider of its own, such as the SDK's, its spans go where that one sends them, as
children of Zero's. Otherwise they are sent with Zero's. Either way, what Zero calls within such a span has
it as its parent.

This module is loaded only where OpenTelemetry's API is, so that nobody else pays for it.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry import context as contexts
from opentelemetry import trace as api
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2 as proto
from opentelemetry.util._decorator import _agnosticcontextmanager as contextmanager  # as the SDK does
from opentelemetry.util.types import Attributes

from zero_runtime.observability.spans import SpanQueue
from zero_runtime.observability.trace import Sampler, Span, current_span

_MOST = 128
"""Attributes, events and links that a span has at most; OpenTelemetry's number."""

_KINDS = {
    api.SpanKind.INTERNAL: proto.Span.SPAN_KIND_INTERNAL,
    api.SpanKind.SERVER: proto.Span.SPAN_KIND_SERVER,
    api.SpanKind.CLIENT: proto.Span.SPAN_KIND_CLIENT,
    api.SpanKind.PRODUCER: proto.Span.SPAN_KIND_PRODUCER,
    api.SpanKind.CONSUMER: proto.Span.SPAN_KIND_CONSUMER,
}

_STATUSES = {
    api.StatusCode.OK: proto.Status.STATUS_CODE_OK,
    api.StatusCode.ERROR: proto.Status.STATUS_CODE_ERROR,
}

Links = Sequence[api.Link] | None


class Bridge:
    """What `trace` asks of the other side."""

    def enter(self, span: Span) -> None:
        """The running task serves this span from now on: OpenTelemetry's current span is that one."""
        around = api.NonRecordingSpan(_context_of(span))
        contexts.attach(api.set_span_in_context(around, contexts.Context()))

    def current(self) -> Span | None:
        """The innermost span, whoever has begun it."""
        served = current_span.get()
        context = api.get_current_span().get_span_context()
        if not context.is_valid or (served is not None and int(served.span_id, 16) == context.span_id):
            return served
        return _span_of(context)


def install(sampler: Sampler, spans: SpanQueue | None) -> Bridge:
    """Sends what is begun by the API to ``spans``, if nobody else has said where it goes."""
    if spans is not None and isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
        api.set_tracer_provider(Provider(sampler, spans))
    return Bridge()


class Provider(api.TracerProvider):
    """Makes tracers whose spans are sent with Zero's."""

    def __init__(self, sampler: Sampler, spans: SpanQueue) -> None:
        self._sampler = sampler
        self._spans = spans

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> api.Tracer:
        return Tracer(self._sampler, self._spans, instrumenting_module_name)


class Tracer(api.Tracer):
    """Begins spans."""

    def __init__(self, sampler: Sampler, spans: SpanQueue, scope: str) -> None:
        self._sampler = sampler
        self._spans = spans
        self._scope = scope

    def start_span(
        self,
        name: str,
        context: contexts.Context | None = None,
        kind: api.SpanKind = api.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Links = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> api.Span:
        around = api.get_current_span(context).get_span_context()
        parent = _span_of(around) if around.is_valid else None if context is not None else current_span.get()
        own = self._sampler.begin() if parent is None else self._sampler.child(parent)
        if not own.sampled:
            return api.NonRecordingSpan(_context_of(own))
        span = RecordingSpan(own, self._spans, name, kind, start_time)
        span.set_attributes({"otel.scope.name": self._scope, **(attributes or {})})
        for link in links or ():
            span.add_link(link.context, link.attributes)
        return span

    @contextmanager
    def start_as_current_span(
        self,
        name: str,
        context: contexts.Context | None = None,
        kind: api.SpanKind = api.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Links = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[api.Span]:
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with api.use_span(span, end_on_exit, record_exception, set_status_on_exception) as used:
            yield used


class RecordingSpan(api.Span):
    """A span that is sent when it ends."""

    def __init__(
        self, span: Span, spans: SpanQueue, name: str, kind: api.SpanKind, start: int | None
    ) -> None:
        self._context = _context_of(span)
        self._spans = spans
        self._attributes: dict[str, object] = {}
        self._ended = False
        self._message = proto.Span(
            trace_id=bytes.fromhex(span.trace_id),
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent),
            trace_state=span.tracestate,
            name=name,
            kind=_KINDS[kind],
            start_time_unix_nano=time.time_ns() if start is None else start,
        )

    def get_span_context(self) -> api.SpanContext:
        return self._context

    def is_recording(self) -> bool:
        return not self._ended

    def end(self, end_time: int | None = None) -> None:
        if not self._ended:
            self._ended = True
            self._message.end_time_unix_nano = time.time_ns() if end_time is None else end_time
            self._message.attributes.extend(_key_values(self._attributes))
            self._spans.add_message(self._message.SerializeToString())

    def set_attribute(self, key: str, value: object) -> None:
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, object]) -> None:
        for key, value in attributes.items():
            if key in self._attributes or len(self._attributes) < _MOST:
                self._attributes[key] = value

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        if not self._ended and len(self._message.events) < _MOST:
            self._message.events.add(
                name=name,
                time_unix_nano=time.time_ns() if timestamp is None else timestamp,
                attributes=_key_values(attributes or {}),
            )

    def add_link(self, context: api.SpanContext, attributes: Attributes = None) -> None:
        if not self._ended and len(self._message.links) < _MOST:
            self._message.links.add(
                trace_id=context.trace_id.to_bytes(16, "big"),
                span_id=context.span_id.to_bytes(8, "big"),
                attributes=_key_values(attributes or {}),
            )

    def update_name(self, name: str) -> None:
        if not self._ended:
            self._message.name = name

    def set_status(self, status: api.Status | api.StatusCode, description: str | None = None) -> None:
        if self._ended or self._message.status.code == proto.Status.STATUS_CODE_OK:
            return
        if isinstance(status, api.Status):
            code, description = status.status_code, status.description
        else:
            code = status
        if code is not api.StatusCode.UNSET:
            self._message.status.code = _STATUSES[code]
            self._message.status.message = description or ""

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        told = {
            "exception.type": f"{type(exception).__module__}.{type(exception).__qualname__}",
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
        }
        self.add_event("exception", {**told, **(attributes or {})}, timestamp)


def _context_of(span: Span) -> api.SpanContext:
    return api.SpanContext(
        int(span.trace_id, 16),
        int(span.span_id, 16),
        False,
        api.TraceFlags(span.sampled),
        api.TraceState.from_header([span.tracestate]) if span.tracestate else None,
    )


def _span_of(context: api.SpanContext) -> Span:
    flags = f"{context.trace_flags & 1:02x}"
    traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags}"
    return Span(traceparent.encode(), bool(context.trace_flags & 1), "", context.trace_state.to_header())


def _key_values(attributes: Mapping[str, object]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes.items()]


def _value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list | tuple):
        return AnyValue(array_value=ArrayValue(values=map(_value, value)))
    return AnyValue(string_value=str(value).encode(errors="replace").decode())
