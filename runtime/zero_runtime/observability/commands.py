"""What is observed of commands that a store is asked for (statements, commands to Redis): a span, metrics
and a line of the log for those that are slow, as far as they are on.

The names of the metrics and their buckets are go-zero's. Keys and values are told nowhere.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from zero_runtime.errors import Code
from zero_runtime.observability.metrics import Counter, Family, Histogram, Metrics
from zero_runtime.observability.trace import Kind, Operation, Sampler, current

if TYPE_CHECKING:
    from zero_runtime.observability.spans import SpanQueue

BUCKETS = (0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 5000, 10000, 15000)
"""Milliseconds."""

_FAULTS = frozenset((Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.INTERNAL, Code.UNAVAILABLE))
"""With which a span has failed: the others are answers, such as that a row is there already."""


class Families(NamedTuple):
    """The metrics of one kind of store. The first and the last have the label ``command``, the other has
    ``error`` as well."""

    durations: Family
    errors: Family
    slows: Family


class CommandObserver:
    """Observes the commands that one server is asked for."""

    def __init__(
        self,
        system: str,
        target: str,
        families: Families,
        log: logging.Logger,
        *,
        slow: float,
        metrics: Metrics | None = None,
        sampler: Sampler | None = None,
        spans: SpanQueue | None = None,
    ) -> None:
        """``system`` is the kind of store, ``target`` the place of the server, ``slow`` from how many seconds
        on a command is slow. There are spans of commands that are a part of a trace that is sent."""
        self._system = system
        self._target = target
        self._families = families
        self._log = log
        self._slow = slow
        self._metrics = metrics
        self._sampler = sampler
        self._spans = spans
        self._durations: dict[str, Histogram] = {}
        self._counters: dict[tuple[str, ...], Counter] = {}
        self._operations: dict[tuple[str, Code], Operation] = {}

    def end(self, name: str, seconds: float, waited: float, code: Code, *, patient: bool = False) -> None:
        """A command has ended with this code, after so many seconds, and others in which it waited for a
        connection. One that is ``patient`` is never slow."""
        if self._metrics is not None:
            duration = self._durations.get(name)
            if duration is None:
                duration = self._durations[name] = self._metrics.histogram(self._families.durations, name)
            duration.add(seconds * 1000)
            if code is not Code.OK:
                self._count(self._metrics, self._families.errors, name, code.name)
        if seconds + waited > self._slow and not patient:
            if self._metrics is not None:
                self._count(self._metrics, self._families.slows, name)
            waits = f" after {waited * 1000:.0f} ms in which it waited for a connection" if waited else ""
            self._log.warning("slow: %s took %.0f ms%s, %s", name, seconds * 1000, waits, self._target)
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
        """What spans of a command say alike."""
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
