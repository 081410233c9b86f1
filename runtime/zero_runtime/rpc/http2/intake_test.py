"""What one connection may hold unread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import h2.events
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from zero_runtime.rpc.http2 import intake
from zero_runtime.rpc.http2.conftest import framed, head_of, peer, run, served
from zero_runtime.rpc.http2.frames import Broken
from zero_runtime.rpc.http2.intake import MOST_UNREAD, WINDOW, Intake

STREAM = head_of("/test.Wire/Stream")
PIECE = 16_000
PIECES = 15


def test_room_is_made_at_once_unless_too_much_is_unread() -> None:
    granted: list[int] = []
    taking = Intake(granted.append)
    taking.take(WINDOW // 2)
    assert granted == []
    taking.take(1)
    assert granted == [WINDOW // 2 + 1]
    taking.hold(MOST_UNREAD + 2)
    taking.take(WINDOW)
    taking.hold(-1)
    assert len(granted) == 1
    taking.hold(-1)
    assert granted[1:] == [WINDOW]
    with pytest.raises(Broken, match="more than the window of the connection"):
        taking.take(WINDOW + 1)


@pytest.mark.parametrize("how", ["read", "left unread", "given up"])
def test_clients_wait_while_too_much_is_unread(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(intake, "MOST_UNREAD", 2 * PIECE * PIECES)
    go_on = asyncio.Event()

    async def tarry(requests: AsyncIterator[BytesValue]) -> AsyncIterator[BytesValue]:
        await go_on.wait()
        if how == "read":
            async for _ in requests:
                pass
        yield BytesValue()

    async def test() -> None:
        async with served(stream=tarry) as (_, address), peer(address) as client:
            await client.next(h2.events.WindowUpdated)
            streams = []
            for _ in range(4):  # four calls of less than their windows, together nearly the connection's
                streams.append(client.call(bytes(PIECE), STREAM, end=False))
                for _ in range(PIECES - 1):
                    client.h2.send_data(streams[-1], framed(bytes(PIECE)))
            client.h2.ping(b"01234567")
            client.flush()
            await client.next(h2.events.PingAckReceived)
            assert client.h2.outbound_flow_control_window < WINDOW // 2
            if how == "given up":
                for stream in streams:
                    client.h2.reset_stream(stream)
                client.flush()
            else:
                go_on.set()
            await client.next(h2.events.WindowUpdated, 0)
            assert client.h2.outbound_flow_control_window > WINDOW // 2

    run(test())
