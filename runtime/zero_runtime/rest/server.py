"""HTTP servers: uvicorn on a socket of ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator

import uvicorn

from zero_runtime.config import RestConf
from zero_runtime.rest.app import App
from zero_runtime.rest.application import application
from zero_runtime.rest.listening import address_of, listen
from zero_runtime.rest.routing import Route
from zero_runtime.rest.tls import server_context

_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept. Load balancers drop theirs after a minute; a server that is
quicker now and then closes a connection just when they send a request down it."""

_KNOWN = "0.54."
"""The releases of uvicorn whose inside the fast path was made for."""

_log = logging.getLogger("zero.rest")


class HttpServer:
    """Serves an application on ``host`` and ``port``; port 0 takes any free one.

    ``arrival`` is how long a client may take to send the head of a request, in seconds; 0 is no limit.
    """

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        *,
        arrival: float = 0,
        tls: ssl.SSLContext | None = None,
        fast: bool = True,
    ) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._tls = tls
        config = uvicorn.Config(
            app,
            http=_protocol(app, arrival) if fast else "httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            ssl_context_factory=None if tls is None else lambda *_: tls,
        )
        self._uvicorn = _Uvicorn(config)

    async def start(self) -> str:
        """Serves from now on; returns the address. Raises OSError when it cannot listen there."""
        return await self.start_on(listen(self._host, self._port))

    async def start_on(self, listener: socket.socket) -> str:
        """Serves from now on, on a socket that other processes may serve on too; returns the address."""
        await self._app.start()
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[listener]))
        while not (self._uvicorn.started or self._serving.done()):
            await asyncio.sleep(0)
        if not self._uvicorn.started:
            await self._serving  # raises what kept it from serving
        return address_of(listener, tls=self._tls is not None)

    async def stop(self, grace: float) -> None:
        """Takes no more connections, finishes what is in flight, cancels it after ``grace`` seconds."""
        # Declared as whole seconds, it is handed to asyncio as it is.
        self._uvicorn.config.timeout_graceful_shutdown = grace  # type: ignore[assignment]
        self._uvicorn.should_exit = True
        self._app.streams.stop()
        await self._serving
        await self._app.stop()


class Server(HttpServer):
    """The HTTP service that ``conf`` describes."""

    def __init__(
        self, conf: RestConf, routes: Iterable[Route], openapi: Callable[[], bytes] | None = None
    ) -> None:
        """``openapi`` gives the description that is served in the mode ``dev``.

        Raises ValueError when two routes answer the same requests, InvalidValue when the certificate is of
        no use.
        """
        super().__init__(
            application(conf, routes, openapi),
            conf.host,
            conf.port,
            arrival=conf.timeout / 1000,
            tls=server_context(conf.cert_file, conf.key_file),
        )

    def wrap_up(self) -> None:
        """Nothing: balancers ask the health check, and connections that are open stay good until `stop`."""


def _protocol(app: App, arrival: float) -> type[asyncio.Protocol] | str:
    """uvicorn's protocol with a fast path, or as it is when this uvicorn is another than we know."""
    if not uvicorn.__version__.startswith(_KNOWN):
        _log.warning(
            "uvicorn %s is served without its fast path, which was made for %s", uvicorn.__version__, _KNOWN
        )
        return "httptools"
    from zero_runtime.rest.fast import fast_protocol

    return fast_protocol(app, arrival=arrival, idle=_KEEP_ALIVE)


class _Uvicorn(uvicorn.Server):
    """uvicorn with its hands off the signals: they are the service's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
