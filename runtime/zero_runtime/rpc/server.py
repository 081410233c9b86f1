"""The gRPC server of a service."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from zero_runtime.config import RpcServerConf
from zero_runtime.deadline import cancelled_from_outside, served_until
from zero_runtime.discovery import Announcement, local_registry
from zero_runtime.errors import DeadlineExceeded, Internal, ZeroError
from zero_runtime.rpc.service import Method, Service
from zero_runtime.rpc.status import grpc_code, grpc_message, grpc_trailers

_log = logging.getLogger("zero.rpc")

_OPTIONS = (
    # A second server on the same port is an error, not a silent sharer of its calls.
    ("grpc.so_reuseport", 0),
    # Clients may ping idle connections every 10 seconds.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # A peer that vanished without a word is noticed after 60 + 20 seconds.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Clients that balance by DNS learn of new servers when they reconnect, so they have to now and then.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
)

_Endpoint = Callable[[bytes, "grpc.aio.ServicerContext[bytes, bytes]"], Awaitable[bytes]]


class Server:
    """Serves services on ``ListenOn``, and the health service of gRPC (``grpc.health.v1``) beside them.

    A `ZeroError` reaches the caller as it was raised. Any other exception is logged and becomes INTERNAL
    without a word about what it was. A call ends at ``Timeout`` or, if that is sooner, the caller's deadline.
    """

    def __init__(self, conf: RpcServerConf, services: Sequence[Service]) -> None:
        self._conf = conf
        self._services = tuple(services)
        self._server: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()
        self._announcement: Announcement | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Binds, serves, announces itself where ``Register`` says; returns the address it is reachable at.

        Raises OSError when it cannot listen or announce itself, InvalidValue when its name fits no registry.
        """
        host, _, port = self._conf.listen_on.rpartition(":")
        _check_free(host, int(port), self._conf.listen_on)
        timeout = self._conf.timeout / 1000 or None
        self._server = server = grpc.aio.server(options=_OPTIONS)
        for service in self._services:
            handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
                method.name: grpc.unary_unary_rpc_method_handler(_endpoint(service.name, method, timeout))
                for method in service.methods
            }
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.name, handlers),))
            await self._health.set(service.name, health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        try:
            bound = server.add_insecure_port(f"{host or '[::]'}:{port}")
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._conf.listen_on}: {error}") from error
        await server.start()
        address = f"{_reachable(host)}:{bound}"
        if self._conf.register == "local":
            self._announcement = local_registry().announce(self._conf.name, address)
        return address

    def wrap_up(self) -> None:
        """Goes on serving, but tells registry and health checks that it is leaving."""
        if self._leaving is None:
            if self._announcement is not None:
                self._announcement.withdraw()
            self._leaving = asyncio.get_running_loop().create_task(self._health.enter_graceful_shutdown())

    async def stop(self, grace: float) -> None:
        """Refuses new calls, gives those in flight ``grace`` seconds to finish and cancels the rest."""
        self.wrap_up()
        if self._leaving is not None:
            await self._leaving
        if self._server is not None:
            await self._server.stop(grace)


def _endpoint(service: str, method: Method, timeout: float | None) -> _Endpoint:
    path = f"/{service}/{method.name}"
    call = method.call

    async def serve(payload: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        # gRPC itself cancels this task at the caller's deadline, so the timer is for the server's own limit.
        limits = [limit for limit in (timeout, context.time_remaining()) if limit is not None]
        served_until.set(asyncio.get_running_loop().time() + min(limits) if limits else None)
        timer = asyncio.timeout(timeout)
        failure: ZeroError
        try:
            async with timer:
                return await call(payload)
        except ZeroError as error:
            failure = error
            if error.code.http >= 500:
                _log.error("%s: %s", path, error, exc_info=error.__cause__)
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and cancelled_from_outside():
                raise
            if isinstance(error, TimeoutError) and timer.expired():
                failure = DeadlineExceeded(f"{path} took longer than {timeout:g} s")
                _log.error("%s", failure.message)
            else:
                failure = Internal("internal error")
                _log.exception("%s failed", path)
        context.set_code(grpc_code(failure))
        context.set_details(grpc_message(failure))
        context.set_trailing_metadata(grpc_trailers(failure))
        return b""  # gRPC sends no message with a status other than OK

    return serve


def _check_free(host: str, port: int, listen_on: str) -> None:
    """Asks the socket API first: it knows why an address cannot be had, which gRPC does not tell."""
    if port > 65535:  # getaddrinfo and gRPC take it modulo 65536
        raise OSError(f"cannot listen on {listen_on}: ports end at 65535")
    try:
        infos = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        failures = [failure for info in infos if (failure := _bind_failure(info[0], info[4])) is not None]
    except OSError as error:
        raise OSError(f"cannot listen on {listen_on}: {error.strerror}") from None
    # A name may stand for addresses of which this machine lacks some; gRPC takes the others.
    fatal = [failure for failure in failures if failure.errno in (errno.EADDRINUSE, errno.EACCES)]
    if fatal or len(failures) == len(infos):
        raise OSError(
            f"cannot listen on {listen_on}: {os.strerror((fatal or failures)[0].errno or 0).lower()}"
        )


def _bind_failure(family: int, address: tuple[str | int, ...] | tuple[int, bytes]) -> OSError | None:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _reachable(host: str) -> str:
    """The host under which a server on this host is reached from this machine."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "[::]") else host
