"""What refuses calls, as callers of gRPC see it; how it decides is tested where it is decided."""

from __future__ import annotations

import asyncio
from collections import Counter

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime import errors
from zero_runtime.config import RuleConf
from zero_runtime.config.durations import Duration
from zero_runtime.config.governance import RateConf
from zero_runtime.config.rpc import MethodTimeoutConf, RpcServerMiddlewaresConf
from zero_runtime.rpc.server.conftest import Serve, Served, Talk, failure, run

SAY = "/test.Talk/Say"


class Failing(Talk):
    """Fails with the error it is given, and counts how often it is asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    async def say(self, request: StringValue) -> StringValue:
        self.calls += 1
        raise self.error


class Slow(Talk):
    async def say(self, request: StringValue) -> StringValue:
        await asyncio.sleep(10)
        return request


async def codes(served: Served, calls: int) -> Counter[grpc.StatusCode]:
    """How as many calls end, one after the other."""
    return Counter([(await failure(served.caller.say("x"))).code() for _ in range(calls)])


@pytest.mark.parametrize(
    ("error", "recover"),
    [(errors.Internal("x"), True), (RuntimeError("x"), True), (RuntimeError("x"), False)],
)
def test_a_method_that_fails_is_left_alone(serve: Serve, error: Exception, recover: bool) -> None:
    async def test() -> None:
        logic = Failing(error)
        async with serve(logic, middlewares=RpcServerMiddlewaresConf(recover=recover)) as served:
            ended = await codes(served, 200)
            refused = ended[grpc.StatusCode.UNAVAILABLE]
            assert refused > 50 and logic.calls == 200 - refused
            assert [word async for word in served.caller.split("others are not")] == ["others", "are", "not"]

    run(test())


@pytest.mark.parametrize("error", [errors.NotFound("x"), errors.InvalidArgument("x"), errors.Unknown("x")])
def test_mistakes_of_callers_are_no_failures(serve: Serve, error: errors.ZeroError) -> None:
    async def test() -> None:
        async with serve(Failing(error)) as served:
            assert len(await codes(served, 100)) == 1

    run(test())


def test_the_breaker_can_be_switched_off(serve: Serve) -> None:
    async def test() -> None:
        async with serve(
            Failing(errors.Internal("x")), middlewares=RpcServerMiddlewaresConf(breaker=False)
        ) as served:
            assert await codes(served, 100) == {grpc.StatusCode.INTERNAL: 100}

    run(test())


def test_a_rate_that_is_used_up_is_the_callers_matter(serve: Serve) -> None:
    rules = [RuleConf(match=[SAY], rate=RateConf(rate=0.001, burst=2))]

    async def test() -> None:
        async with serve(rules=rules) as served:
            assert [await served.caller.say(word) for word in ("one", "two")] == ["one", "two"]
            # Not one is UNAVAILABLE: the breaker has seen no failure.
            assert await codes(served, 100) == {grpc.StatusCode.RESOURCE_EXHAUSTED: 100}
            assert await served.caller.split("others").read() == "others"

    run(test())


def test_time_limits_of_rules_and_methods(serve: Serve) -> None:
    rules = [RuleConf(match=["/test.Talk/*"], timeout=100)]
    own = [MethodTimeoutConf(full_method=SAY, timeout=Duration(0.2))]

    async def test() -> None:
        for more, limit in (({}, "0.1"), ({"method_timeouts": own}, "0.2")):
            async with serve(Slow(), rules=rules, **more) as served:
                found = await failure(served.caller.say("x"))
                assert found.details() == f"{SAY} took longer than {limit} s"

    run(test())
