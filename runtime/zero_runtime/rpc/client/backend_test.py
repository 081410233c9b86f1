"""What is made of a call that no server gave a status to. They hold gRPC to its words, see `grpcio`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived

from tests.servers.echo import run
from tests.servers.process import free_port
from zero_runtime import errors, rpc
from zero_runtime.config import RpcClientConf
from zero_runtime.discovery import FixedResolver, local_registry
from zero_runtime.rpc.client.backend import Backend, CallFailed
from zero_runtime.rpc.client.balancer.p2c import P2c
from zero_runtime.rpc.client.conftest import Client, Context, Peer, client, serving, words
from zero_runtime.rpc.client.dialing import Connection
from zero_runtime.rpc.client.grpcio import GrpcioBackend
from zero_runtime.rpc.client.http2.backend import Http2Backend
from zero_runtime.rpc.client.http2.dialing import Dialing
from zero_runtime.rpc.client.servers import Servers

pytestmark = pytest.mark.usefixtures("transport")


class Fake:
    """A server that takes no call: it answers each in one way of HTTP/2."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.address = ""
        self.calls = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                if isinstance(event, RequestReceived):
                    self.calls += 1
                    self._answer(connection, event.stream_id)
                    writer.write(connection.data_to_send())
                    if self.way in ("leave", "close"):
                        writer.close()
                        return
            writer.write(connection.data_to_send())

    def _answer(self, connection: H2Connection, stream: int) -> None:
        if self.way == "refuse":
            connection.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        elif self.way == "goaway":
            connection.close_connection(last_stream_id=0)
        elif self.way == "leave":
            connection.close_connection(last_stream_id=stream)  # this one it would still serve
        elif self.way == "status":
            # What a server says that passes on what its own client told it.
            head = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14")]
            text = "failed to connect to all addresses; last error: UNKNOWN: connection refused"
            connection.send_headers(stream, [*head, ("grpc-message", text)], end_stream=True)


def backend(transport: str, address: str, changed: Callable[[], None]) -> Backend:
    if transport == "http2":
        return Http2Backend(address, changed, Dialing())
    return GrpcioBackend(address, changed, Connection())


@asynccontextmanager
async def fake(way: str) -> AsyncIterator[Fake]:
    peer = Fake(way)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    async with server:
        yield peer


@pytest.mark.parametrize("way", ["refuse", "goaway"])
@pytest.mark.parametrize("kind", ["say", "count"])
def test_a_call_that_was_not_taken_is_made_elsewhere(way: str, kind: str) -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), fake(way) as bad, client(bad.address, peer) as calls:
            await asyncio.sleep(0.1)  # both are connected by then
            for _ in range(10):
                if kind == "say":
                    assert await calls.say() == "x"
                else:
                    assert [each.value async for each in calls.count("1")] == ["1"]
                await asyncio.sleep(0.01)
            assert bad.calls > 0
            assert peer.calls == 10

    run(test())


@pytest.mark.parametrize("way", ["close", "leave", "status"])
def test_a_call_that_may_have_been_served_is_not_made_again(way: str, transport: str) -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), fake(way) as bad, client(bad.address, peer) as calls:
            with pytest.raises(errors.Unavailable) as caught:
                for _ in range(1000):
                    await calls.say()
                    await asyncio.sleep(0.001)
            assert bad.calls == 1
            if way == "status":
                assert caught.value.message.startswith("failed to connect to all addresses")  # as it was sent
            else:
                why = "the server has closed" if transport == "http2" else "Stream"
                assert caught.value.message.startswith(f"{bad.address},{peer.address}: {bad.address}: {why}")

    run(test())


def test_servers_that_cannot_be_reached_are_named_with_the_reason() -> None:
    async def test() -> None:
        ports = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        async with client(*ports) as calls:
            expected = (
                rf"{','.join(ports)}: 127.0.0.1:\d+: .*Connection refused.*none of 1 others can be reached"
            )
            with pytest.raises(errors.Unavailable, match=expected):
                await calls.say()
            with pytest.raises(errors.Unavailable, match=expected):
                await anext(calls.talk(words("a")))

    run(test())


def test_what_cannot_be_sent(transport: str) -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer, max_send_msg_size=100) as calls:
            why = "a request may have at most 100" if transport == "http2" else "CLIENT: .*larger than max"
            with pytest.raises(errors.ResourceExhausted, match=f"{peer.address}: {why}"):
                await calls.say("x" * 200)
            assert peer.calls == 0

    run(test())


