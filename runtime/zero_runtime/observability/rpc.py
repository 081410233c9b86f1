"""What is observed of gRPC calls on either side: a span, metrics and a line of the log each, as far as they
are on.

The names of the metrics, their labels and buckets are go-zero's. Of streams no durations are counted, and
none is slow: how long they last is up to those who hold them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zero_runtime.errors import Code
from zero_runtime.observability.access import AccessLine, AccessLog
from zero_runtime.observability.metrics import Counter, Family, Metrics
from zero_runtime.observability.output import Deferred, Output
from zero_runtime.observability.trace import Kind, Operation, Sampler, Span, current

if TYPE_CHECKING:
    from zero_runtime.observability.spans import SpanQueue

BUCKETS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Upper bounds in milliseconds; go-zero's."""


def _durations(side: str) -> Family:
    what = "How long calls of methods without streams took, in milliseconds."
    return Family(f"rpc_{side}_requests_duration_ms", what, ("method",), BUCKETS)


def _codes(side: str) -> Family:
    what = "Calls by the number of the status that they ended with."
    return Family(f"rpc_{side}_requests_code_total", what, ("method", "code"))


DURATIONS = {Kind.SERVER: _durations("server"), Kind.CLIENT: _durations("client")}
CODES = {Kind.SERVER: _codes("server"), Kind.CLIENT: _codes("client")}

_SERVER_FAILURES = frozenset(
    (
        Code.UNKNOWN,
        Code.DEADLINE_EXCEEDED,
        Code.UNIMPLEMENTED,
        Code.INTERNAL,
        Code.UNAVAILABLE,
        Code.DATA_LOSS,
    )
)
"""With which a span of a server has failed, as OpenTelemetry has it; the others are its callers' doing."""

_TRACEPARENT = "traceparent"
_TRACESTATE = "tracestate"


class RpcObserver:
    """Observes the calls of a server, or those that a client makes, as far as its parts are given."""

    def __init__(
        self,
        side: Kind,
        *,
        sampler: Sampler | None = None,
        spans: SpanQueue | None = None,
        metrics: Metrics | None = None,
        log: AccessLog | None = None,
        output: Output | None = None,
        slow: float = 0.5,
        target: str = "",
    ) -> None:
        """``slow`` is from how many seconds on a call counts as slow, ``target`` who is called. With an
        ``output``, what is told of a call is put together there, a little later."""
        self.side = side
        self.sampler = sampler
        self.spans = spans
        self.metrics = metrics
        self.log = log
        self.output = output
        self.slow = slow
        self.target = target

    def method(self, path: str, *, streams: bool = False) -> MethodObserver:
        """Observes the calls of one method, ``/user.User/Login``. Make it once, not per call."""
        return MethodObserver(self, path, streams=streams)


