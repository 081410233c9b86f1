"""A gRPC service that says back what it hears, or whatever a test makes of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Unpack

import grpc.aio
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2

from zero_runtime import rpc
from zero_runtime.config import RpcClientConf, RpcServerConf

Handler = Callable[[StringValue], Awaitable[StringValue]]
Say = Callable[..., Awaitable[str]]


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a test, for half a minute at most."""
    asyncio.run(asyncio.wait_for(work, 30))


async def echo(request: StringValue) -> StringValue:
    return StringValue(value=request.value)


async def health(address: str, name: str) -> int:
    """What a server says of the health of one of its services."""
    async with grpc.aio.insecure_channel(address) as raw:
        check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = raw.unary_unary(
            "/grpc.health.v1.Health/Check"
        )
        answer = await check(health_pb2.HealthCheckRequest(service=name).SerializeToString())
        status: int = health_pb2.HealthCheckResponse.FromString(answer).status
        return status


@asynccontextmanager
async def serving(
    handler: Handler = echo,
    listen_on: str = "127.0.0.1:0",
    kind: type[rpc.Server] | None = None,
    **conf: Any,
) -> AsyncIterator[tuple[rpc.Server, str]]:
    """A server and its address; ``kind`` is its class, if not `rpc.Server`, ``conf`` its configuration."""
    service = rpc.Service("test.Echo", (rpc.unary_unary("Say", handler, StringValue, StringValue),))
    server = (kind or rpc.Server)(RpcServerConf(name="echo-rpc", listen_on=listen_on, **conf), (service,))
    address = await server.start()
    try:
        yield server, address
    finally:
        await server.stop(0)


@asynccontextmanager
async def client(target: str, timeout: int = 2000, **conf: Any) -> AsyncIterator[Say]:
    """A function that calls the service, with options of the call; ``conf`` configures the client."""
    async with rpc.connect(RpcClientConf(target=target, timeout=timeout, **conf)) as channel:
        call = channel.unary_unary("/test.Echo/Say", StringValue, StringValue)

        async def say(text: str, **options: Unpack[rpc.CallOptions]) -> str:
            return (await call(StringValue(value=text), options)).value

        yield say
