"""Sends responses whose bodies come in pieces."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

from zero_runtime.rest.message import Request, Stream

_EVENTS = b"text/event-stream"

_log = logging.getLogger("zero.rest")


class Streams:
    """The responses that an application is sending piece by piece."""

    def __init__(self) -> None:
        self._endless: set[asyncio.Future[None]] = set()
        self._stops = False

    async def send(
        self,
        request: Request,
        response: Stream,
        write: Callable[[bytes], Awaitable[None]],
        gone: Callable[[], Awaitable[object]],
    ) -> bool:
        """Hands the pieces to ``write``, one after the other, until they end or ``gone`` returns.

        Returns whether the body is as it should be; if not, the connection has to be cut for the client to
        know. The response is closed in the end whatever happens.
        """
        pump = asyncio.ensure_future(_pump(response, write))
        left = asyncio.ensure_future(_wait(gone))
        if is_event_stream(response):
            self._endless.add(pump)
            if self._stops:
                pump.cancel()
        try:
            await asyncio.wait((pump, left), return_when=asyncio.FIRST_COMPLETED)
            if not pump.done():
                return True  # there is nobody left to tell
            if pump.cancelled():
                return self._stops
            if error := pump.exception():
                _log.error("%s %s failed midway", request.method, request.path, exc_info=error)
                # Granian holds the connection for as long as anybody holds what it is written to with.
                traceback.clear_frames(error.__traceback__)
            return error is None
        finally:
            self._endless.discard(pump)
            pump.cancel()
            left.cancel()
            await asyncio.wait((pump, left))
            await _close(request, response)

    def stop(self) -> None:
        """Ends the responses that would not end by themselves: those of events. Their clients come again."""
        self._stops = True
        for pump in self._endless:
            pump.cancel()


async def _pump(response: Stream, write: Callable[[bytes], Awaitable[None]]) -> None:
    async for piece in response.chunks:
        if piece:
            await write(piece)


async def _wait(gone: Callable[[], Awaitable[object]]) -> None:
    await gone()


async def _close(request: Request, response: Stream) -> None:
    try:
        await response.aclose()
    except Exception:
        _log.exception("%s %s failed when it was closed", request.method, request.path)


def is_event_stream(response: Stream) -> bool:
    """Whether the response is one of server-sent events."""
    return any(name == b"content-type" and value.startswith(_EVENTS) for name, value in response.headers)
