"""Server-sent events: how a stream of values is sent, and read again."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextvars import copy_context
from typing import Any, NamedTuple

import msgspec

from zero_runtime.deadline import cancelled_from_outside, served_until
from zero_runtime.errors import Unknown, ZeroError
from zero_runtime.rest.encoding import Encoder
from zero_runtime.rest.message import Response, Stream
from zero_runtime.rest.problems import problem_body

MEDIA_TYPE = b"text/event-stream"

PROBLEM = "problem"
"""The event that ends a stream which failed; its data is a problem of RFC 9457."""

_HEADERS = (
    (b"content-type", MEDIA_TYPE),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events until it has a page of them
)

_HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent: proxies close what is idle for a minute, and a client that
is gone is only noticed by sending."""

_PATIENCE = 0.25
"""Seconds that the head of a response waits for the first event: as long an error has a status of its own."""

_AHEAD = 16
"""Events that logic may be ahead of its client, as in go-zero."""

_END = b""

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")

_log = logging.getLogger("zero.rest")
_encode = msgspec.json.Encoder().encode


async def event_stream(
    events: AsyncIterator[Any], encoder: Encoder | None = None, *, heartbeat: float = _HEARTBEAT
) -> Response:
    """Each of ``events`` as JSON, when it comes. ``heartbeat`` is in seconds.

    When the client leaves, ``events`` is cancelled where it waits and closed. When it fails before its first
    event, and soon, that is raised here, to become a response of its own; later the stream ends with an event
    `PROBLEM`, which tells as much of the error as a response would.
    """
    chunks = _Events(events, encoder, heartbeat)
    try:
        await chunks.begin()
    except BaseException:
        await chunks.aclose()
        raise
    return Stream(200, headers=_HEADERS, chunks=chunks)


class _Events:
    """The chunks of an event stream.

    One task takes all events, so that logic keeps its context between them and may use timeouts around them.
    """

    def __init__(self, events: AsyncIterator[Any], encoder: Encoder | None, heartbeat: float) -> None:
        self._events = events
        self._encode = encoder.encode if encoder else _encode
        self._heartbeat = heartbeat
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
        self._answered = asyncio.Event()
        """Set once it is settled that the response is a stream: by the first event, or by time."""
        context = copy_context()
        context.run(served_until.set, None)  # the limit is for what comes before the stream
        self._pump = asyncio.create_task(self._take(), context=context)

    async def begin(self) -> None:
        """Waits a moment for the first event. Raises what logic raises in its place."""
        answered = asyncio.create_task(self._answered.wait())
        try:
            await asyncio.wait([self._pump, answered], timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered.cancel()
        if not self._answered.is_set():
            self._answered.set()
            if self._pump.done():
                self._pump.result()

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        """All events that have come, or a comment when none has for a while."""
        try:
            async with asyncio.timeout(self._heartbeat):
                chunks = [await self._queue.get()]
        except TimeoutError:
            return b": \n\n"
        while not self._queue.empty():
            chunks.append(self._queue.get_nowait())
        if chunks[-1] == _END:
            self._queue.put_nowait(chunks.pop())
        if not chunks:
            raise StopAsyncIteration
        return b"".join(chunks)

    async def aclose(self) -> None:
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
        if close := getattr(self._events, "aclose", None):
            await close()

    async def _take(self) -> None:
        put = self._queue.put
        try:
            async for event in self._events:
                await put(b"data: " + self._encode(event) + b"\n\n")
                self._answered.set()
        except (Exception, asyncio.CancelledError) as error:
            cancelled = isinstance(error, asyncio.CancelledError) and cancelled_from_outside()
            if cancelled or not self._answered.is_set():
                raise
            known = error if isinstance(error, ZeroError) else Unknown()
            if known.status >= 500:
                _log.exception("an event stream failed")
            await put(f"event: {PROBLEM}\ndata: ".encode() + problem_body(known) + b"\n\n")
        await put(_END)
        self._answered.set()


class Event(NamedTuple):
    """One event as it came."""

    name: str
    """``message`` where the server gave it none."""
    data: bytes


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The events in the pieces of a ``text/event-stream``; those without data are none."""
    name, data = "", list[bytes]()
    async for line in _lines(chunks):
        if not line:
            if data:
                yield Event(name or "message", b"\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The complete lines of a text; they end with CR LF, LF or CR."""
    rest = _BOM
    async for chunk in chunks:
        text = (rest + chunk).removeprefix(_BOM + _BOM)
        # The LF of a CR at the end may be on its way.
        text, held = (text[:-1], b"\r") if text.endswith(b"\r") else (text, b"")
        *lines, rest = _LINE_END.split(text)
        rest += held
        for line in lines:
            yield line.removeprefix(_BOM)
