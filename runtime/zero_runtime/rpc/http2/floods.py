"""Limits of what costs us work and brings no call forward."""

from __future__ import annotations

from collections.abc import Callable

RAPID = 0.02
"""Seconds. A call that is cancelled sooner than that counts as given up for nothing (CVE-2023-44487)."""

GIVEN_UP = (5000, 2000.0)
"""How many calls may be given up for nothing: at once, and more per second. That is much, for a server that
is overloaded sees the deadlines of its callers pass like this; and little work, for their tasks are
cancelled."""

BROKEN = (500, 100.0)
"""How many streams may be broken so that we reset them (CVE-2025-8671), or opened beyond the limit."""

IDLE_FRAMES = (1000, 100.0)
"""How many frames may come that say nothing: settings, priorities, empty DATA, frames of unknown types."""


class Budget:
    """Of something that may happen ``burst`` times at once and ``rate`` times more per second: a token
    bucket."""

    __slots__ = ("_burst", "_clock", "_left", "_rate", "_seen")

    def __init__(self, limits: tuple[int, float], clock: Callable[[], float]) -> None:
        self._burst, self._rate = limits
        self._clock = clock
        self._left = float(self._burst)
        self._seen = clock()

    def spend(self) -> bool:
        """It happens once more; returns False when that is too often."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._seen) * self._rate) - 1
        self._seen = now
        return self._left >= 0
