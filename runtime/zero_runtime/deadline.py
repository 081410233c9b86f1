"""When the call being served ends: calls made while serving it end no later. And time limits for many
calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_TICKS = 100
"""How many times per second `Alarms` looks, when there is something to look at."""

_FAR_OFF = 10.0
"""Seconds for which a timer without tasks may stay: a thousand of them at most. Callers may name any
deadline, so there could be millions for days."""

served_until: ContextVar[float | None] = ContextVar("served_until", default=None)
"""Deadline of the call that the present task serves, on its loop's clock; None when there is no limit."""


def time_left(timeout: float | None) -> float | None:
    """Seconds that a call with this timeout may take; None for no limit."""
    deadline = served_until.get()
    if deadline is None:
        return timeout
    left = max(deadline - asyncio.get_running_loop().time(), 0.0)
    return left if timeout is None else min(timeout, left)


def cancelled_from_outside() -> bool:
    """Whether the server cancels the present task. Otherwise logic awaited something that was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Deadlines(Generic[T]):
    """Calls ``expire`` with whatever has been in here for ``seconds``, at next to no cost where that is rare.

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


class Alarms:
    """Cancels tasks at their deadlines, a hundredth of a second late at most, at next to no cost where that
    is rare.

    The deadlines may be any. Those of the same hundredth of a second share a timer, which stays when its
    tasks are gone, unless its time is far off: a timer per call costs more.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due: dict[int, tuple[set[asyncio.Task[Any]], asyncio.TimerHandle]] = {}

    def add(self, task: asyncio.Task[Any], when: float) -> None:
        """Cancels ``task`` at ``when`` on the loop's clock."""
        tick = int(when * _TICKS) + 1
        due = self._due.get(tick)
        if due is None:
            due = self._due[tick] = set(), self.loop.call_at(tick / _TICKS, self._ring, tick)
        due[0].add(task)

    def discard(self, task: asyncio.Task[Any], when: float) -> bool:
        """Lets ``task`` be, which was added with the same time; returns False when it was cancelled
        already."""
        tick = int(when * _TICKS) + 1
        due = self._due.get(tick)
        if due is None or task not in due[0]:
            return False
        tasks, timer = due
        tasks.remove(task)
        if not tasks and when - self.loop.time() > _FAR_OFF:
            timer.cancel()
            del self._due[tick]
        return True

    def _ring(self, tick: int) -> None:
        for task in self._due.pop(tick)[0]:
            task.cancel()
