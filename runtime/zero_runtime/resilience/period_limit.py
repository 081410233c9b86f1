"""Calls per period of time: a quota.

As go-zero's ``core/limit/periodlimit.go``: a counter in Redis that is deleted when its period ends. The first
call begins the period, or it begins at a fixed time (``align``), which go-zero's ``Align`` makes of the local
day. The key and its number are the same as in Go, so that services share them. What differs: time is that of
Redis, not of callers; a counter that lost its end gets one again; and while Redis is away processes count for
themselves, where go-zero's callers get an error.
"""

from __future__ import annotations

import enum
import time
from collections import OrderedDict
from typing import NamedTuple

from zero_runtime.config import RedisConf
from zero_runtime.redis import Script
from zero_runtime.resilience.rescue import MOST, Store
from zero_runtime.resilience.window import Clock

_SCRIPT = Script("""\
local period, align, offset = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local used = redis.call("INCRBY", KEYS[1], 1)
local left = redis.call("PTTL", KEYS[1])
if left < 0 then
  left = period * 1000
  if align == 1 then
    local clock = redis.call("TIME")
    left = left - ((clock[1] + offset) * 1000 + math.floor(clock[2] / 1000)) % left
  end
  redis.call("PEXPIRE", KEYS[1], left)
end
return {used, left}
""")
"""Returns the calls of the period, and how many milliseconds it still lasts."""


class Quota(enum.Enum):
    """What has become of a quota; go-zero's three answers."""

    ALLOWED = "allowed"
    HIT = "hit"
    """This call was let in, as the last one."""

    OVER = "over"


class Usage(NamedTuple):
    """What is used of a quota, with the present call."""

    used: int
    limit: int
    left: float
    """How many seconds the period still lasts."""

    @property
    def quota(self) -> Quota:
        """What it means for the present call."""
        if self.used == self.limit:
            return Quota.HIT
        return Quota.ALLOWED if self.used < self.limit else Quota.OVER


class PeriodLimit:
    """Lets ``limit`` calls in per ``period``.

    The numbers are in Redis, so that all processes share them; while Redis is away, and without ``redis``,
    each process has its own.
    """

    def __init__(
        self,
        name: str,
        *,
        limit: int,
        period: int,
        align: bool = False,
        redis: RedisConf | None = None,
        clock: Clock = time.time,
    ) -> None:
        """``period`` is in seconds. ``name`` is the key in Redis, before those that `take` is told, and the
        name in metrics; ``clock`` is for the numbers in the process. Raises ValueError when nothing would
        ever be let in."""
        if limit < 1 or period < 1:
            raise ValueError(f"{name}: a quota of {limit} in {period} s lets nothing in")
        self._limit = limit
        self._period = period
        self._align = align
        self._store = Store(name, redis)
        self._clock = clock
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """Calls, and when their period ends; those that end first come first."""

    async def allow(self, key: str = "") -> bool:
        """Counts a call of ``key``; returns whether it is let in."""
        return not await self.take(key)

    async def take(self, key: str = "") -> float:
        """The same; returns 0, or in how many seconds the next period begins."""
        usage = await self.use(key)
        return usage.left if usage.quota is Quota.OVER else 0.0

    async def use(self, key: str = "") -> Usage:
        """The same; returns what is used."""
        answer = await self._store.evaluate(_SCRIPT, key, self._period, int(self._align), _offset())
        # What Redis says lasts 0 ms still lasts for a part of one.
        used, left = self._use(key) if answer is None else (answer[0], max(1, answer[1]) / 1000)
        usage = Usage(used, self._limit, left)
        self._store.count(passed=usage.quota is not Quota.OVER)
        return usage

    def _use(self, key: str) -> tuple[int, float]:
        """Without Redis."""
        now = self._clock()
        counters = self._counters
        while counters and next(iter(counters.values()))[1] <= now:
            counters.popitem(last=False)
        used, end = counters.get(key, (0, 0.0))
        if end <= now:
            used, end = 0, now + self._period - ((now + _offset()) % self._period if self._align else 0)
        counters[key] = used + 1, end
        if len(counters) > MOST:
            counters.popitem(last=False)
        return used + 1, end - now


def _offset() -> int:
    """Seconds by which local time is ahead of UTC."""
    return time.localtime().tm_gmtoff
