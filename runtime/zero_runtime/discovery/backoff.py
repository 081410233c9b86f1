"""Pauses between attempts at something that is away."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

FIRST = 0.1
"""Seconds of the longest first pause."""

LONGEST = 2.0
"""Seconds of the longest pause: what has come back is noticed within them, however long it was away."""


class Backoff:
    """Pauses that double up to a limit, each drawn from its upper half: many who wait do not come at once.

    After an attempt that lasted longer than the longest pause they begin with the first again: it went well
    for a while. An attempt that fails at once, whatever succeeded before, never makes a busy loop.
    """

    def __init__(
        self,
        first: float = FIRST,
        longest: float = LONGEST,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first = first
        self._longest = longest
        self._clock = clock
        self._draw = draw
        self._limit = first
        self._attempt_began = clock()

    def next(self) -> float:
        """The pause to make now, in seconds."""
        now = self._clock()
        if now - self._attempt_began > self._longest:
            self._limit = self._first
        pause = self._draw(self._limit / 2, self._limit)
        self._limit = min(2 * self._limit, self._longest)
        self._attempt_began = now + pause
        return pause

    async def wait(self) -> None:
        await asyncio.sleep(self.next())
