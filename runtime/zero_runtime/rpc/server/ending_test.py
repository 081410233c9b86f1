"""How calls end that do not end by themselves: deadlines, callers that leave, servers that stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime.config import InvalidValue
from zero_runtime.config.durations import Duration
from zero_runtime.config.rpc import MethodTimeoutConf
from zero_runtime.deadline import time_left
from zero_runtime.rpc.server.conftest import Serve, Served, Talk, failure, run

NEVER = 20.0


class Dreaming(Talk):
    """Begins, and never ends by itself."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended = asyncio.Event()

    async def say(self, request: StringValue) -> StringValue:
        await self._dream()
        return request

    async def split(self, request: StringValue) -> AsyncIterator[StringValue]:
        yield request
        await self._dream()

    async def join(self, requests: AsyncIterator[StringValue]) -> StringValue:
        await self._dream()
        return StringValue()

    async def chat(self, requests: AsyncIterator[StringValue]) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield request
        await self._dream()

    async def _dream(self) -> None:
        self.began.set()
        try:
            await asyncio.sleep(NEVER)
        finally:
            self.ended.set()


async def one() -> AsyncIterator[str]:
    yield "x"


KINDS = ["say", "split", "join", "chat"]


def begin(served: Served, kind: str, **options: Any) -> Any:
    method = getattr(served.caller, kind)
    return method(one() if kind in ("join", "chat") else "x", **options)


def took(started: float) -> float:
    return time.monotonic() - started


