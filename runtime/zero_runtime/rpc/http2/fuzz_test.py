"""Whatever comes, a connection neither fails nor hangs nor keeps anything."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from hpack import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from zero_runtime.config.rpc import KeepaliveConf
from zero_runtime.deadline import Alarms
from zero_runtime.errors import Code
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.conftest import HEAD, framed, head_of, wire
from zero_runtime.rpc.http2.connection import Connection
from zero_runtime.rpc.http2.serving import Serving
from zero_runtime.rpc.server.pipeline import Handler


class Memory(asyncio.Transport):
    """A socket that takes whatever is written, and has a client that reads it when it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closing = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closing, "nothing is written on a connection that was closed"
        self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Count:
    """How many calls have begun and not ended. It takes the place of what observes them."""

    def __init__(self) -> None:
        self.open = 0
        self.begun = 0

    def begin(self, metadata: Any, peer: str) -> Observed:
        self.open += 1
        self.begun += 1
        return Observed(self)


@dataclass
class Observed:
    count: Count
    span: Any = None
    ended: bool = False

    def end(self, code: Code) -> None:
        assert not self.ended, "a call ends once"
        self.ended = True
        self.count.open -= 1


async def slow(request: BytesValue) -> BytesValue:
    if request.value.startswith(b"s"):
        await asyncio.sleep(60)
    return request


async def pour(requests: AsyncIterator[BytesValue]) -> AsyncIterator[BytesValue]:
    async for request in requests:
        for _ in range(20):
            yield BytesValue(value=request.value * 1000)


def handlers(count: Count) -> dict[bytes, Handler]:
    alarms = Alarms(asyncio.get_running_loop())
    service = wire(slow, pour)
    return {
        f"/{service.name}/{method.name}".encode(): Handler(
            f"/{service.name}/{method.name}", method, alarms, observer=count  # type: ignore[arg-type]
        )
        for method in service.methods
    }


HELLO = frames.PREFACE + frames.settings({})
HEADS = [
    Encoder().encode([(name, value, True) for name, value in head])
    for head in (
        HEAD,
        head_of("/test.Wire/Stream"),
        head_of("/test.Wire/Stream", ("grpc-encoding", "gzip"), ("grpc-timeout", "1m")),
        head_of("/none"),
        HEAD[1:],
        (("x-trailer", "1"),),
    )
]

MESSAGES = [
    framed(b"a"),
    framed(b"s"),
    framed(b"xyz" * 300),
    framed(b"b") * 3,
    framed(b"c")[:4],
    framed(bytes(6000)),
]
NUMBERS = [bytes(4), b"\0\0\0\1", b"\x7f\xff\xff\xff", bytes(8), b"\0\4\0\0\0\0", b"\0\4\0\1\0\0"]

recent = st.integers(0, 3)
"""Which stream: the last one that was opened, the one before it, and so on."""

likely = st.one_of(
    st.tuples(st.just(frames.HEADERS), st.just(-1), st.sampled_from([4, 4, 5]), st.sampled_from(HEADS[:3])),
    st.tuples(st.just(frames.DATA), recent, st.sampled_from([0, 1, 1]), st.sampled_from(MESSAGES)),
    st.tuples(st.just(frames.WINDOW_UPDATE), recent, st.just(0), st.sampled_from(NUMBERS[1:3])),
    st.tuples(st.just(frames.RST_STREAM), recent, st.just(0), st.just(bytes(4))),
    st.sampled_from(["turn", "pause"]),
)
flags = st.sampled_from([0, 1, 4, 5, 5, 8, 9, 13, 0x25, 0xFF])
payloads = st.binary(max_size=40) | st.sampled_from([*HEADS, *MESSAGES, *NUMBERS])
wild = st.tuples(st.integers(0, 11), st.integers(-2, 4), flags, payloads) | st.binary(max_size=30)
steps = st.lists(st.one_of(*[likely] * 9, wild), min_size=10, max_size=40)


@pytest.mark.filterwarnings("error")
@settings(deadline=None, max_examples=120)
@given(steps, st.sampled_from(["lost", "given up", "drained"]))
def test_whatever_comes(todo: list[Any], end: str) -> None:
    async def test() -> None:
        count = Count()
        serving = Serving(handlers=handlers(count), keepalive=KeepaliveConf(), max_request=5000)
        connection, memory = Connection(serving), Memory()
        connection.connection_made(memory)
        connection.data_received(HELLO)
        last = 1
        connection.data_received(frames.frame(frames.HEADERS, 4, last, HEADS[1]))
        for step in todo:
            if memory.closing:
                break
            if step == "turn":
                await asyncio.sleep(0)
                connection.resume_writing()
            elif step == "pause":
                connection.pause_writing()
            elif memory.reading:
                if isinstance(step, tuple):
                    kind, which, flags, payload = step
                    last += 2 * (which == -1)
                    step = frames.frame(
                        kind, flags, 0 if which == -2 else max(last - 2 * max(which, 0), 1), payload
                    )
                connection.data_received(step)
        if end == "drained" and not memory.closing:
            connection.drain()
            connection.resume_writing()
            connection.data_received(frames.frame(frames.PING, frames.ACK, 0, b"zero-bye"))
        elif end == "given up" and not memory.closing:
            connection.give_up("the test is over")
        connection.connection_lost(None)
        for _ in range(6):
            await asyncio.sleep(0)
        assert count.open == 0 and connection.intake.unread == 0
        assert not serving.connections
        assert asyncio.all_tasks() == {asyncio.current_task()}
        well_formed(bytes(memory.written))

    asyncio.run(test())


def well_formed(written: bytes) -> None:
    """Whole frames alone were written, and nothing after the end of a stream."""
    ended: set[int] = set()
    while written:
        upper, lower, kind, flags, stream = frames.HEADER.unpack_from(written)
        size = upper << 8 | lower
        assert len(written) >= 9 + size
        if kind in (frames.DATA, frames.HEADERS):
            assert stream not in ended
            if flags & frames.END_STREAM:
                ended.add(stream)
        elif kind == frames.RST_STREAM:
            ended.add(stream)
        written = written[9 + size :]


def test_many_connections_leave_nothing_behind() -> None:
    async def test() -> None:
        count = Count()
        serving = Serving(handlers=handlers(count), keepalive=KeepaliveConf(), max_request=5000)
        left: weakref.WeakSet[object] = weakref.WeakSet()
        head = HEADS[0]
        call = frames.frame(frames.HEADERS, 4, 1, head) + frames.frame(frames.DATA, 1, 1, framed(b"s"))
        for _ in range(50):
            connection = Connection(serving)
            connection.connection_made(Memory())
            left.update((connection, connection._keepalive))
            connection.data_received(HELLO + call)
            await asyncio.sleep(0)
            connection.connection_lost(None)
        del connection
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()
        assert (count.begun, count.open) == (50, 0)
        assert not list(left)

    asyncio.run(test())
