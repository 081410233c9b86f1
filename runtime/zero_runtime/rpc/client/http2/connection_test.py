"""Connections as a whole: their beginning, what they carry, and their end."""

from __future__ import annotations

import asyncio

import h2.events
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from zero_runtime.errors import Code
from zero_runtime.rpc.client.http2.conftest import (
    HEAD,
    PATH,
    Wire,
    connected,
    failure,
    framed,
    run,
    say,
    wired,
)
from zero_runtime.rpc.client.http2.dialing import Dialing
from zero_runtime.rpc.client.http2.exchange import WINDOW
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.floods import IDLE_FRAMES


async def echo(wire: Wire) -> None:
    while True:
        wire.answer(await wire.call(), framed(b"y"))


def test_a_call_is_one_write_and_leaves_nothing() -> None:
    async def test() -> None:
        async with wired(echo) as address, connected(address) as client:
            for _ in range(3):
                assert await say(client) == b"y"
            connection = client._connection
            assert connection is not None and not connection.is_busy

    run(test())


def test_calls_wait_for_a_stream() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            first = await wire.call()
            await asyncio.sleep(0.2)
            assert not any(isinstance(event, h2.events.RequestReceived) for event in wire.events)
            wire.answer(first, framed(b"1"))
            wire.answer(await wire.call(), framed(b"4"))

        async with (
            wired(play, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 1}) as address,
            connected(address) as client,
        ):
            calls = [asyncio.ensure_future(say(client)) for _ in range(2)]
            calls.append(asyncio.ensure_future(say(client, timeout=0.05)))
            calls.append(asyncio.ensure_future(say(client)))
            await asyncio.sleep(0)
            calls[1].cancel()
            late = await failure(calls[2])
            assert late.error.code is Code.DEADLINE_EXCEEDED
            assert [await calls[0], await calls[3]] == [b"1", b"4"]

    run(test())


def test_what_the_server_did_not_take_is_unseen() -> None:
    """Calls under way go on, the others are told, and the next are made over another connection."""

    async def test() -> None:
        async def play(wire: Wire) -> None:
            first = await wire.call()
            await wire.call()
            wire.raw(frames.goaway(first, frames.Error.NO_ERROR))
            await asyncio.sleep(0.1)
            wire.raw(frames.frame(frames.HEADERS, 4, first, b"\x88\x0f\x10\x10application/grpc"))
            wire.raw(frames.frame(frames.DATA, 0, first, framed(b"1")))
            wire.raw(frames.frame(frames.HEADERS, 5, first, b"\x00\x0bgrpc-status\x010"))
            assert await wire.ended() == ErrorCodes.NO_ERROR

        limits = {SettingCodes.MAX_CONCURRENT_STREAMS: 2}
        async with wired(play, echo, settings=limits) as address, connected(address) as client:
            calls = [asyncio.ensure_future(say(client)) for _ in range(3)]
            for call in calls[1:]:
                failed = await failure(call)
                assert failed.unseen and failed.error.code is Code.UNAVAILABLE
            while not client.check():
                await asyncio.sleep(0.01)
            assert await say(client) == b"y"
            assert await calls[0] == b"1"

    run(test())


def test_a_connection_that_is_lost() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            await wire.call()
            wire.writer.close()

        async with wired(play, echo) as address, connected(address) as client:
            failed = await failure(say(client))
            assert str(failed.error) == "UNAVAILABLE: the server has closed the connection"
            assert not failed.unseen and not failed.told
            failed = await failure(say(client))  # no connection yet
            assert failed.unseen
            assert (await failure(client.open(PATH, None, None).read())).unseen
            while not client.check():
                await asyncio.sleep(0.01)
            assert await say(client) == b"y"

    run(test())


def test_requests_wait_for_the_windows_of_the_server() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            stream = await wire.call()
            content = b""
            while len(content) < 200_005:
                event = await wire.next(h2.events.DataReceived)
                content += event.data or b""
                assert event.flow_controlled_length is not None and event.flow_controlled_length <= 1000
                wire.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                wire.flush()
            assert content == framed(bytes(200_000))
            await wire.next(h2.events.StreamEnded)
            wire.answer(stream, framed(b"y"))

        async with (
            wired(play, settings={SettingCodes.INITIAL_WINDOW_SIZE: 1000}) as address,
            connected(address) as client,
        ):
            assert await say(client, bytes(200_000)) == b"y"

    run(test())


