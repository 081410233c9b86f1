"""Deadlines that are carried on, from one server to the next."""

from __future__ import annotations

from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.echo import client, run, serving
from zero_runtime.deadline import time_left


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