class MethodObserver:
    """Observes the calls of one method."""

    __slots__ = (
        "_codes",
        "_duration",
        "_log",
        "_metrics",
        "_operations",
        "_path",
        "_sampler",
        "_side",
        "_slow",
        "_spans",
        "_target",
        "output",
    )

    def __init__(self, observer: RpcObserver, path: str, *, streams: bool) -> None:
        self._path = path
        self._side = observer.side
        self._target = observer.target
        self._slow = float("inf") if streams else observer.slow
        self._sampler = observer.sampler
        self._spans = observer.spans
        self._metrics = metrics = observer.metrics
        self._duration = None
        if metrics is not None and not streams:
            self._duration = metrics.histogram(DURATIONS[observer.side], path)
        self._codes: dict[Code, Counter] = {}
        self._log = observer.log
        self._operations: dict[Code, Operation] = {}
        self.output = observer.output

    def begin(self, metadata: Sequence[tuple[str, str | bytes]] = (), peer: str = "") -> Observed:
        """A call begins: one that has come with this metadata, or one that is made for the call being
        served."""
        start = time.perf_counter()
        sampler = self._sampler
        if sampler is None:
            return Observed(self, start, peer)
        if self._side is Kind.CLIENT:
            served = current()
            span = sampler.begin() if served is None else sampler.child(served)
        else:
            span = _resumed(sampler, metadata)
        return Observed(self, start, peer, span)

    def tell(self, observed: Observed) -> AccessLine | None:
        """Tells what is to be told of a finished call, except for its line in the log: that is returned."""
        code, span = observed.code, observed.span
        seconds, end = observed.seconds, observed.ended
        if self._metrics is not None:
            if self._duration is not None:
                self._duration.add(seconds * 1000)
            counter = self._codes.get(code)
            if counter is None:
                counter = self._metrics.counter(CODES[self._side], self._path, str(code.value))
                self._codes[code] = counter
            counter.add()
        peer = observed.peer.rpartition(":")[0].strip("[]")
        if self._spans is not None and span is not None and span.sampled:
            attributes = (("client.address", peer),) if peer else ()
            operation = self._operations.get(code) or self._operation(code)
            self._spans.add(operation, span, end - seconds, end, attributes)
        if self._log is None:
            return None
        slow = seconds > self._slow
        content = f"slow: {self._path}" if slow else self._path
        if self._side is Kind.CLIENT:
            if observed.refused or not (slow or code in _SERVER_FAILURES):
                return None
            slow = True
            content = f"{content} of {self._target}"
            if code is not Code.OK:
                content = f"{content} failed: {observed.message or code.name}"
        return self._log.line(content, observed, peer or None, slow=slow, code=code.name)

    def _operation(self, code: Code) -> Operation:
        """What spans of this method say alike."""
        service, _, method = self._path[1:].partition("/")
        attributes: list[tuple[str, str | int]] = [
            ("rpc.system", "grpc"),
            ("rpc.service", service),
            ("rpc.method", method),
            ("rpc.grpc.status_code", code.value),
        ]
        if self._side is Kind.CLIENT:
            attributes.append(("server.address", self._target))
            failed = code is not Code.OK
        else:
            failed = code in _SERVER_FAILURES
        operation = self._operations[code] = Operation(self._path[1:], self._side, attributes, failed=failed)
        return operation


class Observed(Deferred, gc=False):
    """One call that is observed, until its `end`."""

    method: MethodObserver
    start: float
    peer: str
    span: Span | None = None
    code: Code = Code.OK
    message: str = ""
    refused: bool = False
    seconds: float = 0
    """How long it took."""
    ended: float = 0
    """When it ended, in seconds since the epoch."""

    @property
    def carried(self) -> tuple[tuple[str, str], ...]:
        """The metadata that carries the trace to the server."""
        span = self.span
        if span is None:
            return ()
        if not span.tracestate:
            return ((_TRACEPARENT, span.traceparent.decode()),)
        return (_TRACEPARENT, span.traceparent.decode()), (_TRACESTATE, span.tracestate)

    def end(self, code: Code, message: str = "", *, refused: bool = False) -> None:
        """The call has ended with this status. Call it once.

        ``refused`` is for calls that a client has not even made: a breaker that is open would flood the log.
        """
        self.seconds = time.perf_counter() - self.start
        self.ended = time.time()
        self.code = code
        self.message = message
        self.refused = refused
        output = self.method.output
        if output is not None:
            output.write(self)
        elif line := self.method.tell(self):
            line.log()

    def line(self) -> AccessLine | None:
        return self.method.tell(self)


def _resumed(sampler: Sampler, metadata: Sequence[tuple[str, str | bytes]]) -> Span:
    """A span of the trace that a caller's metadata tells of."""
    traceparent = tracestate = ""
    for name, value in metadata:
        if name == _TRACEPARENT and isinstance(value, str):
            traceparent = value
        elif name == _TRACESTATE and isinstance(value, str):
            tracestate = value
    if not traceparent:
        return sampler.begin()
    return sampler.resume(traceparent.encode(), tracestate.encode())
