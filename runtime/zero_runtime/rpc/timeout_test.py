"""How long calls last, on both sides."""

from __future__ import annotations

import asyncio
import time

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.echo import client, run, serving
from zero_runtime import errors
from zero_runtime.deadline import time_left


def test_the_servers_timeout_ends_a_call() -> None:
    cancelled = []

    async def dream(request: StringValue) -> StringValue:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return request

    async def test() -> None:
        async with serving(dream, timeout=100) as (_, address), client(address) as say:
            with pytest.raises(errors.DeadlineExceeded, match=r"/test\.Echo/Say took longer than 0\.1 s"):
                await say("x")

    run(test())
    assert cancelled == [True]


def test_a_timeout_error_of_the_logic_itself_is_not_the_servers_timeout() -> None:
    async def fail(request: StringValue) -> StringValue:
        raise TimeoutError("a file lock")

    async def test() -> None:
        async with serving(fail) as (_, address), client(address) as say:
            with pytest.raises(errors.Internal):
                await say("x")

    run(test())


def test_the_callers_timeout_ends_a_call_on_both_sides() -> None:
    ended = asyncio.Event()

    async def dream(request: StringValue) -> StringValue:
        try:
            await asyncio.sleep(5)
        finally:
            ended.set()
        return request

    async def test() -> None:
        async with serving(dream) as (_, address), client(address, timeout=5000) as say:
            started = time.monotonic()
            with pytest.raises(errors.DeadlineExceeded):
                await say("x", timeout=0.2)
            assert time.monotonic() - started < 3
            await asyncio.wait_for(ended.wait(), 1)

    run(test())


def test_giving_a_call_up_cancels_it_on_the_server() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def dream(request: StringValue) -> StringValue:
        started.set()
        try:
            await asyncio.sleep(5)
        finally:
            ended.set()
        return request

    async def test() -> None:
        async with serving(dream, timeout=0) as (_, address), client(address, timeout=0) as say:
            call = asyncio.ensure_future(say("x"))
            await started.wait()
            call.cancel()
            await asyncio.wait_for(ended.wait(), 1)

    run(test())


def test_calls_made_while_serving_inherit_the_deadline() -> None:
    left: list[float | None] = []

    async def relay(request: StringValue) -> StringValue:
        left.append(time_left(10.0))
        left.append(time_left(0.1))
        left.append(time_left(None))
        return request

    async def test() -> None:
        async with serving(relay) as (_, address), client(address) as say:
            await say("x")  # connects
            left.clear()
            await say("x", timeout=0.5)
            await say("x", timeout=60)
        assert time_left(10.0) == 10.0 and time_left(None) is None

    run(test())
    hers, shorter, unlimited, servers, _, _ = left
    # gRPC rounds timeouts up on their way.
    assert hers is not None and 0.1 < hers < 0.6
    assert shorter == 0.1
    assert unlimited is not None and 0.1 < unlimited < 0.6
    assert servers is not None and 1.0 < servers <= 2.0


def test_a_call_made_while_serving_ends_with_the_call_that_is_served() -> None:
    left: list[float | None] = []

    async def inner(request: StringValue) -> StringValue:
        left.append(time_left(None))
        return request

    async def test() -> None:
        async with serving(inner, timeout=0) as (_, there), client(there, timeout=20_000) as ask:

            async def outer(request: StringValue) -> StringValue:
                return StringValue(value=await ask(request.value))

            async with serving(outer) as (_, address), client(address) as say:
                assert await say("x", timeout=1.0) == "x"

    run(test())
    assert left[0] is not None and left[0] < 1.1
