"""What is observed of statements that a database is asked for: a span, metrics and a line of the log for
those that are slow, as far as they are on.

The names of the metrics and their buckets are go-zero's; ``command`` is the statement's name,
``user.find_one``. Values of statements are told nowhere.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from zero_runtime.errors import Code
from zero_runtime.observability.metrics import Counter, Family, Histogram, Metrics
from zero_runtime.observability.trace import Kind, Operation, Sampler, current

if TYPE_CHECKING:
    from zero_runtime.observability.spans import SpanQueue

_log = logging.getLogger("zero.model")

DURATIONS = Family(
    "sql_client_requests_duration_ms",
    "How long statements took, in milliseconds; without the time that they waited for a connection.",
    ("command",),
    (0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 5000, 10000, 15000),
)
ERRORS = Family(
    "sql_client_requests_error_total",
    "Statements that failed, by the name of the error's code.",
    ("command", "error"),
)
SLOWS = Family("sql_client_requests_slow_total", "Statements that were slow.", ("command",))

_FAULTS = frozenset((Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.INTERNAL, Code.UNAVAILABLE))
"""With which a span has failed: the others are answers, such as that a row is there already."""


class SqlObserver:
    """Observes the statements that one server is asked for."""

    def __init__(
        self,
        system: str,
        target: str,
        *,
        slow: float = float("inf"),
        metrics: Metrics | None = None,
        sampler: Sampler | None = None,
        spans: SpanQueue | None = None,
    ) -> None:
        """``system`` is the kind of database, ``target`` the place of the server, ``slow`` from how many
        seconds on a statement is slow. There are spans of statements that are a part of a trace that is
        sent."""
        self._system = system
        self._target = target
        self._slow = slow
        self._metrics = metrics
        self._sampler = sampler
        self._spans = spans
        self._durations: dict[str, Histogram] = {}
        self._counters: dict[tuple[str, ...], Counter] = {}
        self._operations: dict[tuple[str, Code], Operation] = {}

    def end(self, name: str, seconds: float, waited: float, code: Code) -> None:
        """A statement has ended with this code, after so many seconds, and others in which it waited."""
        if self._metrics is not None:
            duration = self._durations.get(name)
            if duration is None:
                duration = self._durations[name] = self._metrics.histogram(DURATIONS, name)
            duration.add(seconds * 1000)
            if code is not Code.OK:
                self._count(self._metrics, ERRORS, name, code.name)
        if seconds + waited > self._slow:
            if self._metrics is not None:
                self._count(self._metrics, SLOWS, name)
            waits = f" after {waited * 1000:.0f} ms in which it waited for a connection" if waited else ""
            _log.warning("slow: %s took %.0f ms%s, %s", name, seconds * 1000, waits, self._target)
        if self._spans is not None and self._sampler is not None:
            parent = current()
            if parent is not None and parent.sampled:
                operation = self._operations.get((name, code)) or self._operation(name, code)
                end = time.time()
                self._spans.add(operation, self._sampler.child(parent), end - seconds - waited, end)

    def _count(self, metrics: Metrics, family: Family, *labels: str) -> None:
        counter = self._counters.get((family.name, *labels))
        if counter is None:
            counter = self._counters[family.name, *labels] = metrics.counter(family, *labels)
        counter.add()

    def _operation(self, name: str, code: Code) -> Operation:
        """What spans of a statement say alike."""
        attributes: list[tuple[str, str | int]] = [
            ("db.system", self._system),
            ("db.operation.name", name),
            ("server.address", self._target),
        ]
        if code is not Code.OK:
            attributes.append(("error.type", code.name))
        operation = Operation(name, Kind.CLIENT, attributes, failed=code in _FAULTS)
        self._operations[name, code] = operation
        return operation
