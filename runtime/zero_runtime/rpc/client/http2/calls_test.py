"""What goes out for a call, and what is made of its answer."""

from __future__ import annotations

import asyncio
import gzip
import math
import zlib
from base64 import b64encode

import h2.events
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hpack import Encoder

from zero_runtime.errors import Code, FieldError, InvalidArgument
from zero_runtime.rpc.client.http2.conftest import (
    HEAD,
    OK,
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
from zero_runtime.rpc.client.http2.heads import timeout_of
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.status import wire_status


@pytest.mark.parametrize("table", [4096, 65536, 100, 0])
def test_heads(table: int) -> None:
    """What the server remembers of them is the same on both sides, if it remembers anything."""

    async def test() -> None:
        heads: list[dict[str, str]] = []

        async def play(wire: Wire) -> None:
            while True:
                event = await wire.next(h2.events.RequestReceived)
                heads.append({_text(name): _text(value) for name, value in event.headers or ()})
                wire.answer(event.stream_id or 0, framed(b""))

        async with (
            wired(play, settings={SettingCodes.HEADER_TABLE_SIZE: table}) as address,
            connected(address) as client,
        ):
            for number in range(100):  # more methods than are remembered
                await client.call(f"/test.Wire/{number}", b"", None, None)
            await client.call(PATH, b"x", (("a", "é"), ("b-bin", b"\xff\0")), 1.5)
            await say(client, timeout=None)
        assert [head[":path"] for head in heads[:100]] == [f"/test.Wire/{number}" for number in range(100)]
        said = heads[100]
        assert said.pop("user-agent").startswith("zero-python/3.")
        assert 1_400_000 < int(said.pop("grpc-timeout")[:-1]) <= 1_500_000
        assert said == {
            ":method": "POST",
            ":scheme": "http",
            ":path": PATH,
            ":authority": address,
            "te": "trailers",
            "content-type": "application/grpc",
            "grpc-accept-encoding": "identity,gzip,deflate",
            "a": "é",
            "b-bin": "/wA",
        }
        assert "grpc-timeout" not in heads[101]

    run(test())


def test_a_head_of_several_frames() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            event = await wire.next(h2.events.RequestReceived)
            assert len(dict(event.headers or ())[b"long"]) == 40_000
            wire.answer(event.stream_id or 0, framed(b"y"))

        async with (
            wired(play, settings={SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 20}) as address,
            connected(address) as client,
        ):
            assert await client.call(PATH, b"x", [("long", "l" * 40_000)], 5) == b"y"

    run(test())


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0000001, b"1u"),
        (1.5, b"1500000u"),
        (99.999999, b"99999999u"),
        (100, b"100000m"),
        (99_999, b"99999000m"),
        (100_000, b"100000S"),
        (1e12, b"99999999S"),
    ],
)
def test_timeouts_on_the_wire(seconds: float, expected: bytes) -> None:
    assert timeout_of(seconds) == expected


def test_an_answer_in_any_pieces() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            stream = await wire.call()
            block = Encoder().encode(HEAD)
            wire.h2.send_headers(stream, [(":status", "103"), ("x", "early")])
            wire.h2.data_to_send()
            pieces = (
                frames.frame(frames.HEADERS, frames.PADDED, stream, b"\2" + block[:4] + b"\0\0")
                + frames.frame(frames.CONTINUATION, 0, stream, block[4:7])
                + frames.frame(frames.CONTINUATION, frames.END_HEADERS, stream, block[7:])
                + frames.frame(frames.DATA, frames.PADDED, stream, b"\1" + framed(b"abc")[:3] + b"\0")
                + frames.frame(frames.DATA, 0, stream, framed(b"abc")[3:])
                + frames.frame(
                    frames.HEADERS,
                    frames.END_HEADERS | frames.END_STREAM | frames.PRIORITISED,
                    stream,
                    bytes(5) + Encoder().encode(OK),
                )
            )
            for byte in pieces:
                wire.writer.write(bytes((byte,)))
                await asyncio.sleep(0)

        async with wired(play) as address, connected(address) as client:
            assert await say(client) == b"abc"

    run(test())


