"""The client's way to the servers of a target."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from zero_runtime.config import InvalidValue, RpcClientConf
from zero_runtime.discovery import resolver_for
from zero_runtime.errors import Internal
from zero_runtime.observability import client_observer
from zero_runtime.resilience.breaker import Breaker
from zero_runtime.rpc.client.backend import Backend
from zero_runtime.rpc.client.balancer import Balancer
from zero_runtime.rpc.client.balancer.consistent_hash import ConsistentHash
from zero_runtime.rpc.client.balancer.p2c import P2c
from zero_runtime.rpc.client.calls import Calls
from zero_runtime.rpc.client.options import CallOptions
from zero_runtime.rpc.client.retry import Retry
from zero_runtime.rpc.client.servers import Connect, Servers
from zero_runtime.rpc.client.streams import Stream

Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


def connect(conf: RpcClientConf) -> Channel:
    """A channel as configured. It waits for no server, so services start in any order.

    Raises `zero_runtime.discovery.TargetError` when the target is written wrongly, `InvalidValue` when a file
    of TLS is of no use.
    """
    return Channel(conf)


class Channel:
    """Calls methods of the services of a target, whichever of its servers takes the call.

    An async context manager: connections exist inside of it only. At its end calls under way are cancelled.
    """

    def __init__(self, conf: RpcClientConf) -> None:
        resolver = resolver_for(conf)
        hashed = conf.balancer_name == "consistent_hash"
        balancer: Balancer[Backend] = ConsistentHash() if hashed else P2c()
        dial = _dial(conf, resolver.server_name)
        self._conf = conf
        # Clients agree on the server of a key only when they know the same servers.
        self._servers = Servers(resolver, balancer, dial, size=0 if hashed else conf.subset)
        self._retry = Retry(conf.retry, resolver.target)
        self._observer = client_observer(conf, resolver.target)
        self._timeout = conf.timeout / 1000 if conf.timeout and conf.middlewares.timeout else None
        self._metadata = _credentials(conf)
        self._breakers: dict[str, Breaker] = {}

    async def __aenter__(self) -> Channel:
        self._servers.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._servers.close()

    def unary_unary(
        self, path: str, request: type[Req], response: type[Resp], *, idempotent: bool = False
    ) -> Callable[[Req, CallOptions], Awaitable[Resp]]:
        """A function that calls the method ``path`` (``/user.User/Login``); it raises `ZeroError`.

        ``idempotent`` says that a call which may have been served can be made again.
        """
        return self._calls(path, response, idempotent, streams=False).unary

    def unary_stream(
        self, path: str, request: type[Req], response: type[Resp], *, idempotent: bool = False
    ) -> Callable[[Req, CallOptions], Stream[Resp]]:
        """The same for a method that answers with a stream; once that has begun, it is not called again."""
        return self._calls(path, response, idempotent, streams=True).stream

    def stream_unary(
        self, path: str, request: type[Req], response: type[Resp], *, idempotent: bool = False
    ) -> Callable[[AsyncIterable[Req], CallOptions], Awaitable[Resp]]:
        """The same for a method whose requests are a stream; what that raises comes back from the call."""
        return self._calls(path, response, idempotent, streams=True).collect

    def stream_stream(
        self, path: str, request: type[Req], response: type[Resp], *, idempotent: bool = False
    ) -> Callable[[AsyncIterable[Req], CallOptions], Stream[Resp]]:
        """The same for a method of streams both ways."""
        return self._calls(path, response, idempotent, streams=True).stream

    def _calls(self, path: str, response: type[Resp], idempotent: bool, *, streams: bool) -> Calls[Resp]:
        observer = self._observer
        return Calls(
            path,
            _decoder(path, response),
            self._servers,
            self._retry,
            timeout=self._timeout,
            metadata=self._metadata,
            idempotent=idempotent,
            observer=None if observer is None else observer.method(path, streams=streams),
            breaker=self._breaker(path),
        )

    def _breaker(self, path: str) -> Breaker | None:
        """That of a method, which all generated clients on this channel share."""
        conf = self._conf
        if conf.breaker.disabled or not conf.middlewares.breaker:
            return None
        if path not in self._breakers:
            self._breakers[path] = Breaker(self._servers.target + path, conf.breaker)
        return self._breakers[path]


def _dial(conf: RpcClientConf, host: str) -> Connect:
    """What connects to the servers of ``host``, over the transport of ``conf``."""
    if conf.transport == "grpcio":
        from zero_runtime.rpc.client.dialing import connection
        from zero_runtime.rpc.client.grpcio import GrpcioBackend

        return partial(GrpcioBackend, connection=connection(conf, host))
    from zero_runtime.rpc.client.http2.backend import Http2Backend
    from zero_runtime.rpc.client.http2.dialing import dialing

    return partial(Http2Backend, dialing=dialing(conf, host))


def _decoder(path: str, response: type[Resp]) -> Callable[[bytes], Resp]:
    parse = response.FromString

    def decode(payload: bytes) -> Resp:
        try:
            return parse(payload)
        except DecodeError as error:
            raise Internal(f"the answer of {path} is not a `{response.DESCRIPTOR.full_name}`") from error

    return decode


def _credentials(conf: RpcClientConf) -> tuple[tuple[str, str | bytes], ...]:
    """Who calls, as zrpc's servers ask for it."""
    if not (conf.app or conf.token):
        return ()
    for key, value in (("App", conf.app), ("Token", conf.token)):
        if not (value.isascii() and value.isprintable()):
            raise InvalidValue(f"{key}: expected printable ASCII")
    return ("app", conf.app), ("token", conf.token)
