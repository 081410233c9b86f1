"""Calls of all kinds, and every way in which a stream may end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.echo import run
from zero_runtime import errors
from zero_runtime.rpc.client.conftest import Peer, client, serving, words

pytestmark = pytest.mark.usefixtures("transport")


def test_all_kinds() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer) as calls:
            assert await calls.say("hello") == "hello"
            assert [each.value async for each in calls.count("3")] == ["1", "2", "3"]
            assert await calls.gather(words("a", "b")) == "a b"
            assert [each.value async for each in calls.talk(words("a", "b"))] == ["A", "B", "bye"]
            assert [each.value async for each in calls.talk(words())] == ["bye"]
            assert [each.value async for each in calls.count("0")] == []

    run(test())


def test_requests_and_responses_take_turns() -> None:
    async def test() -> None:
        peer = Peer()
        said: asyncio.Queue[str] = asyncio.Queue()

        async def saying() -> AsyncIterator[StringValue]:
            while text := await said.get():
                yield StringValue(value=text)

        async with serving(peer), client(peer) as calls, calls.talk(saying()) as answers:
            for text in ("a", "b", "c"):
                said.put_nowait(text)
                assert (await anext(answers)).value == text.upper()
            said.put_nowait("")  # half-closed: it says no more, and still listens
            assert [each.value async for each in answers] == ["bye"]

    run(test())


@pytest.mark.parametrize("way", ["block", "aclose", "break", "task", "timeout"])
def test_leaving_a_stream_cancels_it_at_the_server(way: str) -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer) as calls:
            stream = calls.count()
            if way == "block":
                async with stream:
                    await anext(stream)
            elif way == "aclose":
                await anext(stream)
                await stream.aclose()
                await stream.aclose()
            elif way == "break":
                async for _ in stream:
                    break
                del stream
                gc.collect()
            elif way == "task":
                peer.delay = 60
                task = asyncio.ensure_future(anext(stream))
                await asyncio.sleep(0.1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            else:
                peer.delay = 60
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await anext(stream)
            async with asyncio.timeout(2):
                await peer.cancelled.wait()
            if way != "break":
                with pytest.raises(StopAsyncIteration):
                    await anext(stream)

    run(test())


def test_cancelling_a_call_cancels_it_at_the_server() -> None:
    async def test() -> None:
        peer = Peer()
        peer.delay = 60
        async with serving(peer), client(peer) as calls:
            for work in (calls.say(), calls.gather(words("a"))):
                peer.cancelled.clear()
                task = asyncio.ensure_future(work)
                await asyncio.sleep(0.1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                async with asyncio.timeout(2):
                    await peer.cancelled.wait()

    run(test())


@pytest.mark.parametrize("kind", ["gather", "talk"])
def test_what_the_requests_raise_comes_back(kind: str) -> None:
    class Defect(Exception):
        pass

    async def broken() -> AsyncIterator[StringValue]:
        yield StringValue(value="a")
        await asyncio.sleep(0.05)
        raise Defect

    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer) as calls:
            with pytest.raises(Defect):
                if kind == "gather":
                    await calls.gather(broken())
                else:
                    async for each in calls.talk(broken()):
                        assert each.value == "A"
            assert peer.heard == ["a"]

    run(test())


def test_a_server_may_end_a_stream_before_it_heard_everything() -> None:
    async def test() -> None:
        peer = Peer()
        ended = False

        async def endless() -> AsyncIterator[StringValue]:
            nonlocal ended
            try:
                for text in ("a", "b", "."):
                    yield StringValue(value=text)
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0)
                ended = True

        async with serving(peer), client(peer) as calls:
            peer.enough = 2
            assert await calls.gather(endless()) == "a b"
            assert ended
            ended = False
            assert [each.value async for each in calls.talk(endless())] == ["A", "B"]
            assert ended

    run(test())


def test_requests_wait_until_the_server_takes_them() -> None:
    async def test() -> None:
        peer = Peer()
        peer.listening.clear()
        made = 0

        async def large() -> AsyncIterator[StringValue]:
            nonlocal made
            while made < 200:
                made += 1
                yield StringValue(value="x" * 100_000)

        async with serving(peer), client(peer) as calls:
            task = asyncio.ensure_future(calls.gather(large()))
            await asyncio.sleep(0.3)
            assert made < 120  # some are on their way: windows grow to a few MiB
            peer.listening.set()
            await task
            assert len(peer.heard) == 200

    run(test())


def test_responses_wait_until_they_are_taken() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer) as calls, calls.count() as numbers:
            assert (await anext(numbers)).value == "1"
            await asyncio.sleep(0.3)
            assert int((await anext(numbers)).value) == 2

    run(test())


def test_failures_of_streams() -> None:
    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), client(peer) as calls:
            peer.failures = [grpc.StatusCode.NOT_FOUND] * 3
            for stream in (calls.count(), calls.talk(words("a"))):
                with pytest.raises(errors.NotFound, match="p fails"):
                    await anext(stream)
            with pytest.raises(errors.NotFound, match="p fails"):
                await calls.gather(words("a"))

    run(test())


def test_streams_have_no_limit_but_their_own() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer, timeout=100) as calls:
            peer.delay = 0.3
            assert [each.value async for each in calls.count("2")] == ["1", "2"]
            assert peer.time is None
            expected = rf"DEADLINE_EXCEEDED: {peer.address}: no answer of /test.Peer/Count within 0.1 s"
            with pytest.raises(errors.DeadlineExceeded, match=expected):
                await anext(calls.count("2", timeout=0.1))

    run(test())


def test_a_stream_is_left_while_another_task_reads_it() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer) as calls:
            async with calls.talk(silent()) as responses:
                reading = asyncio.ensure_future(anext(responses))
                while not peer.calls:
                    await asyncio.sleep(0.01)
                with pytest.raises(RuntimeError, match="another task waits"):
                    await anext(responses)
            with pytest.raises(errors.Cancelled, match="the stream was left"):
                await reading
            async with asyncio.timeout(2):
                await peer.cancelled.wait()
            await responses.aclose()

    async def silent() -> AsyncIterator[StringValue]:
        await asyncio.sleep(60)
        yield StringValue()

    run(test())


def test_a_server_that_ends_a_stream_while_it_is_sent_is_understood() -> None:
    async def endless() -> AsyncIterator[StringValue]:
        while True:
            yield StringValue(value="x" * 1000)

    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), client(peer) as calls:
            for _ in range(20):
                peer.failures = [grpc.StatusCode.PERMISSION_DENIED]
                with pytest.raises(errors.PermissionDenied, match="p fails"):
                    await calls.gather(endless())
                peer.heard, peer.enough = [], 3
                assert (await calls.gather(endless())).count(" ") == 2

    run(test())


def test_requests_that_are_cancelled_or_no_messages_are_no_riddle() -> None:
    async def cancelled() -> AsyncIterator[StringValue]:
        yield StringValue(value="a")
        raise asyncio.CancelledError

    async def nothing() -> AsyncIterator[Any]:
        yield "no message"

    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer) as calls:
            with pytest.raises(errors.Cancelled, match="the requests were cancelled"):
                await calls.gather(cancelled())
            with pytest.raises(AttributeError, match="SerializeToString"):
                await calls.gather(nothing())

    run(test())
