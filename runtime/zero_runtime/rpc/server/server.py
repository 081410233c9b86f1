"""The gRPC server of a service: of no transport."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from zero_runtime.config import RpcServerConf
from zero_runtime.discovery import Announcement, announce
from zero_runtime.resilience import Governor
from zero_runtime.rpc.server.handlers import handlers
from zero_runtime.rpc.server.health import Health
from zero_runtime.rpc.server.listening import reachable
from zero_runtime.rpc.server.pipeline import Handler
from zero_runtime.rpc.server.transport import Transport
from zero_runtime.rpc.service import Service

_log = logging.getLogger("zero.rpc")


class Server:
    """Serves services on ``ListenOn``; beside them health (``grpc.health.v1``), and reflection in the modes
    ``dev`` and ``test``.

    A `ZeroError` reaches the caller as it was raised. Any other exception is logged and becomes INTERNAL
    without a word about what it was. A call ends at its method's time limit or, if that is sooner, its
    caller's deadline.
    """

    def __init__(self, conf: RpcServerConf, services: Sequence[Service]) -> None:
        self._conf = conf
        self._services = tuple(services)
        self._governor = Governor(conf, breaker=conf.middlewares.breaker)
        self._health = Health(service.name for service in self._services)
        self._transport: Transport | None = None
        self._announcement: Announcement | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Listens, serves, announces itself where ``conf`` says; returns the address it is reached at from
        here.

        Raises OSError when it cannot listen or announce itself, InvalidValue when a setting is of no use.
        """
        try:
            found = handlers(self._conf, self._services, self._own(), self._governor)
            await self._governor.start()
            transport = self._carrier(found)
            port = await transport.start()
            self._transport = transport
            address = f"{reachable(self._conf.listen_on.rpartition(':')[0])}:{port}"
            self._announcement = await announce(self._conf, address)
        except BaseException:
            await self.stop(0)
            raise
        return address

    def wrap_up(self) -> None:
        """Goes on serving, but tells health checks and registries that it is leaving."""
        if self._leaving is None:
            self._health.leave()
            self._leaving = asyncio.get_running_loop().create_task(self._withdraw())

    async def stop(self, grace: float) -> None:
        """Refuses new calls, gives those in flight ``grace`` seconds to finish and cancels the rest."""
        self.wrap_up()
        if self._leaving is not None:
            await self._leaving
        self._health.stop()
        if self._transport is not None:
            await self._transport.stop(grace)
        await self._governor.stop()

    def _carrier(self, handlers: Mapping[str, Handler]) -> Transport:
        """What carries calls to these handlers."""
        from zero_runtime.rpc.http2.transport import Http2Transport

        return Http2Transport(self._conf, handlers)

    def _own(self) -> list[Service]:
        """The services that every server has."""
        own = [self._health.service] if self._conf.health else []
        if self._conf.mode in ("dev", "test"):
            from zero_runtime.rpc.server.reflection import reflection

            own += reflection(service.name for service in (*self._services, *own))
        return own

    async def _withdraw(self) -> None:
        if self._announcement is not None:
            try:
                await self._announcement.withdraw()
            except Exception:
                _log.exception("cannot withdraw the announcement")
