"""A thread that does one thing after the other, for a connection that may be used on one thread only.

It does what an executor with one thread does, at half the cost.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import monotonic
from typing import Any, TypeVar, cast

T = TypeVar("T")

_Job = tuple[asyncio.Future[Any], float, Callable[..., Any], tuple[Any, ...]]


class Thread:
    """Does work in the order in which it comes.

    Work whose task was cancelled before it began is dropped, and what has begun is finished before anything
    else begins: so whoever comes next finds nothing half done.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._waiter: asyncio.Future[Any] | None = None
        self._until = 0.0
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Callable[..., T], *arguments: object, until: float = float("inf")) -> T:
        """What ``work`` gives or raises. ``until`` is when it should be over, on the loop's clock."""
        waiter = self._loop.create_future()
        self._jobs.put((waiter, until, work, arguments))
        return cast(T, await waiter)

    def stop(self, last: Callable[[], object] | None = None) -> None:
        """Ends the thread after what it has to do, and the ``last``."""
        if last is not None:
            self._jobs.put((self._loop.create_future(), 0.0, last, ()))
        self._jobs.put(None)

    async def end(self, last: Callable[[], object]) -> None:
        """Ends the thread after what it has to do, and the ``last``; returns when it has ended."""
        await asyncio.shield(self.run(last))
        self.stop()
        self._thread.join()  # it has nothing to do any more

    def is_over(self) -> bool:
        """For the work that is being done: whether nobody waits for it any more."""
        waiter = self._waiter
        return waiter is None or waiter.cancelled() or monotonic() >= self._until

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._waiter, self._until, work, arguments = job
            if self._waiter.cancelled():
                continue
            result, error = None, None
            try:
                result = work(*arguments)
            except BaseException as raised:
                error = raised
            try:
                self._loop.call_soon_threadsafe(_settle, self._waiter, result, error)
            except RuntimeError:  # the loop is closed, and with it all who could wait
                continue
            del job, work, arguments, result, error


def _settle(waiter: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(result)
    else:
        waiter.set_exception(error)
