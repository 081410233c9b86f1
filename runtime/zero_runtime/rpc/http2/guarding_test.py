"""Floods, and connections that are asked, closed or left alone."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable

import h2.events
import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from h2.errors import ErrorCodes

from zero_runtime.config.durations import Duration
from zero_runtime.config.rpc import KeepaliveConf
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.conftest import HEAD, Peer, framed, head_of, peer, run, served
from zero_runtime.rpc.http2.floods import BROKEN, IDLE_FRAMES, RAPID, Budget
from zero_runtime.rpc.http2.flow import Outlet, Sender

CALM = ErrorCodes.ENHANCE_YOUR_CALM


def keepalive(**seconds: float) -> KeepaliveConf:
    return KeepaliveConf(**{name: Duration(value) for name, value in seconds.items()})


def test_a_budget() -> None:
    now = 100.0
    budget = Budget((3, 2.0), lambda: now)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    now += 1.0
    assert [budget.spend() for _ in range(2)] == [True, False]  # one of two pays for what was too much
    now += 1000.0
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


async def sleep(request: BytesValue) -> BytesValue:
    await asyncio.sleep(60)
    return request


def test_calls_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zero_runtime.rpc.http2.connection.GIVEN_UP", (50, 10.0))
    served_now = 0

    async def count(request: BytesValue) -> BytesValue:
        nonlocal served_now
        served_now += 1
        try:
            return await sleep(request)
        finally:
            served_now -= 1

    async def test() -> None:
        async with served(count) as (_, address), peer(address) as client:
            for _ in range(100):
                stream = client.call()
                client.h2.reset_stream(stream)
            client.flush()
            await client.ended(CALM)
            assert served_now == 0

    run(test())


def test_calls_given_up_later_are_no_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zero_runtime.rpc.http2.connection.GIVEN_UP", (50, 10.0))
    begun = asyncio.Semaphore(0)

    async def begin(request: BytesValue) -> BytesValue:
        begun.release()
        return await sleep(request)

    async def test() -> None:
        async with served(begin) as (_, address), peer(address) as client:
            for _ in range(3):
                streams = [client.call() for _ in range(60)]
                for _ in streams:
                    await begun.acquire()
                await asyncio.sleep(1.5 * RAPID)
                for stream in streams:
                    client.h2.reset_stream(stream)
                client.flush()
            assert await answered(client)

    run(test())


async def answered(client: Peer) -> bool:
    """Whether calls are still served."""
    stream = client.call(head=head_of("/test.Wire/Stream"))
    await client.next(h2.events.StreamEnded, stream)
    return True


SETTING = frames.frame(frames.SETTINGS, 0, 0)
PRIORITY = frames.frame(frames.PRIORITY, 0, 1, struct.pack(">IB", 0, 1))
UNKNOWN = frames.frame(99, 0, 0, b"x")
BROKEN_CALL = frames.frame(frames.WINDOW_UPDATE, 0, 1, bytes(4))


@pytest.mark.parametrize(
    ("flood", "count"),
    [
        (SETTING, IDLE_FRAMES[0] + 100),
        (PRIORITY, IDLE_FRAMES[0] + 100),
        (UNKNOWN, IDLE_FRAMES[0] + 100),
        (frames.frame(frames.DATA, 0, 1), IDLE_FRAMES[0] + 100),
        (BROKEN_CALL, BROKEN[0] + 100),
        (frames.frame(frames.PING, 0, 0, b"01234567"), 4),
    ],
    ids=["settings", "priority", "unknown", "empty data", "made you reset", "pings"],
)
def test_frames_that_bring_nothing_forward(flood: bytes, count: int) -> None:
    async def test() -> None:
        async with served(sleep) as (_, address), peer(address) as client:
            client.h2.send_headers(1, HEAD)
            client.raw(flood * count)
            await client.ended(CALM)

    run(test())


def test_many_settings_in_a_frame_are_little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[int] = []
    resize = Sender.resize

    def count(self: Sender, initial: int, outlets: Iterable[Outlet]) -> None:
        changes.append(initial)
        resize(self, initial, outlets)

    monkeypatch.setattr(Sender, "resize", count)

    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            assert await answered(client)
            changes.clear()
            client.raw(
                frames.frame(frames.SETTINGS, 0, 0, b"".join(struct.pack(">HI", 4, n) for n in range(2000)))
            )
            client.h2.ping(b"01234567")
            client.flush()
            await client.next(h2.events.PingAckReceived)
            assert changes == [1999]

    run(test())


@pytest.mark.parametrize("piece", [b"", bytes(16_000)], ids=["empty", "large"])
def test_a_head_without_end(piece: bytes) -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            client.raw(frames.frame(frames.HEADERS, 0, 1, b"\x82"))
            client.raw(frames.frame(frames.CONTINUATION, 0, 1, piece) * 20)
            await client.ended(CALM)

    run(test())


def test_a_head_that_is_too_large_is_answered() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            stream = client.call(head=(*HEAD, ("x-large", "v" * 20_000)))
            assert (await client.status(stream))["grpc-status"] == "8"
            assert await answered(client)

    run(test())


def test_pings_are_answered_and_those_after_answers_are_free() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            for number in range(10):
                await client.next(h2.events.StreamEnded, client.call())
                client.h2.ping(b"%08d" % number)
                client.flush()
                assert (await client.next(h2.events.PingAckReceived)).ping_data == b"%08d" % number

    run(test())


def test_pings_may_come_as_often_as_configured() -> None:
    async def test() -> None:
        conf = keepalive(min_time=0.01)
        async with served(keepalive=conf) as (_, address), peer(address) as client:
            for _ in range(6):
                client.h2.ping(b"01234567")
                client.flush()
                await client.next(h2.events.PingAckReceived)
                await asyncio.sleep(0.015)

    run(test())


def test_silent_clients_are_asked_and_left_alone_when_they_answer() -> None:
    async def test() -> None:
        conf = keepalive(time=0.05, timeout=0.1)
        async with served(keepalive=conf) as (_, address), peer(address) as client:
            for _ in range(3):
                await client.next(h2.events.PingReceived)  # which the library answers
            assert await answered(client)

    run(test())


def test_clients_that_are_gone_lose_their_calls() -> None:
    cancelled = asyncio.Event()

    async def notice(request: BytesValue) -> BytesValue:
        try:
            return await sleep(request)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def test() -> None:
        conf = keepalive(time=0.05, timeout=0.1)
        async with served(notice, keepalive=conf, timeout=0) as (_, address), peer(address) as client:
            client.call()
            await asyncio.wait_for(cancelled.wait(), 5)

    run(test())


@pytest.mark.parametrize("conf", [{"max_connection_idle": 0.1}, {"max_connection_age": 0.1}], ids=str)
def test_connections_end_without_a_fault(conf: dict[str, float]) -> None:
    async def test() -> None:
        async with served(keepalive=keepalive(**conf)) as (_, address), peer(address) as client:
            assert await answered(client)
            data = b""
            while len(data) < 17:
                data += await client.reader.read(100)
            assert data.startswith(frames.goaway(2**31 - 1, frames.Error.NO_ERROR))
            client.raw(frames.frame(frames.PING, frames.ACK, 0, b"zero-bye"))
            assert (await client.reader.read()).endswith(frames.goaway(1, frames.Error.NO_ERROR))

    run(test())


def test_a_connection_with_calls_is_not_idle() -> None:
    async def wait(request: BytesValue) -> BytesValue:
        await asyncio.sleep(0.3)
        return request

    async def test() -> None:
        conf = keepalive(max_connection_idle=0.1)
        async with served(wait, keepalive=conf) as (_, address), peer(address) as client:
            received = await client.next(h2.events.DataReceived, client.call(b"x"))
            assert received.data == framed(b"x")

    run(test())


def test_calls_of_an_old_connection_may_finish_within_the_grace() -> None:
    async def test() -> None:
        conf = keepalive(max_connection_age=0.05, max_connection_age_grace=0.1)
        async with served(sleep, keepalive=conf, timeout=0) as (_, address), peer(address) as client:
            client.call()
            assert b"the connection is too old" in await client.reader.read()

    run(test())
