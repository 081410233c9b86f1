"""One address of a target and the connection to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import grpc
import grpc.aio

READY = grpc.ChannelConnectivity.READY
FAILED = grpc.ChannelConnectivity.TRANSIENT_FAILURE

_OPTIONS = (
    # Where gRPC resolves the target itself it shall use all its addresses.
    ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),
    # Services of one cluster do not talk through a proxy that the environment names for the outside.
    ("grpc.enable_http_proxy", 0),
    # A peer that vanished while calls wait for it is noticed after 30 + 10 seconds. Without calls there are
    # no pings, which servers of other makes would answer by closing the connection.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)

_DRAIN = 30.0
"""Seconds that calls in flight have when their server has left the target."""


class Backend:
    """Stays connected to one address and tells whenever the state of the connection has changed."""

    def __init__(self, address: str, changed: Callable[[], None]) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self._calls: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._following = asyncio.get_running_loop().create_task(self._follow(changed))

    def call(self, path: str, payload: bytes, timeout: float | None) -> grpc.aio.UnaryUnaryCall[bytes, bytes]:
        """Starts a call; it raises `grpc.aio.AioRpcError` when awaited."""
        call = self._calls.get(path)
        if call is None:
            call = self._calls[path] = self._channel.unary_unary(path)
        return call(payload, timeout=timeout)

    @property
    def state(self) -> grpc.ChannelConnectivity:
        """The state of the connection as of now; asking costs a tenth of a microsecond."""
        return self._channel.get_state()

    async def close(self, grace: float | None = _DRAIN) -> None:
        """Closes the connection when the calls in flight are over, at the latest after ``grace`` seconds."""
        self._following.cancel()
        await self._channel.close(grace)

    async def _follow(self, changed: Callable[[], None]) -> None:
        while True:
            state = self._channel.get_state(try_to_connect=True)
            changed()
            await self._channel.wait_for_state_change(state)