def test_a_server_that_answers_before_it_has_heard_all() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            wire.answer(await wire.call(), framed(b"y"))
            assert (await wire.next(h2.events.StreamReset)).error_code == ErrorCodes.NO_ERROR
            await echo(wire)

        async with (
            wired(play, settings={SettingCodes.INITIAL_WINDOW_SIZE: 10}) as address,
            connected(address) as client,
        ):
            assert await say(client, bytes(1000)) == b"y"
            call = client.open(PATH, None, 5)
            assert not await call.write(bytes(1000))  # it waits until the call is over
            assert await call.read() == b"y"

    run(test())


def test_answers_wait_for_their_reader() -> None:
    async def test() -> None:
        sent = 0

        async def play(wire: Wire) -> None:
            nonlocal sent
            stream = await wire.call()
            wire.h2.send_headers(stream, HEAD)
            piece = framed(bytes(9995))
            while sent < 4 * WINDOW:
                while wire.h2.local_flow_control_window(stream) < len(piece):
                    await wire.read()
                wire.h2.send_data(stream, piece)
                wire.flush()
                sent += len(piece)
            wire.h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
            wire.flush()

        async with wired(play) as address, connected(address) as client:
            call = client.open(PATH, None, 5)
            await call.done_writing()
            await asyncio.sleep(0.2)
            assert WINDOW - 10_000 <= sent <= WINDOW
            count = 0
            while await call.read() is not None:
                count += 1
            assert count * 10_000 == sent >= 4 * WINDOW

    run(test())


def test_answers_beyond_the_window_of_their_stream() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            stream = await wire.call()
            wire.h2.send_headers(stream, HEAD)
            wire.raw(30 * frames.frame(frames.DATA, 0, stream, framed(bytes(9995))))
            assert (await wire.next(h2.events.StreamReset)).error_code == ErrorCodes.FLOW_CONTROL_ERROR

        async with wired(play) as address, connected(address) as client:
            call = client.open(PATH, None, 5)
            await asyncio.sleep(0.1)
            for _ in range(26):
                assert await call.read() is not None
            assert (await failure(call.read())).error.code is Code.INTERNAL

    run(test())


@pytest.mark.parametrize("way", ["deadline", "cancel", "left"])
def test_the_server_learns_that_a_call_is_over(way: str) -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            stream = await wire.call()
            assert (await wire.next(h2.events.StreamReset)).error_code == ErrorCodes.CANCEL
            wire.raw(frames.frame(frames.DATA, 0, stream, framed(b"late")))  # it may be on its way by then
            wire.raw(frames.rst_stream(stream, frames.Error.NO_ERROR))
            await echo(wire)

        async with wired(play) as address, connected(address) as client:
            if way == "deadline":
                failed = await failure(say(client, timeout=0.05))
                assert failed.error.code is Code.DEADLINE_EXCEEDED and not failed.told
            elif way == "cancel":
                call = asyncio.ensure_future(say(client))
                await asyncio.sleep(0.05)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            else:
                stream = client.open(PATH, None, None)
                await stream.connected()
                stream.cancel()
                assert (await failure(stream.read())).error.code is Code.CANCELLED
            assert await say(client) == b"y"

    run(test())


def test_deadlines_of_any_order() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            await asyncio.sleep(60)

        async with wired(play) as address, connected(address) as client:
            loop = asyncio.get_running_loop()
            began = loop.time()

            async def late(timeout: float) -> None:
                assert (await failure(say(client, timeout=timeout))).error.code is Code.DEADLINE_EXCEEDED
                assert -0.005 <= loop.time() - began - timeout < 0.15

            await asyncio.gather(*(late(timeout) for timeout in (0.3, 0.1, 0.2, 0.1, 0.4)))

    run(test())


def test_pings_are_answered_unless_there_are_too_many() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            for _ in range(2 * IDLE_FRAMES[0]):  # as a server that measures the connection
                wire.h2.ping(b"measures")
                wire.answer(await wire.call(), framed(b"y"))
            wire.events.clear()
            for _ in range(2 * IDLE_FRAMES[0]):
                wire.h2.ping(b"floods..")
            wire.flush()
            assert await wire.ended() == ErrorCodes.ENHANCE_YOUR_CALM

        async with wired(play, echo) as address, connected(address) as client:
            for _ in range(2 * IDLE_FRAMES[0]):
                assert await say(client) == b"y"
            while client.check():
                await asyncio.sleep(0.01)

    run(test())