@pytest.mark.parametrize("kind", ["say", "count"])
def test_a_deadline_that_a_server_passes_on_is_not_ours(kind: str) -> None:
    class Proxy(Peer):
        async def say(self, request: StringValue, context: Context) -> StringValue:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
            return request

        async def count(self, request: StringValue, context: Context) -> AsyncIterator[StringValue]:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
            yield request

    async def test() -> None:
        peer = Proxy()
        async with serving(peer), client(peer) as calls:
            with pytest.raises(errors.DeadlineExceeded, match=r"^DEADLINE_EXCEEDED: Deadline Exceeded$"):
                await (calls.say() if kind == "say" else anext(calls.count()))

    run(test())


def test_a_response_that_is_too_large(transport: str) -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer, max_recv_msg_size=100) as calls:
            why = "at most 100 bytes" if transport == "http2" else r"larger than max \(2\d\d vs. 100\)"
            with pytest.raises(errors.ResourceExhausted, match=why):
                await calls.say("x" * 200)
        async with serving(peer), client(peer, max_recv_msg_size=0) as calls:
            with suppress(errors.ResourceExhausted):  # of the server: gRPC takes 4 MiB
                await calls.say("x" * 5_000_000)

    run(test())


def test_calls_at_a_server_that_leaves_are_given_some_time() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), rpc.connect(RpcClientConf(target="local:///peer")) as channel:
            calls = Client(channel)
            entry = local_registry().announce("peer", peer.address)
            async with calls.count() as numbers:
                await anext(numbers)
                peer.delay = 0.8
                slow = asyncio.ensure_future(calls.say())
                await entry.withdraw()
                await asyncio.sleep(0.7)
                with pytest.raises(errors.Unavailable, match="no living server"):
                    await calls.say(timeout=0.05)
                assert await slow == "x"  # it goes on, and so does the stream
                await anext(numbers)

    run(test())


def test_calls_at_a_server_that_leaves_end_with_the_channel() -> None:
    async def test() -> None:
        peer = Peer()
        peer.delay = 60
        async with serving(peer):
            async with rpc.connect(RpcClientConf(target="local:///peer")) as channel:
                entry = local_registry().announce("peer", peer.address)
                call = asyncio.ensure_future(Client(channel, idempotent=True).say())
                while not peer.calls:
                    await asyncio.sleep(0.01)
                await entry.withdraw()
                await asyncio.sleep(0.7)
            with pytest.raises(errors.Cancelled, match="the channel was closed"):
                await call

    run(test())


def test_a_server_that_leaves_as_the_client_closes_is_left(transport: str) -> None:
    async def test() -> None:
        made: list[Backend] = []

        def dial(address: str, changed: Callable[[], None]) -> Backend:
            made.append(backend(transport, address, changed))
            return made[-1]

        class Leaving(FixedResolver):
            async def watch(self) -> AsyncIterator[tuple[str, ...]]:
                yield self.addresses()
                await leave.wait()
                yield ()
                left.set()

        leave, left = asyncio.Event(), asyncio.Event()
        peer = Peer()
        async with serving(peer):
            servers = Servers(Leaving("peer", [peer.address]), P2c(), dial, size=0)
            servers.start()
            await servers.wait("", 5)
            leave.set()
            await left.wait()
            await servers.close()
            with pytest.raises((grpc.aio.UsageError, CallFailed), match="closed"):
                await made[0].open("/test.Peer/Say", None, None).read()

    run(test())


def test_calls_at_a_server_that_left_long_ago_are_cut(transport: str) -> None:
    async def test() -> None:
        peer = Peer()
        peer.delay = 60
        async with serving(peer):
            changed = asyncio.Event()
            left = backend(transport, peer.address, changed.set)
            while not left.check():
                changed.clear()
                await changed.wait()
            long = left.open("/test.Peer/Say", None, None)
            left.load.in_flight = 1
            await long.write(b"")
            closing = asyncio.ensure_future(left.close(grace=0.2))
            with pytest.raises(CallFailed) as caught:
                await long.read()
            assert str(caught.value.error) == "UNAVAILABLE: it has left"
            await closing

    run(test())
