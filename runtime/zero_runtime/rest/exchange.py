"""A request and its response on the fast path."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import msgspec

from zero_runtime.resilience import Entry
from zero_runtime.rest.message import Request
from zero_runtime.rest.pipeline import ClientGone, Handler


class Arrival:
    """The body of a request as it arrives."""

    __slots__ = ("_complete", "_gone", "_pieces", "_waiter")

    def __init__(self, pieces: list[bytes], *, complete: bool) -> None:
        self._pieces = deque(pieces)
        self._complete = complete
        self._gone = False
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._wake()

    def end(self) -> None:
        self._complete = True
        self._wake()

    def lose(self) -> None:
        """The client has left."""
        self._gone = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._complete:
                raise StopAsyncIteration
            if self._gone:
                raise ClientGone
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._pieces.popleft()


class _Silent:
    """An event that nobody waits for."""

    def set(self) -> None: ...


_SILENT = _Silent()


class Exchange(msgspec.Struct, eq=False):
    """A request and its response, with the face of uvicorn's ``RequestResponseCycle`` to its protocol."""

    handler: Handler
    request: Request
    keep_alive: bool
    http10: bool
    pieces: list[bytes] = []
    """The body, as long as nobody reads it from ``arrival``; each exchange has its own."""
    size: int = 0
    arrival: Arrival | None = None
    entry: Entry | None = None
    """What it was let in with."""
    task: asyncio.Task[None] | None = None
    disconnected: bool = False
    response_complete: bool = False
    message_event: _Silent | asyncio.Event = _SILENT
    """Set when the client has left."""
