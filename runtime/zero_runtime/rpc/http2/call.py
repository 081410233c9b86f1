"""One call on its stream: requests come in, answers and the status go out."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

from zero_runtime.errors import Cancelled, Internal, ZeroError
from zero_runtime.rpc.http2 import answers, frames
from zero_runtime.rpc.http2.frames import Error
from zero_runtime.rpc.http2.messages import Assembler
from zero_runtime.rpc.http2.requests import Requests, Single
from zero_runtime.rpc.server.call import ServedCall
from zero_runtime.rpc.service import Kind

if TYPE_CHECKING:
    from zero_runtime.rpc.http2.connection import Connection
    from zero_runtime.rpc.http2.heads import Head

WINDOW = 256 * 1024
"""Bytes of requests that one call may have under way and unread; a message that is larger may come as a
whole."""

_EAGER = sys.version_info >= (3, 12)
"""Whether tasks can begin at once, and so most of them end without a turn of the loop."""

_log = logging.getLogger("zero.rpc")


class Call:
    """What all calls have in common. Whoever makes one calls `receive` and `end` as its request arrives."""

    __slots__ = (
        "_assembler",
        "_begun",
        "_connection",
        "_handler",
        "_left",
        "_room",
        "_served",
        "_task",
        "closed",
        "ended",
        "flushed",
        "head_sent",
        "id",
        "opened",
        "pending",
        "window",
    )

    def __init__(self, connection: Connection, stream: int, head: Head, served: ServedCall) -> None:
        self.id = stream
        self.window = connection.sender.initial
        self.pending: memoryview | None = None
        self.flushed: asyncio.Future[None] | None = None
        self.opened = connection.read_at
        """When its head came, on the loop's clock."""
        self.ended = False
        """Whether the client has sent all that it will."""
        self.closed = False
        """Whether nothing is sent any more: the status has gone out, or the caller has left."""
        self.head_sent = False
        self._connection = connection
        self._handler = head.handler
        self._served = served
        self._assembler = Assembler(head.encoding, connection.serving.max_request)
        self._left = head.length
        """Bytes that are still to come, from those few clients who say it."""
        self._room = WINDOW
        """Bytes that the client may send before it is told that there is room for more."""
        self._task: asyncio.Task[None] | None = None
        self._begun = False

    def receive(self, data: bytes, size: int) -> None:
        """Content of the request; with its padding it had ``size`` bytes."""
        self._room -= size
        if self._room < 0:
            self._connection.reset(self, Error.FLOW_CONTROL_ERROR)
            return
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self._connection.reset(self, Error.PROTOCOL_ERROR)
                return
        self._take(data)

    def end(self) -> None:
        """There is no more of the request."""
        self.ended = True
        if self._left:
            self._connection.reset(self, Error.PROTOCOL_ERROR)
        elif self._assembler.amid:
            self._fail(Internal("the request is cut off"))
        else:
            self._complete()

    def fail(self, error: ZeroError, status: int = 200) -> None:
        """Ends the call with an error."""
        connection = self._connection
        self.closed = True
        if connection.sender.drop(self):
            # Trailers amid a message mean that the peer is broken; so the stream is cut off.
            connection.finish(self, cut=True)
            return
        if self.head_sent:
            connection.write(answers.failed(self.id, error))
        else:
            connection.write(answers.failed_at_once(self.id, error, status, connection.lead()))
        connection.finish(self)

    def give_up(self, error: ZeroError) -> asyncio.Task[None] | None:
        """Ends the call because the server does; returns its task, which has been cancelled."""
        self.fail(error)
        return self.cancel()

    def cancel(self) -> asyncio.Task[None] | None:
        """Nobody waits for the call any more; returns its task, if there is one."""
        self.closed = True
        if not self._begun:
            self._begun = True
            self._handler.abandon(self._served)
        self._connection.sender.drop(self)
        if self._task is not None:
            self._task.cancel()
        return self._task

    def _take(self, data: bytes) -> None:
        raise NotImplementedError

    def _complete(self) -> None:
        raise NotImplementedError

    def _fail(self, error: ZeroError) -> None:
        """The request is of no use."""
        raise NotImplementedError

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        loop = self._connection.loop
        context = self._connection.serving.context.copy()
        if _EAGER and not self._handler.is_overloaded:
            task = asyncio.Task(
                work, loop=loop, context=context, eager_start=True  # type: ignore[call-arg, unused-ignore]
            )
            self._task = None if task.done() else task
        else:
            self._task = loop.create_task(work, context=context)

    def _make_room(self, held: int) -> None:
        """Tells the client that it may send more, once it is worth a frame; ``held`` bytes are here
        unread."""
        room = WINDOW - held - self._room
        if room >= WINDOW // 2 and not self.ended and not self.closed:
            self._room += room
            self._connection.write(frames.window_update(self.id, room))

    async def _stream(self, requests: AsyncIterator[bytes]) -> None:
        """Serves a call with any number of messages."""
        self._begun = True
        try:
            await self._handler.stream(self._served, requests, self._write, self._task)
        except ZeroError as error:
            if not self.closed:
                self.fail(error)
        except Exception:
            self._defect()
        else:
            if not self.closed:
                if not self.head_sent:
                    self._send_head()
                self._succeed()

    async def _write(self, payload: bytes) -> None:
        """Sends a message; waits until it has been sent."""
        if self.closed:
            raise Cancelled("the call is over")
        if not self.head_sent:
            self._send_head()
        flushed = self._connection.sender.send(self, answers.message(payload))
        if flushed is not None:
            await flushed

    def _send_head(self) -> None:
        self.head_sent = True
        self._connection.write(answers.head(self.id, self._connection.lead()))

    def _succeed(self) -> None:
        self._connection.write(answers.ok(self.id))
        self.closed = True
        self._connection.finish(self)

    def _defect(self) -> None:
        """An exception that handlers do not raise: nobody shall wait for an answer that does not come."""
        _log.exception("%s could not be answered", self._handler.path)
        if not self.closed:
            self.fail(Internal("internal error"))


