"""Calls per second, evened out: a bucket of tokens.

A bucket holds ``burst`` tokens at most and is full at first; ``rate`` tokens per second come in, and each
call takes one. As go-zero's ``core/limit/tokenlimit.go``, but for what goes wrong there:

* time is that of Redis, in microseconds: the clocks of callers differ, and whole seconds let a second's
  tokens in at once;
* a bucket is kept until it is full again, and a second at least: go-zero keeps it for ``2 * burst / rate``
  whole seconds, which are 0 when ``burst < rate / 2``, and then every process limits for itself;
* both numbers are in one key, so that a cluster has them in one place.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from zero_runtime.config import RedisConf
from zero_runtime.redis import Script
from zero_runtime.resilience.rescue import MOST, Store
from zero_runtime.resilience.window import Clock

_SCRIPT = Script("""\
local rate, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call("TIME")
local now = clock[1] * 1000000 + clock[2]
local known = redis.call("HMGET", KEYS[1], "tokens", "at")
local tokens, at = tonumber(known[1]) or burst, tonumber(known[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate / 1000000)
local missing = math.max(0, wanted - tokens)
if missing == 0 then
  tokens = tokens - wanted
end
redis.call("HSET", KEYS[1], "tokens", string.format("%.17g", tokens), "at", string.format("%.0f", now))
redis.call("PEXPIRE", KEYS[1], math.max(1000, math.ceil((burst - tokens) / rate * 1000)))
return math.ceil(missing / rate * 1000000)
""")
"""Returns in how many microseconds there will be enough tokens; 0 when they were taken."""


class TokenLimit:
    """Lets ``rate`` calls per second in for long, and ``burst`` at once.

    The numbers are in Redis, so that all processes share them; while Redis is away, and without ``redis``,
    each process has its own.
    """

    def __init__(
        self,
        name: str,
        *,
        rate: float,
        burst: int,
        redis: RedisConf | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """``name`` is the key in Redis, before those that `take` is told, and the name in metrics; ``clock``
        is for the numbers in the process. Raises ValueError when nothing would ever be let in."""
        if rate <= 0 or burst < 1:
            raise ValueError(f"{name}: a rate of {rate:g} with a burst of {burst} lets nothing in")
        self._rate = rate
        self._burst = burst
        self._store = Store(name, redis)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens and the time they were counted at; those that were counted last come last."""

    async def allow(self, key: str = "", count: int = 1) -> bool:
        """Takes ``count`` tokens from the bucket of ``key``, if it has them; returns whether it did.

        Raises ValueError for more than a bucket holds.
        """
        return not await self.take(key, count)

    async def take(self, key: str = "", count: int = 1) -> float:
        """The same; returns 0, or in how many seconds the tokens will be there."""
        if not 0 < count <= self._burst:
            raise ValueError(f"{count} tokens are never in a bucket of {self._burst}")
        answer = await self._store.evaluate(_SCRIPT, key, self._rate, self._burst, count)
        wait = self._take(key, count) if answer is None else answer / 1e6
        self._store.count(passed=not wait)
        return wait

    def _take(self, key: str, count: int) -> float:
        """Without Redis."""
        now = self._clock()
        buckets = self._buckets
        tokens, at = buckets.pop(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        missing = max(0.0, count - tokens)
        buckets[key] = (tokens if missing else tokens - count), now
        lasts = self._burst / self._rate
        # The oldest is full again, as if it had never been used.
        while now - next(iter(buckets.values()))[1] > lasts or len(buckets) > MOST:
            buckets.popitem(last=False)
        return missing / self._rate
