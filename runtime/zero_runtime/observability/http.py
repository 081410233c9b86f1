"""What is observed of HTTP requests: a span, metrics and a line of the log each, as far as they are on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from zero_runtime.observability.access import AccessLine, AccessLog
from zero_runtime.observability.metrics import Family, Metrics
from zero_runtime.observability.output import Deferred, Output
from zero_runtime.observability.trace import Kind, Operation, Sampler, Span, enter

if TYPE_CHECKING:
    from zero_runtime.observability.spans import SpanQueue
    from zero_runtime.rest.message import Request

DURATIONS = Family(
    "http_server_requests_duration_ms",
    "How long requests took, in milliseconds.",
    labels=("path", "method", "code"),
    buckets=(5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 750.0, 1000.0),
    total=("http_server_requests_code_total", "Requests by the status that they were answered with."),
)
"""Names, labels and buckets are go-zero's."""

SLOW = 0.5
"""Seconds beyond which a request counts as slow; go-zero's number."""

SLOW_EVENTS = 180.0
"""The same for server-sent events."""

_PATH = 1024
"""Characters of a path that a span tells: a caller may send 64 KiB of them, and thousands of spans wait."""

_UNROUTED = "unrouted"
_OTHER = "_OTHER"
"""What OpenTelemetry calls the methods that it does not know."""

_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))


class HttpObserver:
    """Observes the requests of a service, as far as its parts are given."""

    def __init__(
        self,
        *,
        sampler: Sampler | None = None,
        untraced: frozenset[str] = frozenset(),
        spans: SpanQueue | None = None,
        metrics: Metrics | None = None,
        log: AccessLog | None = None,
        output: Output | None = None,
    ) -> None:
        """``untraced`` are the paths of routes without spans. With an ``output``, what is told of a request
        is put together there, a little later."""
        self.sampler = sampler
        self.untraced = untraced
        self.spans = spans
        self.metrics = metrics
        self.log = log
        self.output = output
        self.unrouted = RouteObserver(self, _METHODS, "", sse=False)
        """Observes the requests that no route answers."""

    def route(self, method: str, path: str, *, sse: bool = False) -> RouteObserver:
        """Observes the requests of one route. Make it when the routes are bound, not per request."""
        return RouteObserver(self, frozenset((method, "HEAD")), path, sse=sse)


class RouteObserver:
    """Observes the requests of one route; ``path`` is that of the route, empty for requests without one.

    ``methods`` are those that are told apart: what a caller may choose freely must not become a label.
    """

    __slots__ = (
        "_durations",
        "_fixed",
        "_log",
        "_methods",
        "_metrics",
        "_operations",
        "_path",
        "_sampler",
        "_slow",
        "_spans",
        "output",
    )

    def __init__(self, observer: HttpObserver, methods: frozenset[str], path: str, *, sse: bool) -> None:
        traced = path not in observer.untraced
        self._methods = methods
        self._path = path
        self._fixed = path != "" and ":" not in path
        self._slow = SLOW_EVENTS if sse else SLOW
        self._sampler = observer.sampler if traced else None
        self._spans = observer.spans if traced else None
        self._metrics = observer.metrics
        self._durations: dict[tuple[str, int], Callable[[float], None]] = {}
        self._log = observer.log
        self._operations: dict[tuple[str, int], Operation] = {}
        self.output = observer.output

    def begin(self, request: Request) -> Observed:
        """A request has come. Call it in the request's own context, as `enter` wants it."""
        start = time.perf_counter()
        sampler = self._sampler
        if sampler is None:
            return Observed(self, start, request.method, request.path, request.client)
        traceparent = request.header(b"traceparent")
        if traceparent is None:
            span = sampler.begin()
        else:
            span = sampler.resume(traceparent, request.header(b"tracestate") or b"")
        enter(span)
        return Observed(self, start, request.method, request.path, request.client, span, span.traceparent)

    def tell(self, observed: Observed) -> AccessLine | None:
        """Tells what is to be told of a finished request, except for its line in the log: that is
        returned."""
        method, status, span = observed.method, observed.status, observed.span
        if method not in self._methods:
            method = _OTHER
        seconds, end = observed.seconds, observed.ended
        if self._metrics is not None:
            add = self._durations.get((method, status))
            if add is None:
                histogram = self._metrics.histogram(DURATIONS, self._path or _UNROUTED, method, str(status))
                add = self._durations[method, status] = histogram.add
            add(seconds * 1000)
        if self._spans is not None and span is not None and span.sampled:
            attributes: list[tuple[str, str | int]] = []
            if not self._fixed:
                attributes.append(("url.path", observed.path[:_PATH]))
            if observed.client:
                attributes.append(("client.address", observed.client))
            operation = self._operations.get((method, status)) or self._operation(method, status)
            self._spans.add(operation, span, end - seconds, end, attributes)
        if self._log is None:
            return None
        slow = seconds > self._slow
        content = f"{observed.method} {observed.path}"
        return self._log.line(
            f"slow: {content}" if slow else content, observed, observed.client, slow=slow, status=status
        )

    def _operation(self, method: str, status: int) -> Operation:
        """What spans of this route say alike."""
        attributes: list[tuple[str, str | int]] = [
            ("http.request.method", method),
            ("http.response.status_code", status),
        ]
        if self._path:
            attributes.append(("http.route", self._path))
        operation = Operation(self._path or method, Kind.SERVER, attributes, failed=status >= 500)
        self._operations[method, status] = operation
        return operation


class Observed(Deferred, gc=False):
    """One request that is observed, until its `end`."""

    route: RouteObserver
    start: float
    method: str
    path: str
    client: str | None
    span: Span | None = None
    traceparent: bytes = b""
    """The header of that name for the response; empty when there are no traces."""
    status: int = 0
    seconds: float = 0
    """How long it took."""
    ended: float = 0
    """When it ended, in seconds since the epoch."""

    def end(self, status: int) -> None:
        """The request was answered. Call it once, after the last byte; with 499 when the client had left."""
        self.seconds = time.perf_counter() - self.start
        self.ended = time.time()
        self.status = status
        output = self.route.output
        if output is not None:
            output.write(self)
        elif line := self.route.tell(self):
            line.log()

    def line(self) -> AccessLine | None:
        return self.route.tell(self)
