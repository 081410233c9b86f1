"""One call on its stream: requests go out, answers and the status come in."""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING

from zero_runtime.errors import Cancelled, Internal, ResourceExhausted, ZeroError
from zero_runtime.rpc.client.backend import CallFailed, StreamCall
from zero_runtime.rpc.client.http2.answers import Said, out_of_time
from zero_runtime.rpc.client.options import Metadata
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.answers import PREFIX, message
from zero_runtime.rpc.http2.frames import DATA, END_STREAM, Error
from zero_runtime.rpc.http2.messages import Assembler
from zero_runtime.rpc.http2.requests import Requests

if TYPE_CHECKING:
    from zero_runtime.rpc.client.http2.connection import Connection

WINDOW = 256 * 1024
"""Bytes of answers that one call may have under way and unread; a message that is larger may come as a
whole."""

ROUNDING = 0.002
"""Seconds by which timers may ring early, on loops whose clock counts milliseconds."""


class Exchange:
    """What all calls have in common."""

    __slots__ = (
        "_assembler",
        "_head",
        "_room",
        "closed",
        "connection",
        "failure",
        "flushed",
        "id",
        "metadata",
        "path",
        "payload",
        "pending",
        "queued",
        "sent",
        "until",
        "window",
    )

    def __init__(
        self,
        connection: Connection,
        path: str,
        metadata: Metadata | None,
        timeout: float | None,
        payload: bytes | None = None,
    ) -> None:
        self.connection = connection
        self.path = path
        self.metadata = metadata
        self.payload = payload
        """The only request, which goes out with the head."""
        self.until = None if timeout is None or timeout == inf else connection.loop.time() + timeout
        """When it ends at the latest, on the loop's clock."""
        self.id = 0
        """Its stream; 0 while it waits for one."""
        self.window = 0
        self.pending: memoryview | None = None
        self.flushed: asyncio.Future[None] | None = None
        self.queued = False
        self.sent = False
        """Whether all has been sent."""
        self.closed = False
        """Whether it is over."""
        self.failure: CallFailed | None = None
        self._head: Said | None = None
        """What the answer has begun with."""
        self._assembler: Assembler | None = None
        self._room = WINDOW
        """Bytes that the server may send before it is told that there is room for more."""

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return self.until is not None and self.until <= self.connection.loop.time() + ROUNDING

    def begin(self) -> None:
        """Its stream is open and its head was sent."""

    def fields(self, said: Said, *, ends: bool) -> None:
        """Header fields of the answer; ``ends`` is whether they are the last that comes."""
        head = self._head
        if head is None:
            if 100 <= said.http < 200 and not ends:
                return
            self._head = head = said
            if not ends:
                if not said.is_grpc:
                    self.connection.abandon(self, CallFailed(said.made_up(), told=False))
                return
        elif not ends:
            self._refuse(Internal("the answer has several heads"), Error.PROTOCOL_ERROR)
            return
        failure = said.failure(head)
        if failure is None and self._assembler is not None and self._assembler.amid:
            failure = CallFailed(Internal("the answer is cut off"), told=False)
        self.connection.finish(self, failure)

    def receive(self, data: bytes, size: int) -> None:
        """Content of the answer; with its padding it had ``size`` bytes."""
        self._room -= size
        if self._room < 0:
            self._refuse(Internal("more of an answer than was asked for"), Error.FLOW_CONTROL_ERROR)
            return
        head, assembler = self._head, self._assembler
        if head is None:
            self._refuse(Internal("an answer without a head"), Error.PROTOCOL_ERROR)
            return
        try:
            if assembler is None:
                limit = self.connection.dialing.max_response
                if len(data) >= 5:
                    packed, length = PREFIX.unpack_from(data)
                    if not packed and length + 5 == len(data) and (not limit or length <= limit):
                        self._take(data[5:], size)
                        return
                assembler = self._assembler = Assembler(head.encoding, limit, "response")
            for payload, length in assembler.feed(data):
                self._take(payload, length)
        except ZeroError as error:
            self._refuse(error, Error.CANCEL)
        else:
            self._make_room()

    def end(self) -> None:
        """The stream ends without trailers."""
        head = self._head or Said()
        self.connection.finish(self, Said().failure(head))

    def close(self, failure: CallFailed | None) -> None:
        """It is over, and belongs to no connection any more."""
        self.closed = True
        self.failure = failure
        if self.pending is not None:
            self.connection.sender.drop(self)
        if self.flushed is not None and not self.flushed.done():
            self.flushed.set_result(None)
        self._close()

    def expire(self) -> None:
        """Its time is over."""
        self.connection.abandon(self, out_of_time())

    def cancel(self) -> None:
        """Ends the call, here and at the server, unless it has ended."""
        if not self.closed:
            self.connection.abandon(self, CallFailed(Cancelled("the call was cancelled"), told=False))

    def send(self, payload: bytes) -> asyncio.Future[None] | None:
        """Sends a message; returns what to wait for when it cannot all be sent yet."""
        return self.connection.sender.send(self, message(payload))

    def end_sending(self) -> None:
        """Tells the server that no further message comes."""
        if not self.sent and not self.closed:
            self.sent = True
            self.connection.write(frames.frame(DATA, END_STREAM, self.id))

    def _refuse(self, error: ZeroError, code: Error) -> None:
        self.connection.abandon(self, CallFailed(error, told=False), code)

    def _held(self) -> int:
        """Bytes that have come as messages and were not read."""
        return 0

    def _make_room(self) -> None:
        """Tells the server that it may send more, once it is worth a frame."""
        room = WINDOW - self._held() - self._room
        if room >= WINDOW // 2 and not self.closed:
            self._room += room
            self.connection.write(frames.window_update(self.id, room))

    def _take(self, payload: bytes, size: int) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError


