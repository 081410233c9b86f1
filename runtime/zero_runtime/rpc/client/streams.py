"""Calls of which the requests or the responses are streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from types import TracebackType
from typing import Generic, TypeVar

from google.protobuf.message import Message

from zero_runtime.deadline import cancelled_from_outside
from zero_runtime.errors import Cancelled
from zero_runtime.rpc.client.backend import StreamCall

T_co = TypeVar("T_co", covariant=True)


class Stream(AsyncIterator[T_co], Generic[T_co]):
    """The responses of a call, as the server sends them: ``async for event in client.watch(...)``.

    The call begins with the first response that is asked for, and iterating raises `ZeroError` when it fails.
    It is cancelled when the stream is left before its end: at the end of an ``async with`` block, by
    `aclose`, when the task that waits for a response is cancelled, or when nothing refers to the stream any
    more.
    """

    def __init__(self, responses: AsyncGenerator[T_co, None]) -> None:
        self._responses = responses
        self._reader: asyncio.Task[object] | None = None
        """Who waits for a response."""
        self._left: asyncio.Future[None] | None = None
        """Done when the reader has learned that somebody else has left the stream."""

    def __aiter__(self) -> Stream[T_co]:
        return self

    async def __anext__(self) -> T_co:
        if self._reader is not None:
            raise RuntimeError("another task waits for a response of this stream")
        self._reader = reader = asyncio.current_task()
        try:
            return await anext(self._responses)
        except asyncio.CancelledError:
            if self._left is None or reader is None or reader.uncancel() > 0:
                raise
            raise Cancelled("the stream was left") from None
        finally:
            self._reader = None
            if self._left is not None and not self._left.done():
                self._left.set_result(None)

    async def aclose(self) -> None:
        """Leaves the stream. Doing it twice, or after the last response, does no harm.

        A task that waits for a response meanwhile gets `Cancelled`.
        """
        if self._reader is not None:
            if self._left is None:
                self._left = asyncio.get_running_loop().create_future()
                self._reader.cancel()
            await asyncio.shield(self._left)
        await self._responses.aclose()

    async def __aenter__(self) -> Stream[T_co]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Feed:
    """Sends the requests of a call while its responses are read, each when the server takes it."""

    def __init__(self, requests: bytes | AsyncIterable[Message], call: StreamCall) -> None:
        """A single request, in bytes, may be sent again in another call."""
        self.call = call
        self.taken = False
        """Whether a stream of requests was begun, and cannot be sent again."""
        self.failure: Exception | None = None
        """What the stream of requests raised, if it did; the call is cancelled then."""
        self._sending = asyncio.get_running_loop().create_task(self._send(requests))

    async def stop(self) -> None:
        """Ends the call unless it has ended, asks for no more requests and lets who makes them clean up."""
        self.call.cancel()
        self._sending.cancel()
        await asyncio.wait([self._sending])

    async def _send(self, requests: bytes | AsyncIterable[Message]) -> None:
        call = self.call
        try:
            if isinstance(requests, bytes):
                goes_on = await call.write(requests)
            else:
                goes_on = await call.connected() and await self._send_all(requests)
            if goes_on:
                await call.done_writing()
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_from_outside():
                raise
            self.failure = error if isinstance(error, Exception) else Cancelled("the requests were cancelled")
            call.cancel()

    async def _send_all(self, requests: AsyncIterable[Message]) -> bool:
        """Returns whether the call still goes on."""
        self.taken = True
        iterator = aiter(requests)
        try:
            async for request in iterator:
                if not await self.call.write(request.SerializeToString()):
                    return False
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()
        return True
