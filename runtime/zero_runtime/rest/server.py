"""HTTP servers: uvicorn on a socket of ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable, Iterator

import uvicorn

from zero_runtime.config import RestConf
from zero_runtime.rest.app import App
from zero_runtime.rest.routing import Route

_KEEP_ALIVE = 75
"""Seconds that an idle connection is kept. Load balancers drop theirs after a minute; a server that is
quicker now and then closes a connection just when they send a request down it."""

_BACKLOG = 2048
"""Connections that may wait to be accepted, as far as the system lets them."""


class HttpServer:
    """Serves an ASGI application on ``host`` and ``port``; port 0 takes any free one."""

    def __init__(self, app: App, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE,
            )
        )

    async def start(self) -> str:
        """Serves from now on; returns the address. Raises OSError when it cannot listen there."""
        listener = _listen(self._host, self._port)
        self._serving = asyncio.create_task(self._uvicorn.serve(sockets=[listener]))
        while not (self._uvicorn.started or self._serving.done()):
            await asyncio.sleep(0)
        if not self._uvicorn.started:
            await self._serving  # raises what kept it from serving
        host, port = listener.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self, grace: float) -> None:
        """Takes no more connections, finishes what is in flight, cancels it after ``grace`` seconds."""
        # Declared as whole seconds, it is handed to asyncio as it is.
        self._uvicorn.config.timeout_graceful_shutdown = grace  # type: ignore[assignment]
        self._uvicorn.should_exit = True
        await self._serving


class Server(HttpServer):
    """The HTTP service that ``conf`` describes."""

    def __init__(self, conf: RestConf, routes: Iterable[Route]) -> None:
        """Raises ValueError when two routes answer the same requests."""
        limits = App(
            routes, timeout=conf.timeout / 1000, max_bytes=conf.max_bytes, access_log=conf.middlewares.log
        )
        super().__init__(limits, conf.host, conf.port)

    def wrap_up(self) -> None:
        """Nothing: balancers ask the health check, and connections that are open stay good until `stop`."""


class _Uvicorn(uvicorn.Server):
    """uvicorn with its hands off the signals: they are the service's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    listener = None
    try:
        infos = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = infos[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        return listener
    except OSError as error:
        if listener is not None:
            listener.close()
        reason = (error.strerror or str(error)).lower()
        raise OSError(f"cannot listen on {host}:{port}: {reason}") from None
