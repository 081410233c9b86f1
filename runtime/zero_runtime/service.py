"""Runs a service: what the generated main modules call."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import uvloop

from zero_runtime import config, logs
from zero_runtime.errors import ZeroError

_log = logging.getLogger("zero.service")

_FAILED = 1
_MISCONFIGURED = 2
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

C = TypeVar("C", bound=config.ServiceConf)


class Server(Protocol):
    """What a service serves with: `rest.Server`, `rpc.Server`."""

    async def start(self) -> str:
        """Serves from now on; returns the address. Raises OSError when it cannot listen there."""

    def wrap_up(self) -> None:
        """Keeps serving, but tells whoever it can that it will not for long."""

    async def stop(self, grace: float) -> None:
        """Takes no new work, finishes what is in flight, gives it up after ``grace`` seconds."""


Wire = Callable[[C, AsyncExitStack], Awaitable[Server]]
"""Makes the server of a service from its configuration. What it opens for that it hands to the stack,
which closes it once the server has stopped."""


def run(kind: type[C], wire: Wire[C]) -> NoReturn:
    """Runs a service until SIGTERM or SIGINT, then drains it; ends the process.

    The configuration is of type ``kind``, from the file given by ``-f`` or the environment variable
    ZERO_CONFIG. The exit status is 0 after a signal, 2 when the configuration is wrong and 1 when the
    service cannot start. A second signal ends the process at once.
    """
    parser = argparse.ArgumentParser(description=kind.__doc__)
    parser.add_argument(
        "-f",
        "--config",
        metavar="FILE",
        type=Path,
        default=os.environ.get("ZERO_CONFIG") or None,
        help="YAML file of configuration (default: $ZERO_CONFIG, else embedded defaults)",
    )
    file = parser.parse_args().config
    try:
        conf = config.load(kind, file)
    except (config.ConfigError, config.InvalidValue) as error:
        print(error, file=sys.stderr)
        sys.exit(_MISCONFIGURED)
    logs.configure(conf.log, conf.name)
    _log.info("%s starts with %s", conf.name, file or "embedded defaults")
    try:
        sys.exit(uvloop.run(_serve(conf, wire)))
    except asyncio.CancelledError:  # a signal came before the service had started
        sys.exit(0)


async def _serve(conf: C, wire: Wire[C]) -> int:
    """The life of a service; returns the exit status. The first signal cancels it, wherever it is."""
    _cancel_on_signal()
    ready = asyncio.Event()
    async with AsyncExitStack() as resources:
        try:
            if conf.has_dev_server:
                await _serve_health(conf.dev_server, ready, resources)
            server = await wire(conf, resources)
            address = await server.start()
        except config.InvalidValue as error:
            _log.critical("the configuration cannot be used: %s", error)
            return _MISCONFIGURED
        except (OSError, ZeroError) as error:
            _log.critical("cannot start: %s", error)
            return _FAILED
        except Exception:
            _log.critical("cannot start", exc_info=True)
            return _FAILED
        _log.info("%s listens on %s", conf.name, address)
        ready.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            _log.info("%s stops", conf.name)
            ready.clear()
            server.wrap_up()
            await asyncio.sleep(conf.shutdown.wrap_up_time)
            await server.stop(conf.shutdown.wait_time)
    _log.info("%s has stopped", conf.name)
    return 0


def _cancel_on_signal() -> None:
    """Makes the next signal cancel the current task, and the one after that end the process."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def cancel() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, cancel)


async def _serve_health(conf: config.DevServerConf, ready: asyncio.Event, resources: AsyncExitStack) -> None:
    """Answers health checks on the administration port: 200 while the service takes work, else 503."""
    from zero_runtime import rest  # a service that needs no HTTP does not load it

    async def health(request: rest.Request) -> rest.Response:
        if ready.is_set():
            return rest.Response(200, b"OK", ((b"content-type", b"text/plain"),))
        return rest.problem(503, "the service takes no work now")

    server = rest.HttpServer(rest.App([rest.Route("GET", conf.health_path, health)]), conf.host, conf.port)
    _log.info("health checks are answered on %s%s", await server.start(), conf.health_path)
    resources.push_async_callback(server.stop, 1.0)
