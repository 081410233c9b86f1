"""The administration port: whether the process is alive, whether it takes work, its metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

from zero_runtime.config import DevServerConf
from zero_runtime.observability import CONTENT_TYPE, Metrics

_PATIENCE = 5.0
"""Seconds that a client may take to send the head of a request."""

_GRACE = 1.0
"""Seconds that answers in flight have when the service has stopped."""

_TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)

_log = logging.getLogger("zero.service")


async def serve(
    conf: DevServerConf, takes_work: Callable[[], bool], metrics: Metrics | None, resources: AsyncExitStack
) -> None:
    """Serves until ``resources`` is closed. Raises OSError when it cannot listen."""
    from zero_runtime import rest  # a service that needs no HTTP does not load it
    from zero_runtime.rest.server import HttpServer

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

    routes = [rest.Route("GET", conf.health_path, alive), rest.Route("GET", conf.ready_path, ready)]
    if metrics is not None:
        routes.append(rest.Route("GET", conf.metrics_path, exposition))
    server = HttpServer(rest.App(routes), conf.host, conf.port, arrival=_PATIENCE)
    address = await server.start()
    resources.push_async_callback(server.stop, _GRACE)
    _log.info("health checks are answered on %s%s", address, conf.health_path)
