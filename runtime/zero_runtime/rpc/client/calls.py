"""The calls of one method, and what is around each: in the order and by the names of zrpc's interceptors.

Trace, duration and prometheus are one observer; then come breaker and timeout; inside of them is what go-zero
has none of: attempts, each at a server that the balancer chooses. It is put together once per method, so that
a call pays for what is on. Observer and breaker see a call once, however many attempts it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from google.protobuf.message import Message

from zero_runtime.errors import Internal
from zero_runtime.rpc.client.attempts import Attempts
from zero_runtime.rpc.client.backend import CallFailed
from zero_runtime.rpc.client.options import CallOptions
from zero_runtime.rpc.client.retry import Retry
from zero_runtime.rpc.client.servers import Servers
from zero_runtime.rpc.client.streams import Feed, Stream

if TYPE_CHECKING:
    from zero_runtime.observability.rpc import MethodObserver
    from zero_runtime.resilience.breaker import Breaker


T = TypeVar("T")


class Calls(Generic[T]):
    """Makes the calls of one method. They raise `ZeroError`."""

    def __init__(
        self,
        path: str,
        decode: Callable[[bytes], T],
        servers: Servers,
        retry: Retry,
        *,
        timeout: float | None,
        metadata: tuple[tuple[str, str | bytes], ...] = (),
        idempotent: bool = False,
        observer: MethodObserver | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        """``timeout`` is in seconds; of a stream it bounds how long the search for a server may take.
        ``metadata`` goes out with every call; ``idempotent`` is whether a call that a server may have seen
        can be made again.
        """
        self.path = path
        self._decode = decode
        self.servers = servers
        self.retry = retry
        self.timeout = timeout
        self.metadata = metadata
        self.idempotent = idempotent
        self.observer = observer
        self.breaker = breaker

    async def unary(self, request: Message, options: CallOptions) -> T:
        """One request, one response."""
        payload = request.SerializeToString()
        attempts = Attempts(self, options, streams=False)
        try:
            attempts.allow()
            while True:
                backend = attempts.pick() or await attempts.wait()
                attempts.begin(backend)
                try:
                    answer = await backend.call(self.path, payload, attempts.metadata, attempts.left)
                except CallFailed as failure:
                    pause = attempts.failed(failure)
                else:
                    response = self._decode(answer)
                    attempts.succeeded()
                    return response
                await asyncio.sleep(pause)
        except BaseException as error:
            attempts.over(error)
            raise

    def stream(self, requests: Message | AsyncIterable[Message], options: CallOptions) -> Stream[T]:
        """One request or a stream of them, a stream of responses."""
        if isinstance(requests, Message):
            return Stream(self._responses(requests.SerializeToString(), options))
        return Stream(self._responses(requests, options))

    async def collect(self, requests: AsyncIterable[Message], options: CallOptions) -> T:
        """A stream of requests, one response."""
        async with self.stream(requests, options) as responses:
            found = [response async for response in responses]
        if len(found) != 1:
            raise Internal(f"{self.servers.target}: {self.path} gave {len(found)} responses, not one")
        return found[0]

    async def _responses(
        self, requests: bytes | AsyncIterable[Message], options: CallOptions
    ) -> AsyncGenerator[T, None]:
        attempts = Attempts(self, options, streams=True)
        try:
            attempts.allow()
            while True:
                backend = attempts.pick() or await attempts.wait()
                attempts.begin(backend)
                feed = Feed(requests, backend.open(self.path, attempts.metadata, attempts.left))
                try:
                    while (payload := await feed.call.read()) is not None:
                        attempts.begun()
                        yield self._decode(payload)
                    attempts.succeeded()
                    return
                except CallFailed as failure:
                    if feed.failure is not None:
                        attempts.given_up()
                        raise feed.failure from None
                    pause = attempts.failed(failure, final=feed.taken)
                finally:
                    await feed.stop()
                await asyncio.sleep(pause)
        except BaseException as error:
            attempts.over(error)
            raise