class SingleCall(Call):
    """A call with one request, served when that is complete."""

    __slots__ = ("_payload", "_timer")

    def __init__(self, connection: Connection, stream: int, head: Head, served: ServedCall) -> None:
        super().__init__(connection, stream, head, served)
        self._payload: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None

    def await_request(self) -> None:
        """Ends the call at its deadline if the request is not complete until then."""
        until = self._served.until
        if until is not None and not (self.ended or self.closed) and self._timer is None:
            self._timer = self._connection.loop.call_at(until, self._expire)

    def cancel(self) -> asyncio.Task[None] | None:
        self._stop_timer()
        return super().cancel()

    def _take(self, data: bytes) -> None:
        try:
            for payload, _ in self._assembler.feed(data):
                if self._payload is not None:
                    raise Internal(f"{self._handler.path} takes one request, these are several")
                self._payload = payload
        except ZeroError as error:
            self._fail(error)
        else:
            self._make_room(0)

    def _complete(self) -> None:
        if self._timer is not None:
            self._stop_timer()
        payload = self._payload
        if payload is None:
            self._fail(Internal(f"{self._handler.path} takes one request, there is none"))
        elif self._handler.kind is Kind.UNARY_UNARY:
            self._start(self._answer(payload))
        else:
            self._start(self._stream(Single(payload)))

    def _fail(self, error: ZeroError) -> None:
        self._stop_timer()
        self._begun = True
        self._handler.abandon(self._served, error)
        self.fail(error)

    async def _answer(self, payload: bytes) -> None:
        """Serves a call of one request and one response."""
        self._begun = True
        try:
            answer = await self._handler.unary(self._served, payload, self._task)
            if self.closed:
                return
            connection, sender = self._connection, self._connection.sender
            size = len(answer) + 5
            if not connection.unled and sender.fits(self, size):
                sender.window -= size
                self.closed = True
                connection.write(answers.whole(self.id, answer))
                connection.finish(self)
            else:
                await self._write(answer)
                self._succeed()
        except ZeroError as error:
            if not self.closed:
                self.fail(error)
        except Exception:
            self._defect()

    def _expire(self) -> None:
        self._fail(self._handler.overdue(self._served))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class StreamedCall(Call):
    """A call with any number of requests, served from its beginning."""

    __slots__ = ("_held", "_requests")

    def __init__(self, connection: Connection, stream: int, head: Head, served: ServedCall) -> None:
        super().__init__(connection, stream, head, served)
        self._requests = Requests(self._make_room)
        self._held = 0
        """Bytes that the connection knows to be here unread."""

    def start(self) -> None:
        self._start(self._serve())

    def cancel(self) -> asyncio.Task[None] | None:
        task = super().cancel()
        self._requests.abandon(Cancelled("the call is over"))
        return task

    async def _serve(self) -> None:
        try:
            await self._stream(self._requests)
        finally:
            self._requests.abandon(Cancelled("the call is over"))  # for those whom logic has left reading

    def _make_room(self, held: int) -> None:
        self._connection.intake.hold(held - self._held)
        self._held = held
        super()._make_room(held)

    def _take(self, data: bytes) -> None:
        if self._requests.closed:
            return  # an earlier request was of no use, and there is no more room for others
        try:
            for payload, size in self._assembler.feed(data):
                self._requests.put(payload, max(size, len(payload)))  # packed, it came as less
        except ZeroError as error:
            self._fail(error)
        else:
            self._make_room(self._requests.held)

    def _complete(self) -> None:
        self._requests.close(None)

    def _fail(self, error: ZeroError) -> None:
        self._requests.close(error)
