"""How long connections last, whatever the transport."""

from __future__ import annotations

import asyncio
import struct
import time
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime import rpc
from zero_runtime.config import KeepaliveConf
from zero_runtime.config.durations import Duration
from zero_runtime.rpc.server.conftest import Serve, Served, Talk, run

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, PING, GOAWAY = 4, 6, 7
ENHANCE_YOUR_CALM = 11


def keepalive(**seconds: float) -> KeepaliveConf:
    settings: Any = {name: Duration(value) for name, value in seconds.items()}
    return KeepaliveConf(**settings)


class Ports(Talk):
    """Tells from which port it is called."""

    async def say(self, request: StringValue) -> StringValue:
        call = rpc.current_call()
        assert call is not None
        await asyncio.sleep(float(request.value or 0))
        return StringValue(value=call.peer.rpartition(":")[2])


def frame(kind: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + bytes(4) + payload


async def frames(reader: asyncio.StreamReader) -> list[tuple[int, bytes]]:
    """The frames that come until the connection is closed."""
    found = []
    try:
        while True:
            head = await reader.readexactly(9)
            found.append((head[3], await reader.readexactly(int.from_bytes(head[:3], "big"))))
    except (asyncio.IncompleteReadError, ConnectionError):
        return found


async def connected(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that is silent after its preface."""
    host, _, port = served.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(PREFACE + frame(SETTINGS) + frame(SETTINGS, flags=1))
    return reader, writer


def test_connections_that_are_old_are_replaced_without_a_failed_call(serve: Serve) -> None:
    async def test() -> None:
        async with serve(Ports(), keepalive=keepalive(max_connection_age=0.3)) as served:
            until = time.monotonic() + 1.2
            ports = set()
            while time.monotonic() < until:
                ports |= set(await asyncio.gather(*(served.caller.say("0.01") for _ in range(5))))
            assert len(ports) > 1

    run(test())


def test_calls_may_outlast_the_age_of_their_connection_for_a_while(serve: Serve) -> None:
    ages = keepalive(max_connection_age=0.2, max_connection_age_grace=5)

    async def test() -> None:
        async with serve(Ports(), keepalive=ages) as served:
            assert await served.caller.say("0.8")

    run(test())


def test_connections_without_calls_are_closed(serve: Serve) -> None:
    async def test() -> None:
        async with serve(Ports(), keepalive=keepalive(max_connection_idle=0.3)) as served:
            first = await served.caller.say("")
            assert await served.caller.say("0.5") == first
            await asyncio.sleep(0.8)
            assert await served.caller.say("") != first

    run(test())


def test_a_peer_that_does_not_answer_is_given_up(serve: Serve) -> None:
    async def test() -> None:
        async with serve(keepalive=keepalive(time=0.3, timeout=0.3)) as served:
            reader, writer = await connected(served)
            started = time.monotonic()
            found = await asyncio.wait_for(frames(reader), 5)
            assert 0.5 < time.monotonic() - started < 3
            assert PING in [kind for kind, _ in found]
            writer.close()

    run(test())


@pytest.mark.parametrize("every", [0.02])
def test_a_peer_that_asks_too_often_is_sent_away(serve: Serve, every: float) -> None:
    async def test() -> None:
        async with serve(keepalive=keepalive(min_time=60)) as served:
            reader, writer = await connected(served)
            closed = asyncio.ensure_future(frames(reader))
            while not closed.done():
                writer.write(frame(PING, bytes(8)))
                await asyncio.sleep(every)
            errors = [int.from_bytes(payload[4:8], "big") for kind, payload in await closed if kind == GOAWAY]
            assert errors[-1:] == [ENHANCE_YOUR_CALM]
            writer.close()

    run(test())
