"""Spans on their way to a collector: encoded at once, sent in batches by a thread.

In protobuf, messages that are written one after the other are one message with the fields of all. So what
spans have in common is encoded once, and a batch is put together from bytes: a fifth of what message objects
cost.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
from binascii import a2b_hex
from collections import deque
from collections.abc import Iterable
from functools import lru_cache

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from zero_runtime.observability import output
from zero_runtime.observability.exporters import Exporter, ExportError
from zero_runtime.observability.metrics import Family, counter
from zero_runtime.observability.trace import Attributes, Kind, Operation
from zero_runtime.observability.trace import Span as TraceSpan

_BATCH = 512
_DELAY = 5.0
"""Seconds after which a smaller batch is sent too. Both numbers are those of OpenTelemetry's own."""

_MAX_WAITING = 8192
"""Spans that wait, some 2 megabytes; further ones are dropped and counted."""

_RETRIES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a batch is sent again; then it is dropped."""

_STOP = 5.0
"""Seconds that the last batches may take when the service stops."""

_RESOURCE_SPANS = ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER
_SCOPE_SPANS = ResourceSpans.SCOPE_SPANS_FIELD_NUMBER
_SPANS = ScopeSpans.SPANS_FIELD_NUMBER
_KINDS = {
    Kind.SERVER: Span.SPAN_KIND_SERVER,
    Kind.CLIENT: Span.SPAN_KIND_CLIENT,
    Kind.INTERNAL: Span.SPAN_KIND_INTERNAL,
}

DROPPED = Family("zero_spans_dropped_total", "Spans that no collector has got.")

_log = logging.getLogger("zero.telemetry")


class SpanQueue:
    """Sends the spans of a service. Has a thread, so it is made after the process was forked."""

    def __init__(self, exporter: Exporter, service: str) -> None:
        self._exporter = exporter
        attributes = (
            ("service.name", service),
            ("host.name", socket.gethostname()),
            ("process.pid", os.getpid()),
        )
        resource = Resource(attributes=_key_values(attributes))
        self._resource = ResourceSpans(resource=resource).SerializeToString()
        self._scope = ScopeSpans(scope=InstrumentationScope(name="zero")).SerializeToString()
        self._constants: dict[Operation, bytes] = {}
        self._waiting: deque[bytes] = deque()
        self._dropped = 0
        self._lost = counter(DROPPED)
        self._failing = False
        self._work = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="span-export", daemon=True)
        self._thread.start()

    def add(
        self, operation: Operation, span: TraceSpan, start: float, end: float, attributes: Attributes = ()
    ) -> None:
        """Takes a span that has ended, unless too many wait already. Times are in seconds since the epoch.

        Never blocks.
        """
        waiting = self._waiting
        if len(waiting) >= _MAX_WAITING:
            self._drop(1)
            return
        waiting.append(self._encoded(operation, span, start, end, attributes))
        if len(waiting) >= _BATCH and not self._work.is_set():
            self._work.set()

    def add_message(self, span: bytes) -> None:
        """Takes one that is encoded already."""
        waiting = self._waiting
        if len(waiting) >= _MAX_WAITING:
            self._drop(1)
            return
        waiting.append(_head(_SPANS, len(span)) + span)
        if len(waiting) >= _BATCH and not self._work.is_set():
            self._work.set()

    def _drop(self, spans: int) -> None:
        self._dropped += spans
        self._lost.add(spans)

    def stop(self) -> None:
        """Sends what waits, for a few seconds at most. Blocks."""
        output.prepare()  # spans are made of what waits there
        self._stopping.set()
        self._work.set()
        self._thread.join(_STOP)

    def _run(self) -> None:
        last = False
        while not last:
            self._work.wait(_DELAY)
            self._work.clear()
            last = self._stopping.is_set()
            while self._waiting:
                spans = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]
                self._send(self._request(spans), len(spans))
        if self._dropped:
            _log.warning("%d spans were dropped", self._dropped)
        self._exporter.close()

    def _send(self, request: bytes, spans: int) -> None:
        for delay in (*_RETRIES, None):
            try:
                self._exporter.export(request)
            except ExportError as error:
                self._tell_of_failure(error)
                if error.final or delay is None or self._stopping.wait(delay):
                    self._drop(spans)
                    return
            else:
                self._tell_of_success()
                return

    def _tell_of_failure(self, error: ExportError) -> None:
        if not self._failing:
            self._failing = True
            _log.warning("the collector of traces takes none: %s", error)

    def _tell_of_success(self) -> None:
        if self._failing or self._dropped:
            dropped, self._dropped, self._failing = self._dropped, 0, False
            _log.warning("the collector of traces takes them again; %d spans were dropped", dropped)

    def _encoded(
        self, operation: Operation, span: TraceSpan, start: float, end: float, attributes: Attributes
    ) -> bytes:
        trace_id, span_id = a2b_hex(span.traceparent[3:35]), a2b_hex(span.traceparent[36:52])
        times = int(start * 1e9), int(end * 1e9)
        constant = self._constants.get(operation)
        if constant is None:
            constant = self._constants[operation] = _constant(operation)
        encoded = (
            _OWN.pack(_TRACE_ID, trace_id, _SPAN_ID, span_id, _START, times[0], _END, times[1]) + constant
        )
        for key, value in attributes:
            encoded += _attribute(key, value)
        if span.parent:
            caller = Span(parent_span_id=bytes.fromhex(span.parent), trace_state=span.tracestate)
            encoded += caller.SerializeToString()
        return _head(_SPANS, len(encoded)) + encoded

    def _request(self, spans: Iterable[bytes]) -> bytes:
        """An ``ExportTraceServiceRequest``."""
        scope = b"".join((self._scope, *spans))
        resource = self._resource + _head(_SCOPE_SPANS, len(scope)) + scope
        return _head(_RESOURCE_SPANS, len(resource)) + resource


def _constant(operation: Operation) -> bytes:
    """What all spans of an operation say."""
    return Span(
        name=operation.name,
        kind=_KINDS[operation.kind],
        attributes=_key_values(operation.attributes),
        status=Status(code=Status.STATUS_CODE_ERROR) if operation.failed else None,
    ).SerializeToString()


@lru_cache(maxsize=1024)
def _attribute(key: str, value: str | int) -> bytes:
    """A span that has this attribute and nothing else."""
    return Span(attributes=_key_values([(key, value)])).SerializeToString()


def _key_values(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in attributes]


def _value(value: str | int) -> AnyValue:
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(string_value=value.encode(errors="replace").decode())  # a path may be no Unicode


@lru_cache(maxsize=1024)
def _head(field: int, size: int) -> bytes:
    """What precedes ``size`` bytes of a message that is a field of another one, or any other text."""
    head = bytearray((field << 3 | 2,))
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    head.append(size)
    return bytes(head)


_OWN = struct.Struct("<2s16s2s8scQcQ")
"""What no other span says: its ids, begin and end, each after its head; numbers have no length there."""

_TRACE_ID = _head(Span.TRACE_ID_FIELD_NUMBER, 16)
_SPAN_ID = _head(Span.SPAN_ID_FIELD_NUMBER, 8)
_START = bytes((Span.START_TIME_UNIX_NANO_FIELD_NUMBER << 3 | 1,))
_END = bytes((Span.END_TIME_UNIX_NANO_FIELD_NUMBER << 3 | 1,))