@pytest.mark.parametrize("kind", KINDS)
def test_the_servers_limit_ends_a_call(serve: Serve, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    path = f"/test.Talk/{kind.capitalize()}"
    limits = [MethodTimeoutConf(full_method=path, timeout=Duration(0.1))]

    async def test() -> None:
        logic = Dreaming()
        async with serve(logic, method_timeouts=limits) as served:
            started = time.monotonic()
            found = await failure(begin(served, kind))
            assert found.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert found.details() == f"{path} took longer than 0.1 s"
            assert took(started) < 2 and logic.ended.is_set()

    run(test())
    assert f"{path} took longer than 0.1 s" in caplog.text


def test_streams_have_no_limit_but_their_own(serve: Serve) -> None:
    class Slow(Talk):
        async def split(self, request: StringValue) -> AsyncIterator[StringValue]:
            assert time_left(None) is None
            yield request
            await asyncio.sleep(0.3)
            yield request

    async def test() -> None:
        async with serve(Slow(), timeout=100) as served:
            assert [word async for word in served.caller.split("x")] == ["x", "x"]

    run(test())


@pytest.mark.parametrize("kind", KINDS)
def test_the_callers_deadline_ends_a_call_on_both_sides(serve: Serve, kind: str) -> None:
    async def test() -> None:
        logic = Dreaming()
        async with serve(logic, timeout=0) as served:
            started = time.monotonic()
            found = await failure(begin(served, kind, timeout=0.2))
            assert found.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await asyncio.wait_for(logic.ended.wait(), 1)
            assert took(started) < 2

    run(test())


def test_the_sooner_deadline_is_told_to_the_logic(serve: Serve) -> None:
    left: list[float | None] = []

    class Curious(Talk):
        async def say(self, request: StringValue) -> StringValue:
            left.append(time_left(None))
            return request

    async def test() -> None:
        async with serve(Curious()) as served:
            for timeout in (0.5, 60, None):
                await served.caller.say("x", timeout=timeout)
        async with serve(Curious(), timeout=0) as served:
            await served.caller.say("x")

    run(test())
    hers, servers, default, unlimited = left
    assert hers is not None and 0 < hers <= 0.55  # gRPC rounds timeouts up on their way
    assert servers is not None and 1 < servers <= 2
    assert default is not None and 1 < default <= 2
    assert unlimited is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_caller_that_leaves_cancels_the_logic(serve: Serve, kind: str) -> None:
    async def test() -> None:
        logic = Dreaming()
        async with serve(logic, timeout=0) as served:
            call = begin(served, kind)
            if kind in ("split", "chat"):
                await anext(aiter(call))
            await logic.began.wait()
            call.cancel()
            await asyncio.wait_for(logic.ended.wait(), 1)
            assert await served.caller.split("still served").read() == "still served"

    run(test())


def test_a_connection_that_is_lost_cancels_its_calls(serve: Serve) -> None:
    async def test() -> None:
        logic = Dreaming()
        async with serve(logic, timeout=0) as served:
            async with grpc.aio.insecure_channel(served.address) as other:
                call = other.unary_unary("/test.Talk/Say")(b"")
                await logic.began.wait()
            await asyncio.wait_for(logic.ended.wait(), 1)
            assert call.done()

    run(test())


def test_logic_need_not_hear_its_caller_out(serve: Serve) -> None:
    class Hasty(Talk):
        async def join(self, requests: AsyncIterator[StringValue]) -> StringValue:
            return await anext(requests)

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "x"
            await asyncio.sleep(0)

    async def test() -> None:
        async with serve(Hasty()) as served:
            assert await served.caller.join(endless(), timeout=5) == "x"
            assert await served.caller.say("still served") == "still served"

    run(test())


def test_logic_that_cancels_its_own_work_fails_at_once(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class GivingUp(Talk):
        async def say(self, request: StringValue) -> StringValue:
            work = asyncio.ensure_future(asyncio.sleep(NEVER))
            work.cancel()
            await work
            return request

    async def test() -> None:
        async with serve(GivingUp()) as served:
            assert (await failure(served.caller.say("x", timeout=5))).code() is grpc.StatusCode.INTERNAL

    run(test())
    assert "/test.Talk/Say failed" in caplog.text


def test_a_timeout_error_of_the_logic_itself_is_not_the_servers(serve: Serve) -> None:
    class Failing(Talk):
        async def say(self, request: StringValue) -> StringValue:
            raise TimeoutError("a file lock")

    async def test() -> None:
        async with serve(Failing()) as served:
            assert (await failure(served.caller.say("x"))).code() is grpc.StatusCode.INTERNAL

    run(test())


class Slow(Talk):
    """Takes a third of a second per message."""

    async def say(self, request: StringValue) -> StringValue:
        await asyncio.sleep(0.3)
        return request

    async def split(self, request: StringValue) -> AsyncIterator[StringValue]:
        for word in request.value.split():
            await asyncio.sleep(0.3)
            yield StringValue(value=word)


def test_stopping_finishes_what_is_in_flight_and_takes_no_more(serve: Serve) -> None:
    async def test() -> None:
        async with serve(Slow()) as served:
            served.server.wrap_up()
            assert await served.caller.say("while wrapping up") == "while wrapping up"
            call = asyncio.ensure_future(served.caller.say("in flight"))
            stream = served.caller.split("one two")
            await asyncio.sleep(0.1)
            started = time.monotonic()
            await served.server.stop(5)
            assert 0.2 < took(started) < 2
            assert await call == "in flight"
            assert [word async for word in stream] == ["one", "two"]
            found = await failure(served.caller.say("too late"))
            assert found.code() is grpc.StatusCode.UNAVAILABLE

    run(test())


@pytest.mark.parametrize("kind", KINDS)
def test_what_outlasts_the_grace_is_cancelled(serve: Serve, kind: str) -> None:
    async def test() -> None:
        logic = Dreaming()
        async with serve(logic, timeout=0) as served:
            call = begin(served, kind)
            failing = asyncio.ensure_future(failure(call))
            await logic.began.wait()
            started = time.monotonic()
            await served.server.stop(0.2)
            assert 0.15 < took(started) < 2
            assert (await failing).code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            await asyncio.wait_for(logic.ended.wait(), 1)

    run(test())


def test_limits_of_methods_that_are_not_served_are_refused(serve: Serve) -> None:
    async def test() -> None:
        limits = [MethodTimeoutConf(full_method="/test.Talk/Sai", timeout=Duration(1.0))]
        wrong = "^MethodTimeouts: `/test.Talk/Sai` is not served here, did you mean `/test.Talk/Say`"
        with pytest.raises(InvalidValue, match=wrong):
            async with serve(method_timeouts=limits):
                pass

    run(test())
