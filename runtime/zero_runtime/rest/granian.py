"""HTTP on Granian: its connections are kept by threads of Rust, requests are served on the event loop.

For ``http_server="granian"``; nothing else imports Granian. It wins over uvicorn with many connections, and
speaks HTTP/2.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from granian._granian import SocketHolder
from granian.constants import SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server as Embedded

from zero_runtime.config import RestConf
from zero_runtime.rest import rsgi
from zero_runtime.rest.application import application
from zero_runtime.rest.listening import address_of, listen
from zero_runtime.rest.routing import Route
from zero_runtime.rest.tls import server_context

_HEAD_LIMIT = 65536
"""Most bytes that the head of a request may have, as in `fast`."""

_KEEP_ALIVE = 75.0
"""Seconds that a connection may wait for the next request, as in `server`; the head of a request, too, for
Granian does not tell the one from the other."""

_MOST_REQUESTS = 65536
"""Requests that Granian lets in at a time: far more than ``MaxConns``, which is who refuses some."""


class Server:
    """The HTTP service that ``conf`` describes."""

    def __init__(
        self, conf: RestConf, routes: Iterable[Route], openapi: Callable[[], bytes] | None = None
    ) -> None:
        """``openapi`` gives the description that is served in the mode ``dev``.

        Raises ValueError when two routes answer the same requests, InvalidValue when the certificate is of
        no use.
        """
        self._conf = conf
        self._app = application(conf, routes, openapi)
        self._tls = server_context(conf.cert_file, conf.key_file) is not None
        self._requests: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Serves from now on; returns the address. Raises OSError when it cannot listen there."""
        return await self.start_on(listen(self._conf.host, self._conf.port))

    async def start_on(self, listener: socket.socket) -> str:
        """Serves from now on, on a socket that other processes may serve on too; returns the address."""
        await self._app.start()
        self._granian = _Granian(self._conf, listener, self._serve)
        self._serving = asyncio.create_task(self._granian.serve())
        while not (self._granian.wrks or self._serving.done()):
            await asyncio.sleep(0)
        if self._serving.done():
            await self._serving  # raises what kept it from serving
        address = address_of(listener, tls=self._tls)
        listener.close()  # Granian has its own hold on it
        return address

    def wrap_up(self) -> None:
        """Nothing: balancers ask the health check, and connections that are open stay good until `stop`."""

    async def stop(self, grace: float) -> None:
        """Takes no more connections, finishes what is in flight, cancels it after ``grace`` seconds."""
        self._granian.stop()  # type: ignore[no-untyped-call]
        self._app.streams.stop()
        try:
            await asyncio.wait_for(asyncio.shield(self._serving), grace)
        except TimeoutError:
            for request in self._requests:
                request.cancel()
            await self._serving
        await self._app.stop()

    async def _serve(self, scope: rsgi.Scope, protocol: rsgi.Protocol) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._requests.add(task)
        try:
            await rsgi.serve(self._app, scope, protocol)
        finally:
            self._requests.discard(task)


class _Granian(Embedded):
    """Granian in the event loop that is running, on a socket of ours."""

    def __init__(self, conf: RestConf, listener: socket.socket, target: Callable[..., object]) -> None:
        self._listener = listener
        files = [Path(file) if file else None for file in (conf.cert_file, conf.key_file)]
        super().__init__(
            target,
            websockets=False,
            backpressure=_MOST_REQUESTS,
            http1_settings=HTTP1Settings(
                header_read_timeout=int(_KEEP_ALIVE * 1000), max_buffer_size=_HEAD_LIMIT
            ),
            log_enabled=False,
            ssl_cert=files[0],
            ssl_key=files[1],
            ssl_protocol_min=SSLProtocols.tls12,
        )

    def _init_shared_socket(self) -> None:
        self._ssp = None
        # What Granian pickles for its own workers: descriptor, whether it is a Unix socket, backlog.
        holder: Any = SocketHolder
        self._shd = holder(os.dup(self._listener.fileno()), False, socket.SOMAXCONN)
