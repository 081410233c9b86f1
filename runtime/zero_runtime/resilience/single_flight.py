"""Single flight: what many ask for at the same time is done once.

As go-zero's ``core/syncx/singleflight.go`` (``Do``, ``DoEx`` with its fresh flag), made for tasks that are
cancelled: the work is nobody's own. Who is cancelled leaves alone, and the work is cancelled when nobody
waits for it any more. It has no deadline of the request that happened to come first.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from zero_runtime.deadline import served_until
from zero_runtime.resilience.metrics import SINGLE_FLIGHT, decisions

T = TypeVar("T")


class _Flight(Generic[T]):
    """Work that is being done."""

    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiters = 0


class SingleFlight(Generic[T]):
    """Does at a time one piece of work per key, for all who ask for it."""

    def __init__(self, name: str) -> None:
        """``name`` is what metrics call it."""
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._begun, self._joined = decisions(SINGLE_FLIGHT, name, "begin", "join")

    async def do(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` returns, or what the same work returns that is being done already.

        Raises what the work raises, for all who wait for it.
        """
        result, _ = await self.do_fresh(key, work)
        return result

    async def do_fresh(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """The same, and whether it was done for this caller, who may have to keep it for the others."""
        flight = self._flights.get(key)
        fresh = flight is None
        if flight is None:
            self._begun.add()
            flight = self._flights[key] = self._start(key, work)
        else:
            self._joined.add()
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task), fresh
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._forget(key, flight)  # who comes now must not join what is being cancelled
                flight.task.cancel()

    def _start(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> _Flight[T]:
        context = contextvars.copy_context()
        context.run(served_until.set, None)
        flight = _Flight(asyncio.get_running_loop().create_task(_run(work), context=context))
        flight.task.add_done_callback(lambda _: self._forget(key, flight))
        return flight

    def _forget(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


def _run(work: Callable[[], Awaitable[T]]) -> Coroutine[Any, Any, T]:
    async def run() -> T:
        return await work()

    return run()
