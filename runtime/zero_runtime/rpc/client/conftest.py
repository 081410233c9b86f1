"""Servers for tests of the client: gRPC's own, in this process, with one method of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias, Unpack

import grpc.aio
import msgspec
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime import rpc
from zero_runtime.config import RpcClientConf
from zero_runtime.rpc.client import channel
from zero_runtime.rpc.client.servers import Connect

Context: TypeAlias = grpc.aio.ServicerContext


@pytest.fixture(params=["http2", "grpcio"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every transport of clients in turn: all channels have it, whatever they are configured for."""
    dial = channel._dial
    name: Literal["http2", "grpcio"] = request.param

    def over_this_one(conf: RpcClientConf, host: str) -> Connect:
        return dial(msgspec.structs.replace(conf, transport=name), host)

    monkeypatch.setattr(channel, "_dial", over_this_one)
    return name


class Peer:
    """A server of ``/test.Peer/…``: Say and Count answer one request, Gather and Talk a stream of them."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.address = ""
        self.calls = 0
        """How many it was asked for."""
        self.cancelled = asyncio.Event()
        """Whether a call has been cancelled."""
        self.delay = 0.0
        self.failures: list[grpc.StatusCode] = []
        """What the next calls are refused with."""
        self.metadata: dict[str, str | bytes] = {}
        """Of the last call."""
        self.time: float | None = None
        """Seconds that the last call had."""
        self.heard: list[str] = []
        """What streams of requests said."""
        self.enough = 1_000_000
        """How much of it it listens to."""
        self.listening = asyncio.Event()
        """Streams of requests are not read before it is set."""
        self.listening.set()

    async def say(self, request: StringValue, context: Context) -> StringValue:
        """Says it back; with a name, the name."""
        async with self._serving(context):
            return StringValue(value=self.name or request.value)

    async def count(self, request: StringValue, context: Context) -> AsyncIterator[StringValue]:
        """Counts up to the number, for ever without one."""
        async with self._serving(context):
            number = 0
            while number < int(request.value or "1000000000"):
                number += 1
                yield StringValue(value=str(number))

    async def gather(self, requests: AsyncIterator[StringValue], context: Context) -> StringValue:
        """The beginnings of all that was said."""
        async with self._serving(context):
            async for request in requests:
                self.heard.append(request.value[:8])
                if len(self.heard) == self.enough:
                    break
            return StringValue(value=" ".join(self.heard))

    async def talk(
        self, requests: AsyncIterator[StringValue], context: Context
    ) -> AsyncIterator[StringValue]:
        """Answers each; up to a dot, and says good-bye when no more comes."""
        async with self._serving(context):
            async for request in requests:
                if request.value == ".":
                    return
                self.heard.append(request.value)
                yield StringValue(value=request.value.upper())
            yield StringValue(value="bye")

    @asynccontextmanager
    async def _serving(self, context: Context) -> AsyncIterator[None]:
        self.calls += 1
        self.metadata = dict(context.invocation_metadata() or ())
        self.time = context.time_remaining()
        try:
            if self.failures:
                await context.abort(self.failures.pop(0), f"{self.name} fails")
            await asyncio.sleep(self.delay)
            await self.listening.wait()
            yield
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.set()
            raise


@asynccontextmanager
async def serving(
    peer: Peer,
    listen_on: str = "127.0.0.1:0",
    credentials: grpc.ServerCredentials | None = None,
    options: Sequence[tuple[str, Any]] = (),
) -> AsyncIterator[grpc.aio.Server]:
    """Lets it serve; its address is known inside."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0), *options))
    codec = {
        "request_deserializer": StringValue.FromString,
        "response_serializer": StringValue.SerializeToString,
    }
    handlers = {
        "Say": grpc.unary_unary_rpc_method_handler(peer.say, **codec),
        "Count": grpc.unary_stream_rpc_method_handler(peer.count, **codec),
        "Gather": grpc.stream_unary_rpc_method_handler(peer.gather, **codec),
        "Talk": grpc.stream_stream_rpc_method_handler(peer.talk, **codec),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Peer", handlers),))
    port = (
        server.add_secure_port(listen_on, credentials) if credentials else server.add_insecure_port(listen_on)
    )
    peer.address = f"{listen_on.rpartition(':')[0]}:{port}"
    await server.start()
    try:
        yield server
    finally:
        await server.stop(0)


class Client:
    """A client as it would be generated."""

    def __init__(self, channel: rpc.Channel, *, idempotent: bool = False) -> None:
        types = (StringValue, StringValue)
        self._say = channel.unary_unary("/test.Peer/Say", *types, idempotent=idempotent)
        self._count = channel.unary_stream("/test.Peer/Count", *types, idempotent=idempotent)
        self._gather = channel.stream_unary("/test.Peer/Gather", *types)
        self._talk = channel.stream_stream("/test.Peer/Talk", *types)

    async def say(self, text: str = "x", **options: Unpack[rpc.CallOptions]) -> str:
        return (await self._say(StringValue(value=text), options)).value

    def count(self, to: str = "", **options: Unpack[rpc.CallOptions]) -> rpc.Stream[StringValue]:
        return self._count(StringValue(value=to), options)

    async def gather(self, requests: AsyncIterator[StringValue], **options: Unpack[rpc.CallOptions]) -> str:
        return (await self._gather(requests, options)).value

    def talk(
        self, requests: AsyncIterator[StringValue], **options: Unpack[rpc.CallOptions]
    ) -> rpc.Stream[StringValue]:
        return self._talk(requests, options)


@asynccontextmanager
async def client(*peers: Peer | str, idempotent: bool = False, **conf: Any) -> AsyncIterator[Client]:
    """A client of these, connected to all of them that are up."""
    addresses = [peer if isinstance(peer, str) else peer.address for peer in peers]
    async with rpc.connect(RpcClientConf(endpoints=addresses, **conf)) as channel:
        yield Client(channel, idempotent=idempotent)


async def words(*texts: str) -> AsyncIterator[StringValue]:
    """A stream of requests."""
    for text in texts:
        yield StringValue(value=text)
