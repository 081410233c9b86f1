"""What goes along with a call: metadata, deadlines, traces, who calls, and keys."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc.error_details_pb2 import BadRequest

from tests.servers.echo import run
from zero_runtime import errors, rpc
from zero_runtime.config import InvalidValue, RpcClientConf
from zero_runtime.config.rpc import RpcClientMiddlewaresConf
from zero_runtime.deadline import served_until
from zero_runtime.observability.trace import Sampler, current_span
from zero_runtime.rpc.client.conftest import Peer, client, serving, words

pytestmark = pytest.mark.usefixtures("transport")


def test_metadata_goes_along() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer, app="shop", token="secret") as calls:
            metadata: Any = [("tenant", "t1"), ("key-bin", b"\x00\xff")]
            for work in (
                calls.say(metadata=metadata),
                anext(calls.count("1", metadata=metadata)),
                calls.gather(words("a"), metadata=metadata),
                anext(calls.talk(words("a"), metadata=metadata)),
            ):
                peer.metadata = {}
                await work
                assert peer.metadata["tenant"] == "t1"
                assert peer.metadata["key-bin"] == b"\x00\xff"
                assert (peer.metadata["app"], peer.metadata["token"]) == ("shop", "secret")

    run(test())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Tenant", "t", "metadata `Tenant`: names have lower-case letters"),
        ("a b", "t", "metadata `a b`: names have lower-case letters"),
        (
            "grpc-timeout",
            "1S",
            "metadata `grpc-timeout`: names have lower-case letters, .* not `grpc-` in front",
        ),
        (
            "tenant",
            "t\n",
            "metadata `tenant`: expected printable ASCII; other values go under names with `-bin`",
        ),
        ("tenant", b"t", "metadata `tenant`: expected printable ASCII"),
        ("tenant-bin", "t", "metadata `tenant-bin`: expected bytes"),
    ],
)
def test_metadata_that_cannot_be_sent(name: str, value: str | bytes, message: str) -> None:
    async def test() -> None:
        async with client("127.0.0.1:1") as calls:
            with pytest.raises(ValueError, match=message):
                await calls.say(metadata=((name, value),))
            with pytest.raises(ValueError, match=message):
                await anext(calls.count("1", metadata=((name, value),)))

    run(test())


def test_a_token_that_cannot_be_sent() -> None:
    with pytest.raises(InvalidValue, match="Token: expected printable ASCII"):
        rpc.connect(RpcClientConf(target="a:1", app="shop", token="a\nb"))


def test_the_trace_is_carried_on() -> None:
    async def test() -> None:
        peer = Peer()
        served = Sampler(1.0).begin()
        current_span.set(served)
        trace_id = served.traceparent.decode().split("-")[1]
        off = RpcClientMiddlewaresConf(trace=False)
        async with serving(peer), client(peer) as calls, client(peer, middlewares=off) as untraced:
            await calls.say()
            version, trace, parent, flags = str(peer.metadata["traceparent"]).split("-")
            assert (version, trace, flags) == ("00", trace_id, "01")
            assert parent != served.traceparent.decode().split("-")[2]
            await anext(calls.count("1"))
            assert str(peer.metadata["traceparent"]).split("-")[1] == trace_id
            await untraced.say()
            assert "traceparent" not in peer.metadata

    run(test())


@pytest.mark.parametrize(
    ("conf", "option", "served", "expected"),
    [
        (2000, None, None, 2.0),
        (2000, 5.0, None, 5.0),
        (2000, 0.5, None, 0.5),
        (0, None, None, None),
        (2000, None, 1.0, 1.0),
        (2000, 5.0, 1.0, 1.0),
        (0, None, 1.0, 1.0),
        (500, None, 1.0, 0.5),
    ],
)
def test_a_call_ends_at_the_soonest_of_its_limits(
    conf: int, option: float | None, served: float | None, expected: float | None
) -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer, timeout=conf) as calls:
            await calls.say()
            if served is not None:
                served_until.set(asyncio.get_running_loop().time() + served)
            await (calls.say() if option is None else calls.say(timeout=option))
            if expected is None:
                assert peer.time is None
            else:
                assert peer.time == pytest.approx(expected, abs=0.2)

    run(test())


def test_the_limit_of_a_client_can_be_switched_off() -> None:
    async def test() -> None:
        peer = Peer()
        off = RpcClientMiddlewaresConf(timeout=False)
        async with serving(peer), client(peer, middlewares=off) as calls:
            await calls.say()
            assert peer.time is None

    run(test())


def test_no_call_is_made_after_the_end_of_what_it_is_made_for() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), client(peer) as calls:
            served_until.set(asyncio.get_running_loop().time() - 1)
            expected = f"DEADLINE_EXCEEDED: {peer.address}: no time is left to call /test.Peer/"
            for work in (calls.say(), anext(calls.count("1")), calls.gather(words("a"))):
                with pytest.raises(errors.DeadlineExceeded, match=expected):
                    await work
            assert peer.calls == 0

    run(test())


def test_a_call_that_takes_too_long() -> None:
    async def test() -> None:
        peer = Peer()
        peer.delay = 60
        async with serving(peer), client(peer) as calls:
            expected = f"DEADLINE_EXCEEDED: {peer.address}: no answer of /test.Peer/Say within 0.1 s"
            with pytest.raises(errors.DeadlineExceeded, match=expected):
                await calls.say(timeout=0.1)
            async with asyncio.timeout(2):
                await peer.cancelled.wait()

    run(test())


def test_calls_of_one_key_go_to_one_server() -> None:
    async def test() -> None:
        peers = [Peer(name) for name in "abc"]
        async with AsyncExitStack() as stack:
            for peer in peers:
                await stack.enter_async_context(serving(peer))
            hashed = client(*peers, balancer_name="consistent_hash", subset=1)
            calls = await stack.enter_async_context(hashed)
            await asyncio.sleep(0.1)
            answers = {key: {await calls.say(hash_key=key) for _ in range(3)} for key in map(str, range(30))}
            assert all(len(names) == 1 for names in answers.values())
            assert set.union(*answers.values()) == {"a", "b", "c"}
            with pytest.raises(errors.Internal, match="consistent_hash needs the `hash_key`"):
                await calls.say()

    run(test())


def test_an_answer_that_is_something_else() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer), rpc.connect(RpcClientConf(target=peer.address)) as channel:
            call = channel.unary_unary("/test.Peer/Say", StringValue, BadRequest)
            expected = "INTERNAL: the answer of /test.Peer/Say is not a `google.rpc.BadRequest`"
            with pytest.raises(errors.Internal, match=expected):
                await call(StringValue(value="x"), {})

    run(test())


def test_calls_outside_of_the_channels_block() -> None:
    async def test() -> None:
        peer = Peer()
        async with serving(peer):
            async with client(peer) as calls:
                await calls.say()
                peer.delay = 60
                under_way = asyncio.ensure_future(calls.say())
                streaming = asyncio.ensure_future(anext(calls.count("1")))
                await asyncio.sleep(0.1)
            for work in (under_way, streaming):
                with pytest.raises(errors.Cancelled):
                    await work
            with pytest.raises(RuntimeError, match="a call outside of the `async with` of its channel"):
                await calls.say()

    run(test())


def test_a_call_that_waits_for_a_server_ends_with_the_channel() -> None:
    async def test() -> None:
        async with rpc.connect(RpcClientConf(target="local:///nobody")) as channel:
            call = channel.unary_unary("/test.Peer/Say", StringValue, StringValue)
            waiting = asyncio.ensure_future(call(StringValue(), {}))
            await asyncio.sleep(0.1)
        with pytest.raises(errors.Cancelled, match="local:///nobody: the channel was closed"):
            await waiting

    run(test())


def test_a_client_stays_connected_to_a_subset() -> None:
    async def test() -> None:
        peers = [Peer(name) for name in "abc"]
        async with AsyncExitStack() as stack:
            for peer in peers:
                await stack.enter_async_context(serving(peer))
            calls = await stack.enter_async_context(client(*peers, subset=1))
            assert len({await calls.say() for _ in range(20)}) == 1

    run(test())
