"""Flow control of what is sent."""

from __future__ import annotations

import asyncio
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.rpc.http2.flow import Sender
from zero_runtime.rpc.http2.frames import Broken


class Pipe:
    """A stream that sends."""

    def __init__(self, number: int, window: int) -> None:
        self.id = number
        self.window = window
        self.pending: memoryview | None = None
        self.flushed: asyncio.Future[None] | None = None


class Wire:
    """What was sent, by streams, in the order in which it was."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []

    def write(self, data: bytes) -> None:
        self.frames.append((int.from_bytes(data[5:9], "big"), data[9:]))

    def content(self, stream: int) -> bytes:
        return b"".join(data for number, data in self.frames if number == stream)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 2), st.integers(1, 60_000)),
        st.tuples(st.just("grant"), st.just(0), st.integers(1, 40_000)),
        st.tuples(st.just("grant_to"), st.integers(0, 2), st.integers(1, 40_000)),
        st.tuples(st.just("resize"), st.just(0), st.integers(0, 100_000)),
        st.tuples(st.just("pause"), st.just(0), st.integers(0, 1)),
    ),
    max_size=40,
)


@given(steps)
def test_windows_are_kept_and_nothing_is_lost(todo: list[tuple[str, int, int]]) -> None:
    loop = asyncio.new_event_loop()
    try:
        wire = Wire()
        sender = Sender(wire.write, loop)
        pipes = [Pipe(number, sender.initial) for number in (1, 3, 5)]
        sent = {pipe.id: b"" for pipe in pipes}
        granted = sender.window
        allowed = {pipe.id: sender.initial for pipe in pipes}
        for step, which, size in [*todo, ("pause", 0, 0)]:
            pipe = pipes[which]
            if step == "send":
                if pipe.pending is None:
                    message = bytes([size % 256]) * size
                    sent[pipe.id] += message
                    sender.send(pipe, message)
            elif step == "grant":
                granted += size
                sender.grant(size)
            elif step == "grant_to":
                allowed[pipe.id] += size
                assert sender.grant_to(pipe, size)
            elif step == "resize":
                for each in pipes:
                    allowed[each.id] += size - sender.initial
                sender.resize(size, pipes)
                sender.pump()
            else:
                sender.paused = bool(size)
                sender.pump()
            assert sender.window >= 0
        total = 0
        for pipe in pipes:
            content = wire.content(pipe.id)
            total += len(content)
            assert sent[pipe.id].startswith(content)
            assert pipe.window == allowed[pipe.id] - len(content)
            if pipe.pending is None:
                assert content == sent[pipe.id]
            else:
                assert sent[pipe.id] == content + pipe.pending
                assert pipe.window <= 0 or sender.window == 0
        assert sender.window == granted - total
        assert all(len(data) <= sender.frame_size for _, data in wire.frames)
    finally:
        loop.close()


def test_streams_take_turns() -> None:
    async def test() -> None:
        wire = Wire()
        sender = Sender(wire.write, asyncio.get_running_loop())
        sender.window = 0
        greedy, modest = Pipe(1, 10**6), Pipe(3, 10**6)
        waits = sender.send(greedy, bytes(100_000)), sender.send(modest, bytes(20_000))
        sender.grant(200_000)
        assert [number for number, _ in wire.frames[:4]] == [1, 3, 1, 3]
        for wait in waits:
            assert wait is not None and wait.done()

    asyncio.run(test())


def test_streams_that_are_dropped_are_forgotten() -> None:
    async def test() -> None:
        sender = Sender(Wire().write, asyncio.get_running_loop())
        sender.window = 0
        pipe = Pipe(1, 10)
        sender.send(pipe, b"x")
        gone = weakref.ref(pipe)
        assert not sender.drop(pipe)
        del pipe
        assert gone() is None

    asyncio.run(test())


def test_windows_have_an_end() -> None:
    async def test() -> None:
        sender = Sender(Wire().write, asyncio.get_running_loop())
        pipe = Pipe(1, 1)
        assert sender.grant_to(pipe, 2**31 - 2)
        assert not sender.grant_to(pipe, 1)
        with pytest.raises(Broken, match="FLOW_CONTROL_ERROR"):
            sender.grant(2**31 - 1)

    asyncio.run(test())
