"""What a client does about servers that are slow, gone, leaving or failing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.echo import run
from zero_runtime import errors, rpc
from zero_runtime.config import RpcClientConf
from zero_runtime.rpc.client.conftest import Client, Peer, client, serving

pytestmark = pytest.mark.usefixtures("transport")


async def load(calls: Client, seconds: float, concurrency: int = 8) -> Counter[str]:
    """Calls for a while; counts who answered, or with which status it failed."""
    answers: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def caller() -> None:
        while loop.time() < end:
            try:
                answers[await calls.say()] += 1
            except errors.ZeroError as error:
                answers[error.code.name] += 1
            await asyncio.sleep(0.002)

    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return answers


def test_a_slow_server_gets_less_than_a_tenth() -> None:
    async def test() -> None:
        peers = [Peer(name) for name in "abc"]
        async with AsyncExitStack() as stack:
            for peer in peers:
                await stack.enter_async_context(serving(peer))
            calls = await stack.enter_async_context(client(*peers))
            await load(calls, 0.3)
            peers[2].delay = 0.2
            await load(calls, 0.3)  # that is noticed when the first of its calls has come back
            answers = await load(calls, 1.5)
            assert answers["c"] < answers.total() / 10
            assert answers["a"] + answers["b"] + answers["c"] == answers.total()

    run(test())


def test_a_server_that_is_gone_gets_nothing_and_comes_back() -> None:
    async def test() -> None:
        peers = [Peer(name) for name in "abc"]
        async with AsyncExitStack() as stack:
            for peer in peers[:2]:
                await stack.enter_async_context(serving(peer))
            async with serving(peers[2]) as gone, client(*peers) as calls:
                assert (await load(calls, 0.3)).keys() == {"a", "b", "c"}
                await gone.stop(0)
                await load(calls, 0.2)
                served = peers[2].calls
                assert (await load(calls, 0.5)).keys() == {"a", "b"}
                assert peers[2].calls == served
                async with serving(peers[2], peers[2].address):
                    async with asyncio.timeout(10):
                        while peers[2].calls == served:
                            await load(calls, 0.1)

    run(test())


def test_a_target_that_fails_is_left_alone_by_the_breaker() -> None:
    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), client(peer) as calls:
            peer.failures = [grpc.StatusCode.INTERNAL] * 1000
            refused = 0
            for _ in range(300):
                with pytest.raises(errors.ZeroError) as caught:
                    await calls.say()
                refused += isinstance(caught.value, errors.Unavailable)
            assert peer.calls == 300 - refused
            assert refused > 150
            expected = f"{peer.address}: /test.Peer/Say is not called: most calls have failed lately"
            async with asyncio.timeout(5):
                while True:
                    try:
                        await calls.say()
                    except errors.Unavailable as error:
                        assert error.message == expected
                        break
                    except errors.Internal:
                        pass
            peer.failures = []
            assert [each.value async for each in calls.count("1")] == ["1"]  # each method has one of its own

    run(test())


def test_generated_clients_on_one_channel_share_the_breakers() -> None:
    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), rpc.connect(RpcClientConf(target=peer.address)) as channel:
            peer.failures = [grpc.StatusCode.INTERNAL] * 300
            for _ in range(300):
                with pytest.raises(errors.ZeroError):
                    await Client(channel).say()
            assert peer.calls < 150

    run(test())


def test_requests_that_fail_are_no_failures_of_the_server() -> None:
    async def failing() -> AsyncIterator[StringValue]:
        yield StringValue(value="a")
        raise errors.Unavailable("a source of ours")

    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), client(peer) as calls:
            for _ in range(50):
                with pytest.raises(errors.Unavailable, match="a source of ours"):
                    await calls.gather(failing())

    run(test())


def test_calls_that_fail_for_their_callers_fault_are_no_reason_to_stop() -> None:
    async def test() -> None:
        peer = Peer("p")
        async with serving(peer), client(peer) as calls:
            peer.failures = [grpc.StatusCode.NOT_FOUND] * 100
            for _ in range(100):
                with pytest.raises(errors.NotFound):
                    await calls.say()

    run(test())