ZIPPED = gzip.compress(bytes(1000))


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        ("gzip", framed(gzip.compress(b"abc"), 1), b"abc"),
        ("deflate", framed(zlib.compress(b"abc"), 1), b"abc"),
        ("gzip", framed(b"abc"), b"abc"),
        ("gzip", framed(ZIPPED, 1), "RESOURCE_EXHAUSTED: a response may have at most 100 bytes"),
        ("identity", framed(bytes(101)), "RESOURCE_EXHAUSTED: a response may have at most 100 bytes"),
        ("snappy", framed(b"abc", 1), "INTERNAL: the response is compressed, and does not say how"),
        ("gzip", framed(b"abc", 1), "INTERNAL: the response is not gzip"),
        ("identity", framed(b"abc", 2), "INTERNAL: a message of gRPC is marked by 0 or 1"),
        ("identity", framed(b"abc")[:-1], "INTERNAL: the answer is cut off"),
        ("identity", framed(b"a") + framed(b"b"), "INTERNAL: the answer has several messages"),
        ("identity", b"", "INTERNAL: the answer has no message"),
    ],
)
def test_messages(encoding: str, content: bytes, expected: bytes | str) -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            while True:
                stream = await wire.call()
                wire.answer(stream, content, head=(*HEAD, ("grpc-encoding", encoding)))

        async with wired(play) as address, connected(address, Dialing(max_response=100)) as client:
            if isinstance(expected, bytes):
                assert await say(client) == expected
                return
            for _ in range(2):  # the connection is fine
                failed = await failure(say(client))
                assert str(failed.error).startswith(expected)
                assert not failed.told and not failed.unseen

    run(test())


def test_a_failure_at_once() -> None:
    error = InvalidArgument("über", fields=[FieldError("name", "is required")])
    code, _, details = wire_status(error)
    status = [("grpc-status", str(int(code))), ("grpc-message", "%C3%BCber")]
    status.append(("grpc-status-details-bin", b64encode(details or b"").decode().rstrip("=")))

    async def test() -> None:
        async def play(wire: Wire) -> None:
            wire.h2.send_headers(await wire.call(), [*HEAD, *status], end_stream=True)
            wire.flush()
            stream = await wire.call()
            wire.answer(stream, framed(b"half of it"), trailers=status)
            stream = await wire.call()
            wire.answer(stream, trailers=[("grpc-status", "99"), ("grpc-status-details-bin", "?")])

        async with wired(play) as address, connected(address) as client:
            for _ in range(2):
                failed = await failure(say(client))
                assert failed.told and not failed.unseen
                assert (failed.error.code, failed.error.message) == (error.code, error.message)
                assert failed.error.fields == error.fields
            assert (await failure(say(client))).error.code is Code.UNKNOWN

    run(test())


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([(":status", status), ("content-type", "text/html")], f"{code}: the answer has the status {status}")
        for status, code in (
            ("400", "INTERNAL"),
            ("401", "UNAUTHENTICATED"),
            ("403", "PERMISSION_DENIED"),
            ("404", "UNIMPLEMENTED"),
            ("429", "UNAVAILABLE"),
            ("502", "UNAVAILABLE"),
            ("503", "UNAVAILABLE"),
            ("504", "UNAVAILABLE"),
            ("500", "UNKNOWN"),
        )
    ]
    + [
        (
            [(":status", "200"), ("content-type", "text/html")],
            "UNKNOWN: the answer is not one of gRPC, but text",
        ),
        ([(":status", "200")], "UNKNOWN: the answer is not one of gRPC, but no content-type"),
        ([*HEAD], "UNKNOWN: the answer has ended without a status"),
    ],
)
@pytest.mark.parametrize("way", ["at once", "content", "end"])
def test_answers_of_no_grpc_server(head: list[tuple[str, str]], expected: str, way: str) -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            stream = await wire.call()
            wire.h2.send_headers(stream, head, end_stream=way == "at once")
            if way == "content":
                wire.h2.send_data(stream, b"" if head == [*HEAD] else b"<html>", end_stream=True)
            elif way == "end":
                wire.h2.send_headers(stream, [("x", "y")], end_stream=True)
            wire.flush()

        async with wired(play) as address, connected(address) as client:
            failed = await failure(say(client))
            assert str(failed.error).startswith(expected)
            assert not failed.told and not failed.unseen

    run(test())


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ErrorCodes.REFUSED_STREAM, Code.UNAVAILABLE),
        (ErrorCodes.CANCEL, Code.CANCELLED),
        (ErrorCodes.ENHANCE_YOUR_CALM, Code.RESOURCE_EXHAUSTED),
        (ErrorCodes.INADEQUATE_SECURITY, Code.PERMISSION_DENIED),
        (ErrorCodes.NO_ERROR, Code.INTERNAL),
        (0x77, Code.INTERNAL),
    ],
)
def test_calls_that_the_server_resets(code: int, expected: Code) -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            while True:
                wire.raw(frames.frame(frames.RST_STREAM, 0, await wire.call(), code.to_bytes(4, "big")))

        async with wired(play) as address, connected(address) as client:
            for _ in range(2):
                failed = await failure(say(client))
                assert failed.error.code is expected
                assert not failed.told
                assert failed.unseen is (code == ErrorCodes.REFUSED_STREAM)

    run(test())


