"""Work on a key: one piece at a time, and shared by all who asked before it began.

Unlike `SingleFlight`, nobody joins what has begun already: it may have asked the database before somebody
changed the row, and whoever asks after that change must see it. So of many who ask at the same time the
first waits for one piece of work, and the others for the next, which the first one's result makes cheap.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from zero_runtime.deadline import served_until

T = TypeVar("T")


class _Load(Generic[T]):
    """Work that has not begun, or has."""

    __slots__ = ("task", "waiters")
    task: asyncio.Task[T]

    def __init__(self) -> None:
        self.waiters = 0


class _Turn(asyncio.Lock):
    """Whose turn it is at a key. While somebody has it or waits for it there is no other one of that key."""

    users = 0


class Loads(Generic[T]):
    """Does work for keys. It is nobody's own: it is cancelled when nobody waits for it any more, and has no
    deadline of the request that happened to come first."""

    def __init__(self) -> None:
        self._next: dict[Hashable, _Load[T]] = {}
        self._turns: dict[Hashable, _Turn] = {}

    async def do(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` returns, or the like that was asked for by another and began after this call.
        Raises what it raises."""
        load = self._next.get(key)
        if load is None:
            load = self._next[key] = _Load()
            context = contextvars.copy_context()
            context.run(served_until.set, None)
            load.task = asyncio.get_running_loop().create_task(self._run(key, load, work), context=context)
        load.waiters += 1
        try:
            return await asyncio.shield(load.task)
        finally:
            load.waiters -= 1
            if not load.waiters and not load.task.done():
                self._begin(key, load)  # who comes now must not join what is being cancelled
                load.task.cancel()

    async def _run(self, key: Hashable, load: _Load[T], work: Callable[[], Awaitable[T]]) -> T:
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = _Turn()
        turn.users += 1
        try:
            async with turn:
                self._begin(key, load)
                return await work()
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[key]

    def _begin(self, key: Hashable, load: _Load[T]) -> None:
        if self._next.get(key) is load:
            del self._next[key]