class UnaryExchange(Exchange):
    """A call with one request and one response."""

    __slots__ = ("_answer", "_over")

    def __init__(
        self,
        connection: Connection,
        path: str,
        metadata: Metadata | None,
        timeout: float | None,
        payload: bytes,
    ) -> None:
        super().__init__(connection, path, metadata, timeout, payload)
        self._answer: bytes | None = None
        self._over: asyncio.Future[None] = connection.loop.create_future()

    async def answer(self) -> bytes:
        """Waits for it. Raises CallFailed."""
        try:
            await self._over
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self.failure is not None:
            raise self.failure
        if self._answer is None:
            raise CallFailed(Internal("the answer has no message"), told=False)
        return self._answer

    def begin(self) -> None:
        payload, self.payload = self.payload, None
        if self.sent or payload is None:
            return
        flushed = self.send(payload)
        if flushed is None:
            self.end_sending()
        else:
            flushed.add_done_callback(lambda _: self.end_sending())

    def _take(self, payload: bytes, size: int) -> None:
        if self._answer is not None:
            raise Internal("the answer has several messages")
        self._answer = payload

    def _close(self) -> None:
        if not self._over.done():
            self._over.set_result(None)


class StreamExchange(Exchange, StreamCall):
    """A call under way, of which any number of messages go both ways."""

    __slots__ = ("_begun", "_responses")

    def __init__(
        self, connection: Connection, path: str, metadata: Metadata | None, timeout: float | None
    ) -> None:
        super().__init__(connection, path, metadata, timeout)
        self._begun: asyncio.Future[None] = connection.loop.create_future()
        self._responses = Requests(lambda _: self._make_room())

    async def connected(self) -> bool:
        if not self._begun.done():
            await asyncio.wait((self._begun,))
        return not self.closed

    async def read(self) -> bytes | None:
        try:
            return await anext(self._responses)
        except StopAsyncIteration:
            return None

    async def write(self, message: bytes) -> bool:
        if not await self.connected():
            return False
        limit = self.connection.dialing.max_request
        if 0 < limit < len(message):
            self._refuse(too_large(limit, message), Error.CANCEL)
            return False
        flushed = self.send(message)
        if flushed is not None:
            await flushed
        return not self.closed

    async def done_writing(self) -> None:
        self.end_sending()

    def begin(self) -> None:
        self._begun.set_result(None)

    def _take(self, payload: bytes, size: int) -> None:
        self._responses.put(payload, size)

    def _held(self) -> int:
        return self._responses.held

    def _close(self) -> None:
        if not self._begun.done():
            self._begun.set_result(None)
        self._responses.close(self.failure)


def too_large(limit: int, message: bytes) -> ResourceExhausted:
    """Why a request is not sent."""
    return ResourceExhausted(f"a request may have at most {limit} bytes, this has {len(message)}")
