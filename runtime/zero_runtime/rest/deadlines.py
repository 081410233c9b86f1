"""Time limits that cost next to nothing when they are kept, as nearly all are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Calls ``expire`` with whatever has been in here for ``seconds``.

    All have the same time, so they expire in the order in which they came, and one timer does for all: it
    costs a timer per request otherwise. It follows the loop that it is used in.
    """

    def __init__(self, seconds: float, expire: Callable[[T], object]) -> None:
        self.seconds = seconds
        self._expire = expire
        self._waiting: dict[T, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, one: T, loop: asyncio.AbstractEventLoop) -> float:
        """Starts the time of ``one``, which is not in here; returns when it ends, on the loop's clock.

        ``loop`` is the one that is running: to ask for it costs a system call in Python 3.11.
        """
        if loop is not self._loop:
            self._loop, self._timed = loop, False
            self._waiting.clear()
        when = self._waiting[one] = loop.time() + self.seconds
        if not self._timed:
            self._timed = True
            loop.call_at(when, self._look)
        return when

    def discard(self, one: T) -> bool:
        """Stops the time of ``one``; returns whether it still ran."""
        return self._waiting.pop(one, None) is not None

    def _look(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        while self._waiting:
            one, when = next(iter(self._waiting.items()))
            if when > now:
                self._loop.call_at(when, self._look)
                return
            del self._waiting[one]
            self._expire(one)
        self._timed = False
