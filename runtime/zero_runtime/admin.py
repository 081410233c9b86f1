"""The ports for those who run a service: is it alive, does it take work, its metrics, its profile."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from zero_runtime.config import RestConf, ServiceConf
from zero_runtime.observability import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    from zero_runtime import rest

_PATIENCE = 5.0
"""Seconds that a client may take to send the head of a request."""

_GRACE = 1.0
"""Seconds that answers in flight have when the service has stopped."""

PROFILE_PATH = "/debug/pprof/profile"
"""Where go-zero has it, too."""

_PROFILED, _LONGEST = 10.0, 60.0
"""Seconds that a profile takes if nobody says, and at most."""

_TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)

_log = logging.getLogger("zero.service")


async def serve(
    conf: ServiceConf, takes_work: Callable[[], bool], metrics: Metrics | None, resources: AsyncExitStack
) -> None:
    """Serves the administration port, and that of Prometheus, as far as the configuration has them, until
    ``resources`` is closed. Raises OSError when it cannot listen."""
    from zero_runtime import rest  # a service that needs no HTTP does not load it

    async def alive(request: rest.Request) -> rest.Response:
        return rest.Response(200, b"OK", _TEXT)

    async def ready(request: rest.Request) -> rest.Response:
        if takes_work():
            return rest.Response(200, b"OK", _TEXT)
        return rest.Response(503, b"the service takes no work now", _TEXT)

    async def exposition(request: rest.Request) -> rest.Response:
        assert metrics is not None
        # It takes long enough to be felt by the requests that are being served.
        text = await asyncio.to_thread(metrics.exposition)
        return rest.Response(200, text, ((b"content-type", CONTENT_TYPE),))

    if conf.has_dev_server:
        dev = conf.dev_server
        routes = [rest.Route("GET", dev.health_path, alive), rest.Route("GET", dev.ready_path, ready)]
        if metrics is not None and dev.enable_metrics:
            routes.append(rest.Route("GET", dev.metrics_path, exposition))
        if dev.enable_pprof:
            routes.append(rest.Route("GET", PROFILE_PATH, _profiler(conf)))
        address = await _listen(routes, dev.host, dev.port, resources)
        _log.info("health checks are answered on %s%s", address, dev.health_path)
    if metrics is not None and conf.prometheus.host:
        own = conf.prometheus
        address = await _listen([rest.Route("GET", own.path, exposition)], own.host, own.port, resources)
        _log.info("metrics are told on %s%s", address, own.path)


async def _listen(routes: Sequence[rest.Route], host: str, port: int, resources: AsyncExitStack) -> str:
    """Serves these routes; returns the address."""
    from zero_runtime import rest
    from zero_runtime.rest.server import HttpServer

    server = HttpServer(rest.App(routes), host, port, arrival=_PATIENCE)
    address = await server.start()
    resources.push_async_callback(server.stop, _GRACE)
    return address


def _profiler(conf: ServiceConf) -> Callable[[rest.Request], Awaitable[rest.Response]]:
    """Answers where this process spends its time in the next seconds."""
    from zero_runtime import rest
    from zero_runtime.observability.profile import profile

    busy = asyncio.Lock()

    async def answer(request: rest.Request) -> rest.Response:
        if isinstance(conf, RestConf) and conf.workers > 1:
            return rest.Response(501, b"each worker is a process of its own: set `Workers: 1`", _TEXT)
        (text,) = parse_qs(request.query.decode("latin-1")).get("seconds", [f"{_PROFILED}"])[-1:]
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= _LONGEST:
            return rest.Response(400, f"`seconds` is up to {_LONGEST:g}".encode(), _TEXT)
        if busy.locked():
            return rest.Response(409, b"somebody else is waiting for a profile", _TEXT)
        stop = threading.Event()
        async with busy:
            try:
                text = await asyncio.to_thread(profile, seconds, stop)
            finally:
                stop.set()  # who asked has left, or the service stops: it does not wait for threads to end
        return rest.Response(200, text.encode(), _TEXT)

    return answer