def test_a_silent_server_is_asked_while_calls_wait() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(wire.next(h2.events.PingReceived), 0.3)
            await wire.call()
            await wire.next(h2.events.PingReceived)
            await wire.next(h2.events.PingReceived)
            await asyncio.sleep(60)

        async with (
            wired(play) as address,
            connected(address, Dialing(keepalive=0.1, ping_timeout=0.2)) as client,
        ):
            await asyncio.sleep(0.35)
            failed = await failure(say(client))
            assert failed.error.message.startswith("ping timeout") and not failed.unseen

    run(test())


def test_a_server_that_wants_fewer_pings_gets_fewer() -> None:
    async def test() -> None:
        asked: list[float] = []

        async def play(wire: Wire) -> None:
            stream = await wire.call()
            began = asyncio.get_running_loop().time()
            await wire.next(h2.events.PingReceived)
            asked.append(asyncio.get_running_loop().time() - began)
            wire.raw(frames.goaway(stream, frames.Error.ENHANCE_YOUR_CALM, "too_many_pings"))
            wire.writer.close()

        async with wired(play) as address, connected(address, Dialing(keepalive=0.1)) as client:
            for _ in range(2):
                failed = await failure(say(client))
                assert "too_many_pings" in failed.error.message
                while not client.check():
                    await asyncio.sleep(0.01)
        assert asked[0] < 0.15 < asked[1]

    run(test())


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (frames.frame(frames.PUSH_PROMISE, 4, 1, bytes(4)), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.HEADERS, 4, 99, b"\x88"), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.HEADERS, 4, 2, b"\x88"), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.HEADERS, 4, 1, b"\xff\xff\xff\xff\xff\xff\xff"), ErrorCodes.COMPRESSION_ERROR),
        (frames.frame(frames.HEADERS, 0, 1, b"\x88") + frames.window_update(0, 1), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.HEADERS, 0x24, 1, b"\x88"), ErrorCodes.FRAME_SIZE_ERROR),
        (frames.frame(frames.CONTINUATION, 4, 1, b"\x88"), ErrorCodes.PROTOCOL_ERROR),
        (
            frames.frame(frames.HEADERS, 0, 1, b"")
            + 5 * frames.frame(frames.CONTINUATION, 0, 1, bytes(16384)),
            ErrorCodes.ENHANCE_YOUR_CALM,
        ),
        (frames.frame(frames.DATA, 0, 99, b""), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.DATA, 8, 1, b"\x05ab"), ErrorCodes.PROTOCOL_ERROR),
        (2000 * frames.frame(frames.DATA, 0, 1), ErrorCodes.ENHANCE_YOUR_CALM),
        (2000 * frames.frame(0x77, 0, 0), ErrorCodes.ENHANCE_YOUR_CALM),
        (frames.frame(frames.PRIORITY, 0, 0, bytes(5)), ErrorCodes.PROTOCOL_ERROR),
        (frames.rst_stream(99, frames.Error.CANCEL), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.RST_STREAM, 0, 1, b"123"), ErrorCodes.FRAME_SIZE_ERROR),
        (frames.window_update(0, 0), ErrorCodes.PROTOCOL_ERROR),
        (frames.window_update(0, 2**31 - 1), ErrorCodes.FLOW_CONTROL_ERROR),
        (frames.window_update(99, 1), ErrorCodes.PROTOCOL_ERROR),
        (frames.settings({frames.Setting.ENABLE_PUSH: 1}), ErrorCodes.PROTOCOL_ERROR),
        (frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: 2**31}), ErrorCodes.FLOW_CONTROL_ERROR),
        (frames.settings({frames.Setting.MAX_FRAME_SIZE: 1}), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.SETTINGS, 1, 0, b"123456"), ErrorCodes.FRAME_SIZE_ERROR),
        (frames.frame(frames.SETTINGS, 0, 1), ErrorCodes.PROTOCOL_ERROR),
        (frames.frame(frames.PING, 0, 0, b"1"), ErrorCodes.FRAME_SIZE_ERROR),
        (frames.frame(frames.GOAWAY, 0, 0, b"1"), ErrorCodes.FRAME_SIZE_ERROR),
        (b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", ErrorCodes.FRAME_SIZE_ERROR),
    ],
    ids=lambda value: value.hex()[:40] if isinstance(value, bytes) else "",
)
def test_servers_that_break_the_protocol(wrong: bytes, code: ErrorCodes) -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            await wire.call()
            await wire.call()
            wire.raw(wrong)
            assert await wire.ended() == code

        async with wired(play) as address, connected(address) as client:
            calls = [asyncio.ensure_future(say(client)) for _ in range(2)]
            failed = await failure(calls[0])
            assert str(failed.error).startswith("UNAVAILABLE: the connection is of no use: ")
            assert not failed.unseen
            await failure(calls[1])

    run(test())
