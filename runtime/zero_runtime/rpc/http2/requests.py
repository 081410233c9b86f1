"""The messages of a call as they are read: requests by its handler, answers by its caller."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Requests:
    """The requests of a call as they come, or the answers, for one reader. ``took`` is told how many bytes
    are left unread."""

    def __init__(self, took: Callable[[int], None]) -> None:
        self._took = took
        self._queue: deque[tuple[bytes, int]] = deque()
        self._error: Exception | None = None
        self._arrival: asyncio.Future[None] | None = None
        self.held = 0
        """Bytes that have come and were not read."""
        self.closed = False

    def put(self, payload: bytes, size: int) -> None:
        self._queue.append((payload, size))
        self.held += size
        self._wake()

    def close(self, error: Exception | None) -> None:
        """There are no more; with an error because they could not be taken."""
        if not self.closed:
            self.closed = True
            self._error = error
            self._wake()

    def abandon(self, error: Exception) -> None:
        """Forgets what was not read; whoever reads on is told the error."""
        self._queue.clear()
        self.held = 0
        self.closed, self._error = True, error
        self._wake()
        self._took(0)

    def __aiter__(self) -> Requests:
        return self

    async def __anext__(self) -> bytes:
        while not self._queue:
            if self._error is not None:
                raise self._error
            if self.closed:
                raise StopAsyncIteration
            if self._arrival is not None:
                raise RuntimeError("the requests of a call are read by one task at a time")
            self._arrival = asyncio.get_running_loop().create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
        payload, size = self._queue.popleft()
        self.held -= size
        self._took(self.held)
        return payload

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


class Single:
    """The one request of a call."""

    def __init__(self, payload: bytes) -> None:
        self._payload: bytes | None = payload

    def __aiter__(self) -> Single:
        return self

    async def __anext__(self) -> bytes:
        payload, self._payload = self._payload, None
        if payload is None:
            raise StopAsyncIteration
        return payload
