"""HTTP/2 as its peers may speak it, and as they may not; h2spec's cases are not repeated here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar

import h2.events
import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hpack import Encoder

from zero_runtime import errors
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.call import WINDOW
from zero_runtime.rpc.http2.conftest import HEAD, Peer, framed, head_of, peer, run, served
from zero_runtime.rpc.http2.requests import Requests

STREAM = head_of("/test.Wire/Stream")


async def sleep(request: BytesValue) -> BytesValue:
    await asyncio.sleep(60)
    return request


def test_a_call() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            first, second = client.call(b"one"), client.call(b"two")
            assert await client.body(first) == framed(b"one")
            assert await client.body(second) == framed(b"two")

    run(test())


def test_frames_in_any_pieces() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, HEAD)
            client.h2.send_data(stream, framed(b"abc"), end_stream=True, pad_length=7)
            for byte in client.h2.data_to_send():
                client.writer.write(bytes((byte,)))
                await asyncio.sleep(0)
            assert await client.body(stream) == framed(b"abc")

    run(test())


def test_a_head_in_several_frames_and_trailers_after_the_request() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, HEAD)
            client.h2.data_to_send()
            block = Encoder().encode(HEAD)
            client.raw(frames.frame(frames.HEADERS, 0, stream, block[:5]))
            client.raw(frames.frame(frames.CONTINUATION, 0, stream, block[5:9]))
            client.raw(frames.frame(frames.CONTINUATION, frames.END_HEADERS, stream, block[9:]))
            client.h2.send_data(stream, framed(b"abc"))
            client.h2.send_headers(stream, [("x-checksum", "1")], end_stream=True)
            client.flush()
            assert await client.body(stream) == framed(b"abc")

    run(test())


@pytest.mark.parametrize(
    ("content", "code", "why"),
    [
        (b"", "13", "takes one request, there is none"),
        (framed(b"a") + framed(b"b"), "13", "takes one request, these are several"),
        (framed(b"a")[:-1], "13", "the request is cut off"),
        (framed(bytes(101)), "8", "at most 100 bytes"),
        (b"\1" + framed(b"a")[1:], "13", "does not say how"),
    ],
)
def test_requests_of_no_use(content: bytes, code: str, why: str) -> None:
    async def test() -> None:
        async with served(max_recv_msg_size=100) as (_, address), peer(address) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, HEAD)
            client.h2.send_data(stream, content, end_stream=True)
            client.flush()
            status = await client.status(stream)
            assert status["grpc-status"] == code
            assert why in status["grpc-message"]

    run(test())


def test_an_answer_before_the_end_of_the_request_tells_its_sender_to_stop() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            stream = client.call(head=head_of("/test.Wire/Sing"), end=False)
            client.h2.send_data(stream, bytes(9000))
            client.flush()
            reset = await client.next(h2.events.StreamReset, stream)
            assert reset.error_code == ErrorCodes.NO_ERROR
            ended = next(event for event in client.events if isinstance(event, h2.events.ResponseReceived))
            assert (b"grpc-status", b"12") in (ended.headers or ())
            assert await client.body(client.call(b"next")) == framed(b"next")

    run(test())


def test_a_request_that_does_not_arrive_in_time() -> None:
    async def test() -> None:
        async with served(timeout=50) as (_, address), peer(address) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, HEAD)
            client.flush()
            await client.next(h2.events.StreamReset, stream)
            ended = next(event for event in client.events if isinstance(event, h2.events.ResponseReceived))
            assert (b"grpc-status", b"4") in (ended.headers or ())

    run(test())


def test_logic_that_does_not_read_stops_its_caller() -> None:
    go_on = asyncio.Event()

    async def late(requests: AsyncIterator[BytesValue]) -> AsyncIterator[BytesValue]:
        await go_on.wait()
        async for request in requests:
            yield BytesValue(value=b"%d" % len(request.value))

    async def test() -> None:
        async with served(stream=late) as (_, address), peer(address) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, STREAM)
            client.flush()
            await client.next(h2.events.RemoteSettingsChanged)
            sent = 0

            def send() -> int:
                count = 0
                while client.h2.local_flow_control_window(stream) > 10_100:
                    client.h2.send_data(stream, framed(bytes(10_000)))
                    count += 1
                client.flush()
                return count

            while count := send():
                sent += count
                await asyncio.sleep(0.05)
                client.h2.ping(b"are you?")
                client.flush()
                await client.next(h2.events.PingAckReceived)
            assert sent * 10_000 <= WINDOW
            go_on.set()
            while send() == 0:
                await client.read()
            assert client.h2.local_flow_control_window(stream) < WINDOW
            assert await body_starts_with(client, stream, framed(b"10000"))

    async def body_starts_with(client: Peer, stream: int, expected: bytes) -> bool:
        content = b""
        while len(content) < len(expected):
            content += (await client.next(h2.events.DataReceived, stream)).data or b""
        return content.startswith(expected)

    run(test())


def test_a_message_larger_than_the_window_comes_as_a_whole() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            stream = client.h2.get_next_available_stream_id()
            client.h2.send_headers(stream, HEAD)
            left = memoryview(framed(bytes(3 * WINDOW)))
            while left:
                room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)
                if room:
                    client.h2.send_data(stream, left[:room].tobytes(), end_stream=len(left) <= room)
                    left = left[room:]
                    client.flush()
                else:
                    await client.read()
            assert await client.body(stream) == framed(bytes(3 * WINDOW))

    run(test())


def test_a_caller_that_does_not_read_stops_the_logic() -> None:
    made = 0

    async def pour(requests: AsyncIterator[BytesValue]) -> AsyncIterator[BytesValue]:
        nonlocal made
        while True:
            made += 1
            yield BytesValue(value=bytes(10_000))

    async def test() -> None:
        async with served(stream=pour) as (_, address), peer(address) as client:
            client.call(head=STREAM)
            await client.next(h2.events.DataReceived)
            await asyncio.sleep(0.1)
            assert 5 <= made <= 8  # a window of 64 KiB
            client.h2.increment_flow_control_window(10**9)
            client.h2.increment_flow_control_window(10**9, 1)
            client.flush()
            await asyncio.sleep(0.3)
            first = made
            await asyncio.sleep(0.2)
            assert made == first < 2000  # what sockets hold, with a window of a gigabyte

    run(test())


async def large(requests: AsyncIterator[BytesValue]) -> AsyncIterator[BytesValue]:
    yield BytesValue(value=bytes(1_000_000))


def test_a_call_that_ends_amid_a_message_is_cut_off() -> None:
    async def test() -> None:
        async with served(stream=large) as (_, address), peer(address) as client:
            stream = client.call(head=(*STREAM, ("grpc-timeout", "50m")))
            assert (await client.next(h2.events.StreamReset, stream)).error_code == ErrorCodes.CANCEL

    run(test())


def test_a_call_that_ends_between_messages_has_a_status() -> None:
    async def test() -> None:
        async with served(stream=large) as (_, address), peer(address) as client:
            client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
            stream = client.call(head=(*STREAM, ("grpc-timeout", "50m")))
            assert (await client.status(stream))["grpc-status"] == "4"

    run(test())


def test_readers_that_outlive_the_call_are_told() -> None:
    told: list[object] = []
    readers: list[asyncio.Task[None]] = []

    async def leave(requests: AsyncIterator[BytesValue]) -> AsyncIterator[BytesValue]:
        async def read() -> None:
            try:
                async for _ in requests:
                    pass
            except errors.Cancelled as error:
                told.append(error.message)

        readers.append(asyncio.create_task(read()))
        await asyncio.sleep(0.01)
        yield BytesValue(value=b"bye")

    async def test() -> None:
        async with served(stream=leave) as (_, address), peer(address) as client:
            await client.next(h2.events.StreamReset, client.call(head=STREAM, end=False))
            await asyncio.wait(readers, timeout=5)
            assert told == ["the call is over"]

    run(test())


def test_requests_that_are_abandoned_are_forgotten() -> None:
    left: list[int] = []

    async def test() -> None:
        requests = Requests(left.append)
        requests.put(b"x", 6)
        requests.abandon(errors.Cancelled("the call is over"))
        with pytest.raises(errors.Cancelled):
            await anext(requests)
        assert left == [0]

    run(test())


def test_windows_follow_the_settings() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
            stream = client.call(b"x" * 100)
            received = await client.next(h2.events.DataReceived, stream)
            assert len(received.data or b"") == 10
            client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
            client.flush()
            assert (received.data or b"") + await client.body(stream) == framed(b"x" * 100)

    run(test())


def test_data_after_the_end_ends_the_call() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait(request: BytesValue) -> BytesValue:
        begun.set()
        try:
            return await sleep(request)
        finally:
            ended.set()

    async def test() -> None:
        async with served(wait) as (_, address), peer(address) as client:
            stream = client.call()
            await begun.wait()
            client.raw(frames.frame(frames.DATA, 0, stream, b"x"))
            assert (await client.next(h2.events.StreamReset)).error_code == ErrorCodes.STREAM_CLOSED
            await asyncio.wait_for(ended.wait(), 5)

    run(test())


def test_calls_know_nothing_of_those_before_them() -> None:
    own: ContextVar[bytes] = ContextVar("own", default=b"")
    found = []

    async def fill(request: BytesValue) -> BytesValue:
        found.append(own.get())
        own.set(request.value)
        await asyncio.sleep(0)
        return BytesValue(value=request.value * 3_000_000)  # the socket is full, and reading stops

    async def test() -> None:
        async with served(fill) as (_, address), peer(address, receive_buffer=4096) as client:
            client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
            client.h2.increment_flow_control_window(2**30)
            for value in (b"a", b""):
                await client.next(h2.events.StreamEnded, client.call(value))
            assert found == [b"", b""]

    run(test())


def test_calls_beyond_the_limit_are_refused_and_may_be_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zero_runtime.rpc.http2.connection.MOST_CALLS", 2)

    async def test() -> None:
        async with served(sleep) as (_, address), peer(address) as client:
            client.call()
            client.call()
            refused = client.call()
            assert (await client.next(h2.events.StreamReset)).stream_id == refused
            client.h2.reset_stream(1)
            stream = client.call(head=STREAM)
            assert await client.body(stream) == framed(b"x")

    run(test())


def test_tables_of_any_size() -> None:
    async def test() -> None:
        async with served() as (_, address), peer(address) as client:
            for size in (0, 4096, 100):
                client.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: size})
                client.h2.update_settings({SettingCodes.MAX_FRAME_SIZE: 16384 + size})
                assert await client.body(client.call(b"x")) == framed(b"x")

    run(test())


def test_errors_cross_with_their_words() -> None:
    async def fail(request: BytesValue) -> BytesValue:
        raise errors.NotFound("no such thing: 50 % gone")

    async def test() -> None:
        async with served(fail) as (_, address), peer(address) as client:
            status = await client.status(client.call())
            assert status == {
                ":status": "200",
                "content-type": "application/grpc",
                "grpc-status": "5",
                "grpc-message": "no such thing: 50 %25 gone",
                "grpc-accept-encoding": "identity,gzip,deflate",
            }

    run(test())
