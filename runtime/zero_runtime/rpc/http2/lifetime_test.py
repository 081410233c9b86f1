"""Connections from their beginning to their end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

import h2.events
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from tests.servers.certificates import Authority
from zero_runtime.rpc.http2 import frames, link
from zero_runtime.rpc.http2.conftest import framed, peer, run, served
from zero_runtime.rpc.http2.transport import Http2Transport


async def sleep(request: BytesValue) -> BytesValue:
    await asyncio.sleep(60)
    return request


def test_draining_in_two_steps() -> None:
    go_on = asyncio.Event()

    async def wait(request: BytesValue) -> BytesValue:
        await go_on.wait()
        return request

    async def test() -> None:
        async with served(wait) as (server, address), peer(address) as client:
            first = client.call(b"one")
            await client.next(h2.events.SettingsAcknowledged)
            stopping = asyncio.create_task(server.stop(10))
            # The announcement and a ping. The library would take no more calls, so they are read by hand.
            data = b""
            while len(data) < 17 + 17:
                data += await client.reader.read(100)
            assert data == frames.goaway(2**31 - 1, frames.Error.NO_ERROR) + frames.frame(
                frames.PING, 0, 0, b"zero-bye"
            )
            second = client.call(b"two")  # was on its way
            client.raw(frames.frame(frames.PING, frames.ACK, 0, b"zero-bye"))
            goaway = frames.goaway(second, frames.Error.NO_ERROR)
            assert await client.reader.readexactly(len(goaway)) == goaway
            refused = client.call(b"three")
            reset = frames.rst_stream(refused, frames.Error.REFUSED_STREAM)
            assert await client.reader.readexactly(len(reset)) == reset
            assert not stopping.done()
            go_on.set()
            assert await client.body(first) == framed(b"one")
            assert await client.body(second) == framed(b"two")
            await stopping
            with pytest.raises(EOFError):
                await client.read()

    run(test())


def test_a_client_that_does_not_confirm_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_GOODBYE_TIMEOUT", 0.05)

    async def test() -> None:
        async with served() as (server, address), peer(address) as client:
            await client.next(h2.events.RemoteSettingsChanged)
            await asyncio.wait_for(server.stop(10), 2)

    run(test())


@pytest.mark.parametrize("late", [False, True])
def test_calls_on_connections_that_have_just_been_made_are_served(late: bool) -> None:
    async def test() -> None:
        async with served() as (server, address):
            assert isinstance(server._transport, Http2Transport)
            serving = server._transport._serving
            serving.stopping = late  # it has stopped amid the handshake
            async with peer(address) as client:
                while not serving.connections:
                    await asyncio.sleep(0)
                if not late:
                    stopping = asyncio.create_task(server.stop(10))
                goaway = frames.goaway(2**31 - 1, frames.Error.NO_ERROR)
                await client.reader.readuntil(goaway)
                stream = client.call(b"x")
                client.raw(frames.frame(frames.PING, frames.ACK, 0, b"zero-bye"))
                content = await client.reader.read()
                assert framed(b"x") in content
                assert content.find(frames.goaway(stream, frames.Error.NO_ERROR)) >= 0
                if not late:
                    await stopping

    run(test())


def test_calls_that_are_given_up_are_told() -> None:
    async def test() -> None:
        async with served(sleep, timeout=0) as (server, address), peer(address) as client:
            stream = client.call()
            await client.next(h2.events.SettingsAcknowledged)
            await server.stop(0)
            status = await client.status(stream)
            assert (status["grpc-status"], status["grpc-message"]) == ("14", "the service stops")

    run(test())


@pytest.mark.parametrize("hello", [b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rx"])
def test_clients_that_speak_something_else(hello: bytes) -> None:
    async def test() -> None:
        async with served() as (_, address):
            host, _, port = address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(hello)
            assert b"this is a gRPC server, which speaks HTTP/2" in await reader.read()
            writer.close()

    run(test())


def test_clients_that_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "GREETING", 0.05)

    async def test() -> None:
        async with served() as (_, address):
            host, _, port = address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            with pytest.raises(ConnectionError):
                while await reader.read(1000):
                    pass
                raise ConnectionError
            writer.close()

    run(test())


def test_clients_that_agree_on_something_else_in_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("server")
    tls: dict[str, Any] = {"cert_file": str(own.certificate), "key_file": str(own.key)}

    async def received(address: str, protocols: list[str]) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(authority.file)
        if protocols:
            context.set_alpn_protocols(protocols)
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
        try:
            return await reader.read(9)
        finally:
            writer.close()

    async def test() -> None:
        async with served(**tls) as (_, address):
            assert await received(address, ["h2", "http/1.1"]) == frames.HEADER.pack(
                0, 18, frames.SETTINGS, 0, 0
            )
            for protocols in ([], ["http/1.1"]):
                with contextlib.suppress(ssl.SSLError):  # some say so in the handshake
                    assert await received(address, protocols) == b""

    run(test())
