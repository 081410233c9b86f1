"""What is observed of commands to Redis: a span, metrics and a line of the log for those that are slow, as
far as they are on.

The names of the metrics and their buckets are go-zero's; ``command`` is the name of the command, ``get``, and
``pipeline`` for several at once. Keys and values are told nowhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from zero_runtime.errors import Code
from zero_runtime.observability.metrics import Counter, Family, Histogram, Metrics
from zero_runtime.observability.trace import Kind, Operation, Sampler, current

if TYPE_CHECKING:
    from redis.asyncio import Redis as Node
    from redis.asyncio.cluster import RedisCluster

    from zero_runtime.observability.spans import SpanQueue

_log = logging.getLogger("zero.redis")

DURATIONS = Family(
    "redis_client_requests_duration_ms",
    "How long commands to Redis took, in milliseconds.",
    ("command",),
    (0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 5000, 10000, 15000),
)
ERRORS = Family(
    "redis_client_requests_error_total",
    "Commands to Redis that failed, by the name of the error's code.",
    ("command", "error"),
)
SLOWS = Family("redis_client_requests_slow_total", "Commands to Redis that were slow.", ("command",))

SLOW = 0.1
"""Seconds beyond which a command counts as slow; go-zero's number."""

_PATIENT = frozenset(
    "blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin wait waitaof xread xreadgroup".split()
)
"""Commands that wait for something, so that none of them is slow."""

_PIPELINE = "pipeline"

_FAULTS = frozenset((Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE))
"""With which a span has failed."""


class RedisObserver:
    """Observes the commands to one Redis."""

    def __init__(
        self,
        target: str,
        *,
        metrics: Metrics | None = None,
        sampler: Sampler | None = None,
        spans: SpanQueue | None = None,
    ) -> None:
        """``target`` is where it is. There are spans of commands that are a part of a trace that is sent."""
        self._target = target
        self._metrics = metrics
        self._sampler = sampler
        self._spans = spans
        self._durations: dict[str, Histogram] = {}
        self._counters: dict[tuple[str, ...], Counter] = {}
        self._operations: dict[tuple[str, Code], Operation] = {}

    def watch(self, client: Node | RedisCluster) -> None:
        """Observes what ``client`` does from now on: all its commands go through `execute_command`, and
        those of its pipelines through their `execute`."""
        execute: Callable[..., Awaitable[Any]] = client.execute_command
        pipeline: Callable[..., Any] = client.pipeline

        def execute_command(command: str | bytes, *arguments: Any, **options: Any) -> Awaitable[Any]:
            return self._observe(_name(command), execute(command, *arguments, **options))

        def observed_pipeline(*arguments: Any, **options: Any) -> Any:
            made = pipeline(*arguments, **options)
            run: Callable[..., Awaitable[Any]] = made.execute
            made.execute = lambda *how, **more: self._observe(_PIPELINE, run(*how, **more))
            return made

        vars(client).update(execute_command=execute_command, pipeline=observed_pipeline)

    async def _observe(self, name: str, answer: Awaitable[Any]) -> Any:
        """The answer to the command of this name."""
        begun = time.perf_counter()
        code = Code.OK
        try:
            return await answer
        except BaseException as error:
            code = _code(error)
            raise
        finally:
            self._end(name, time.perf_counter() - begun, code)

    def _end(self, name: str, seconds: float, code: Code) -> None:
        slow = seconds > SLOW and name not in _PATIENT
        if self._metrics is not None:
            duration = self._durations.get(name)
            if duration is None:
                duration = self._durations[name] = self._metrics.histogram(DURATIONS, name)
            duration.add(seconds * 1000)
            if code is not Code.OK:
                self._count(self._metrics, ERRORS, name, code.name)
            if slow:
                self._count(self._metrics, SLOWS, name)
        if slow:
            _log.warning("slow: %s took %.0f ms, Redis at %s", name, seconds * 1000, self._target)
        if self._spans is not None and self._sampler is not None:
            parent = current()
            if parent is not None and parent.sampled:
                operation = self._operations.get((name, code)) or self._operation(name, code)
                end = time.time()
                self._spans.add(operation, self._sampler.child(parent), end - seconds, end)

    def _count(self, metrics: Metrics, family: Family, *labels: str) -> None:
        counter = self._counters.get((family.name, *labels))
        if counter is None:
            counter = self._counters[family.name, *labels] = metrics.counter(family, *labels)
        counter.add()

    def _operation(self, name: str, code: Code) -> Operation:
        """What spans of a command say alike."""
        attributes: list[tuple[str, str | int]] = [
            ("db.system", "redis"),
            ("db.operation.name", name),
            ("server.address", self._target),
        ]
        if code is not Code.OK:
            attributes.append(("error.type", code.name))
        operation = Operation(name, Kind.CLIENT, attributes, failed=code in _FAULTS)
        self._operations[name, code] = operation
        return operation


def _name(command: str | bytes) -> str:
    """``script load`` is ``script``: go-zero's names are those of the first word."""
    text = command if isinstance(command, str) else command.decode("ascii", "replace")
    return text.partition(" ")[0].lower()


def _code(error: BaseException) -> Code:
    from redis import exceptions

    if isinstance(error, exceptions.NoScriptError):
        return Code.OK  # the usual way to ask whether a script is known
    if isinstance(error, asyncio.CancelledError):
        return Code.CANCELLED
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return Code.DEADLINE_EXCEEDED
    if isinstance(error, exceptions.ConnectionError | OSError):
        return Code.UNAVAILABLE
    return Code.UNKNOWN
