"""A service with all four kinds of methods, on every transport, and gRPC's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime import rpc
from zero_runtime.config import RpcServerConf
from zero_runtime.rpc import grpcio

SERVERS = [rpc.Server, grpcio.Server]


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a test, for half a minute at most."""
    asyncio.run(asyncio.wait_for(work, 30))


class Talk:
    """What the service does unless a test wants something else."""

    async def say(self, request: StringValue) -> StringValue:
        return request

    async def split(self, request: StringValue) -> AsyncIterator[StringValue]:
        for word in request.value.split():
            yield StringValue(value=word)

    async def join(self, requests: AsyncIterator[StringValue]) -> StringValue:
        return StringValue(value=" ".join([request.value async for request in requests]))

    async def chat(self, requests: AsyncIterator[StringValue]) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield StringValue(value=request.value.upper())


def talk(logic: Talk) -> rpc.Service:
    return rpc.Service(
        "test.Talk",
        (
            rpc.unary_unary("Say", logic.say, StringValue, StringValue),
            rpc.unary_stream("Split", logic.split, StringValue, StringValue),
            rpc.stream_unary("Join", logic.join, StringValue, StringValue),
            rpc.stream_stream("Chat", logic.chat, StringValue, StringValue),
        ),
    )


def _encode(text: str) -> bytes:
    return StringValue(value=text).SerializeToString()


def _decode(payload: bytes) -> str:
    return StringValue.FromString(payload).value


class Caller:
    """Calls the service with ``grpc.aio``."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.say: Any = channel.unary_unary("/test.Talk/Say", _encode, _decode)
        self.split: Any = channel.unary_stream("/test.Talk/Split", _encode, _decode)
        self.join: Any = channel.stream_unary("/test.Talk/Join", _encode, _decode)
        self.chat: Any = channel.stream_stream("/test.Talk/Chat", _encode, _decode)


@dataclass(frozen=True)
class Served:
    """A server that is called."""

    server: rpc.Server
    address: str
    caller: Caller


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture(params=SERVERS, ids=["http2", "grpcio"])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Serves logic over one transport after the other, configured as wanted."""

    @asynccontextmanager
    async def serve(
        logic: Talk | None = None,
        *,
        secrets: grpc.ChannelCredentials | None = None,
        options: Sequence[tuple[str, Any]] = (),
        **conf: Any,
    ) -> AsyncIterator[Served]:
        given = {"name": "talk-rpc", "mode": "test", "listen_on": "127.0.0.1:0", **conf}
        server: rpc.Server = request.param(RpcServerConf(**given), (talk(logic or Talk()),))
        address = await server.start()
        try:
            if secrets is None:
                channel = grpc.aio.insecure_channel(address, options=options)
            else:
                channel = grpc.aio.secure_channel(address, secrets, options=options)
            async with channel:
                yield Served(server, address, Caller(channel))
        finally:
            await server.stop(0)

    return serve


async def failure(call: Any) -> grpc.aio.AioRpcError:
    """How a call fails."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    return caught.value
