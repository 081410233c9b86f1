"""Where limits per time have their numbers: in Redis, and in the process while Redis is away."""

from __future__ import annotations

from typing import Any

from zero_runtime.config import RedisConf
from zero_runtime.observability.metrics import counter
from zero_runtime.redis import Script, connect
from zero_runtime.resilience.metrics import RATE, RESCUES, decisions

MOST = 100_000
"""Callers that a process remembers of one limit, some 20 MB: there may be any number of them. Beyond, those
are forgotten first who would be first anyway."""


class Store:
    """The numbers of the limit ``name``.

    While Redis is away each process counts for itself, beginning with nothing: callers may get as much again
    from every process, and nobody is refused who should not be.
    """

    def __init__(self, name: str, redis: RedisConf | None) -> None:
        self._name = name
        self._conf = redis if redis is not None and redis.host else None
        self._passed, self._dropped = decisions(RATE, name)
        self._rescued = counter(RESCUES, name)

    async def evaluate(self, script: Script, key: str, *arguments: float) -> Any:
        """What a script says of ``key``; None when Redis is away, or there is none."""
        if self._conf is None:
            return None
        full = f"{self._name}:{key}" if key else self._name
        answer = await connect(self._conf).evaluate(script, full, *arguments)
        if answer is None:
            self._rescued.add()
        return answer

    def count(self, *, passed: bool) -> None:
        """A decision was made."""
        (self._passed if passed else self._dropped).add()
