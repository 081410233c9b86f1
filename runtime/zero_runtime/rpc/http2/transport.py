"""The transport of `rpc.Server`: see `zero_runtime.rpc.server.transport.Transport`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from zero_runtime.config import RpcServerConf
from zero_runtime.rpc.http2.connection import Connection
from zero_runtime.rpc.http2.serving import Serving
from zero_runtime.rpc.server.listening import listen
from zero_runtime.rpc.server.pipeline import Handler
from zero_runtime.rpc.server.tls import server_context

_HANDSHAKE = 10.0
"""Seconds that the handshake of TLS may take."""

_CLEAN_UP = 1.0
"""Seconds that cancelled calls have to clean up, and their clients to take the last frames."""


class Http2Transport:
    """Serves gRPC with connections of our own."""

    def __init__(self, conf: RpcServerConf, handlers: Mapping[str, Handler]) -> None:
        self._conf = conf
        self._serving = Serving(
            handlers={path.encode(): handler for path, handler in handlers.items()},
            keepalive=conf.keepalive,
            max_request=conf.max_recv_msg_size,
        )
        self._servers: list[asyncio.Server] = []

    async def start(self) -> int:
        """Listens; returns the port. Raises OSError and InvalidValue."""
        context = server_context(self._conf)
        self._serving.tls = context is not None
        loop = asyncio.get_running_loop()
        listeners = listen(self._conf.listen_on)
        for listener in listeners:
            server = await loop.create_server(
                lambda: Connection(self._serving),
                sock=listener,
                ssl=context,
                ssl_handshake_timeout=None if context is None else _HANDSHAKE,
            )
            self._servers.append(server)
        port: int = listeners[0].getsockname()[1]
        return port

    async def stop(self, grace: float) -> None:
        """Takes no new calls, lets those in flight finish, cancels them after ``grace`` seconds."""
        for server in self._servers:
            server.close()
        self._serving.stopping = True
        connections = self._serving.connections
        if grace > 0:
            for connection in tuple(connections):
                connection.drain()
            await self._wait_until_empty(grace)
        cancelled = [
            task for connection in tuple(connections) for task in connection.give_up("the service stops")
        ]
        if cancelled:
            await asyncio.wait(cancelled, timeout=_CLEAN_UP)
        await self._wait_until_empty(_CLEAN_UP)
        for connection in tuple(connections):
            connection.abort()

    async def _wait_until_empty(self, seconds: float) -> None:
        if self._serving.connections:
            self._serving.empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._serving.empty.wait()