def test_a_server_that_is_sooner_than_our_alarm() -> None:
    """grpc-go resets what is late, as grpc-core does; a loop that was busy reads that before its timers
    ring."""

    async def test() -> None:
        called, looking = asyncio.Event(), asyncio.Event()

        async def play(wire: Wire) -> None:
            stream = await wire.call()
            called.set()
            await looking.wait()
            wire.raw(frames.rst_stream(stream, frames.Error.CANCEL))

        async with wired(play) as address, connected(address) as client:
            call = asyncio.ensure_future(say(client, timeout=0.2))
            await called.wait()
            connection = client._connection
            assert connection is not None and connection._alarm is not None
            connection._alarm.cancel()
            await asyncio.sleep(0.2)
            looking.set()
            failed = await failure(call)
            assert failed.error.code is Code.DEADLINE_EXCEEDED
            assert not failed.told and not failed.unseen

    run(test())


def test_a_time_without_end() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            for _ in range(2):
                wire.answer(await wire.call(), framed(b"y"))

        async with wired(play) as address, connected(address) as client:
            for timeout in (math.inf, 1):
                assert await say(client, timeout=timeout) == b"y"

    run(test())


def test_metadata_that_is_too_large() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            stream = await wire.call()
            wire.h2.send_headers(stream, [*HEAD, *((f"x{number}", "y" * 100) for number in range(200))])
            wire.flush()
            assert (await wire.next(h2.events.StreamReset)).stream_id == stream
            wire.answer(await wire.call(), framed(b"y"))

        # It does not heed what it is told of the largest that is taken.
        async with wired(play) as address, connected(address) as client:
            failed = await failure(say(client))
            assert failed.error.code is Code.RESOURCE_EXHAUSTED
            assert await say(client) == b"y"

    run(test())


def test_answers_that_break_the_protocol_of_their_stream() -> None:
    async def test() -> None:
        async def play(wire: Wire) -> None:
            for code, wrong in (
                (ErrorCodes.PROTOCOL_ERROR, b""),
                (ErrorCodes.PROTOCOL_ERROR, Encoder().encode(HEAD)),
            ):
                stream = await wire.call()
                block = frames.frame(frames.HEADERS, frames.END_HEADERS, stream, wrong)
                wire.raw(2 * block if wrong else frames.frame(frames.DATA, 0, stream, framed(b"x")))
                assert (await wire.next(h2.events.StreamReset)).error_code == code
            stream = await wire.call()
            wire.raw(frames.window_update(stream, 2**31 - 1))
            assert (await wire.next(h2.events.StreamReset)).error_code == ErrorCodes.FLOW_CONTROL_ERROR

        async with wired(play) as address, connected(address) as client:
            for expected in ("without a head", "several heads", "window that cannot be"):
                failed = await failure(say(client))
                assert failed.error.code is Code.INTERNAL and expected in failed.error.message
                assert client.check()

    run(test())


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
