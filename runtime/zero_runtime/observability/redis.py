"""What is observed of commands to Redis; ``command`` is the name of the command, ``get``, and ``pipeline``
for several at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from zero_runtime.errors import Code
from zero_runtime.observability.commands import BUCKETS, CommandObserver, Families
from zero_runtime.observability.metrics import Family, Metrics
from zero_runtime.observability.trace import Sampler

if TYPE_CHECKING:
    from redis.asyncio import Redis as Node
    from redis.asyncio.cluster import RedisCluster

    from zero_runtime.observability.spans import SpanQueue

_log = logging.getLogger("zero.redis")

DURATIONS = Family(
    "redis_client_requests_duration_ms",
    "How long commands to Redis took, in milliseconds.",
    ("command",),
    BUCKETS,
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


class RedisObserver(CommandObserver):
    """Observes the commands to one Redis."""

    def __init__(
        self,
        target: str,
        *,
        metrics: Metrics | None = None,
        sampler: Sampler | None = None,
        spans: SpanQueue | None = None,
    ) -> None:
        families = Families(DURATIONS, ERRORS, SLOWS)
        super().__init__(
            "redis", target, families, _log, slow=SLOW, metrics=metrics, sampler=sampler, spans=spans
        )

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
            self.end(name, time.perf_counter() - begun, 0, code, patient=name in _PATIENT)


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
