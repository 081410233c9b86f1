"""Runs a service: what the generated main modules call."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar, runtime_checkable

import uvloop

from zero_runtime import admin, config, observability
from zero_runtime.starting import FAILED, CannotStart, Stop, configured, starting

if TYPE_CHECKING:
    from zero_runtime.workers import Post

_log = logging.getLogger("zero.service")

C = TypeVar("C", bound=config.ServiceConf)


class Server(Protocol):
    """What a service serves with: `rest.Server`, `rpc.Server`."""

    async def start(self) -> str:
        """Serves from now on; returns the address. Raises OSError when it cannot listen there."""

    def wrap_up(self) -> None:
        """Keeps serving, but tells whoever it can that it will not for long."""

    async def stop(self, grace: float) -> None:
        """Takes no new work, finishes what is in flight, gives it up after ``grace`` seconds."""


@runtime_checkable
class SharingServer(Server, Protocol):
    """What several processes can serve one port with: `rest.Server`."""

    async def start_on(self, listener: socket.socket) -> str:
        """Serves from now on, on a socket that others may serve on too; returns the address."""


Wire = Callable[[C, AsyncExitStack], Awaitable[Server]]
"""Makes the server of a service from its configuration. What it opens for that it hands to the stack,
which closes it once the server has stopped."""


def run(kind: type[C], wire: Wire[C]) -> NoReturn:
    """Runs a service until SIGTERM or SIGINT, then drains it; ends the process.

    The configuration is of type ``kind``, from the file given by ``-f`` or the environment variable
    ZERO_CONFIG. The exit status is 0 after a signal, 2 when the configuration is wrong and 1 when the
    service cannot start. A second signal ends the process at once.
    """
    conf = configured(kind)
    metrics = observability.Metrics(workers=_workers(conf)) if conf.has_metrics else None
    if _workers(conf) > 1:
        sys.exit(_share(conf, wire, metrics))
    sys.exit(_work(conf, wire, metrics))


def _workers(conf: config.ServiceConf) -> int:
    return conf.workers if isinstance(conf, config.RestConf) else 1


def _share(conf: C, wire: Wire[C], metrics: observability.Metrics | None) -> int:
    """Serves with several processes; returns the exit status."""
    from zero_runtime.rest import listening
    from zero_runtime.workers import Keeper

    assert isinstance(conf, config.RestConf)
    try:
        listeners = listening.listen_for(conf.workers, conf.host, conf.port)
    except OSError as error:
        _log.critical("cannot start: %s", error)
        return FAILED
    return Keeper(
        conf,
        listeners,
        listening.url(conf, listeners[0]),
        work=lambda post: _work(conf, wire, metrics, post),
        administer=(lambda post: _administer(conf, metrics, post)) if conf.has_admin else None,
    ).run()


def _work(conf: C, wire: Wire[C], metrics: observability.Metrics | None, post: Post | None = None) -> int:
    """Serves with this process, all alone or as one of several; returns the exit status."""
    if metrics is not None:
        metrics.attach(post.index if post else 0)
    try:
        return uvloop.run(_serve(conf, wire, metrics, post))
    except CannotStart as error:
        return error.status
    except asyncio.CancelledError:  # a signal came before the service had started
        return 0


async def _serve(conf: C, wire: Wire[C], metrics: observability.Metrics | None, post: Post | None) -> int:
    """The life of a service; returns the exit status. The first signal cancels it, wherever it is."""
    Stop(post)
    ready = asyncio.Event()
    async with AsyncExitStack() as resources:
        with starting():
            if tracer := observability.start_tracer(conf):
                resources.push_async_callback(asyncio.to_thread, tracer.stop)
            if post is None and conf.has_admin:
                await admin.serve(conf, ready.is_set, metrics, resources)
            server = await wire(conf, resources)
            address = await _start(server, post)
        gc.collect()
        gc.freeze()  # what is there now stays: the collector need not look at it again and again
        ready.set()
        if post is None:
            _log.info("%s listens on %s", conf.name, address)
        else:
            post.tell(ready=True)
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            ready.clear()
            if post is None:
                _log.info("%s stops", conf.name)
            else:
                post.tell(ready=False)
            server.wrap_up()
            await asyncio.sleep(conf.shutdown.wrap_up_time)
            await server.stop(conf.shutdown.wait_time)
    if post is None:
        _log.info("%s has stopped", conf.name)
    return 0


async def _start(server: Server, post: Post | None) -> str:
    if post is None:
        return await server.start()
    assert isinstance(server, SharingServer)
    assert post.listener is not None
    return await server.start_on(post.listener)


def _administer(conf: config.ServiceConf, metrics: observability.Metrics | None, post: Post) -> int:
    """Serves the administration port for all workers; returns the exit status."""

    async def serve() -> int:
        Stop(post)
        async with AsyncExitStack() as resources:
            with starting():
                await admin.serve(conf, post.takes_work, metrics, resources)
            post.tell(ready=True)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()
        return 0

    try:
        return uvloop.run(serve())
    except CannotStart as error:
        return error.status
