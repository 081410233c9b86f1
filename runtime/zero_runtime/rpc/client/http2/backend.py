"""One address of a target and the connection to it, on HTTP/2 of our own."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from zero_runtime.errors import Unavailable, ZeroError
from zero_runtime.rpc.client.backend import Backend, CallFailed, StreamCall
from zero_runtime.rpc.client.http2.connection import Connection
from zero_runtime.rpc.client.http2.dialing import Dialing, Unconnected
from zero_runtime.rpc.client.http2.exchange import StreamExchange, UnaryExchange, too_large
from zero_runtime.rpc.client.options import Metadata

_log = logging.getLogger("zero.rpc")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
"""Seconds between the beginnings of two attempts to connect, and after many that failed."""

_GROWTH = 1.6
_JITTER = 0.2
"""gRPC's (https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md)."""

_CLOSING = 1.0
"""Seconds that the end of a connection may take."""


class Http2Backend(Backend):
    """Stays connected to one address and tells whenever the state of the connection has changed."""

    def __init__(self, address: str, changed: Callable[[], None], dialing: Dialing) -> None:
        super().__init__(address)
        self._dialing = dialing
        self._changed = changed
        self._connection: Connection | None = None
        """That which takes calls."""
        self._connections: set[Connection] = set()
        """All that have not ended."""
        self._reason: ZeroError = Unavailable("there is no connection yet")
        """Why there is none."""
        self._failed = False
        self._turn = random.randrange(1024)
        self._following = asyncio.get_running_loop().create_task(self._follow())

    def check(self) -> bool:
        connection = self._connection
        self.ready = connection is not None and connection.is_open
        return self.ready

    @property
    def failed(self) -> bool:
        return self._failed

    async def call(
        self, path: str, payload: bytes, metadata: Metadata | None, timeout: float | None
    ) -> bytes:
        connection = self._connection
        if connection is None:
            raise self._unconnected()
        limit = self._dialing.max_request
        if 0 < limit < len(payload):
            raise CallFailed(too_large(limit, payload), told=False)
        exchange = UnaryExchange(connection, path, metadata, timeout, payload)
        connection.open(exchange)
        return await exchange.answer()

    def open(self, path: str, metadata: Metadata | None, timeout: float | None) -> StreamCall:
        connection = self._connection
        if connection is None:
            return NoCall(self._unconnected())
        exchange = StreamExchange(connection, path, metadata, timeout)
        connection.open(exchange)
        return exchange

    def _stop_connecting(self) -> None:
        self._following.cancel()

    async def _close(self) -> None:
        self._connection = None
        self._reason = self.left
        connections = tuple(self._connections)
        for connection in connections:
            connection.close(CallFailed(self.left, told=False))
        if connections:
            await asyncio.wait([connection.lost for connection in connections], timeout=_CLOSING)
        for connection in connections:
            connection.abort()
        await asyncio.wait((self._following,))

    def _unconnected(self) -> CallFailed:
        return CallFailed(self._reason, told=False, unseen=True)

    def _forget(self, connection: Connection, _: object) -> None:
        self._connections.discard(connection)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        pause, dialing = _FIRST_PAUSE, self._dialing
        while True:
            begun = loop.time()
            try:
                connection = await dialing.connect(self.address, self._turn)
            except Exception as error:  # whatever it is: who stops trying never comes back
                if not isinstance(error, Unconnected):
                    _log.exception("%s: cannot connect", self.address)
                self._reason = Unavailable(str(error))
                self._failed = True
                self._changed()
                wait = pause * random.uniform(1 - _JITTER, 1 + _JITTER)
                pause = min(pause * _GROWTH, _LONGEST_PAUSE)
            else:
                self._connections.add(connection)
                connection.lost.add_done_callback(partial(self._forget, connection))
                wait = pause = _FIRST_PAUSE
                self._failed = False
                self._connection = connection
                self.check()
                self._changed()
                await asyncio.shield(connection.left)
                if connection.too_many_pings:
                    dialing = replace(dialing, keepalive=dialing.keepalive * 2)
                self._connection = None
                self._reason = Unavailable(connection.reason or "the server has left")
                self.check()
                self._changed()
            self._turn += 1
            await asyncio.sleep(max(begun + wait - loop.time(), 0))


class NoCall(StreamCall):
    """A call for which there is no connection."""

    def __init__(self, failure: CallFailed) -> None:
        self._failure = failure

    async def connected(self) -> bool:
        return False

    async def read(self) -> bytes | None:
        raise self._failure

    async def write(self, message: bytes) -> bool:
        return False

    async def done_writing(self) -> None:
        pass

    def cancel(self) -> None:
        pass
