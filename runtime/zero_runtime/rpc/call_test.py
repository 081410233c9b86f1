"""Calls: what crosses, and what comes back."""

from __future__ import annotations

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, StringValue

from tests.servers.echo import client, run, serving
from zero_runtime import errors, rpc
from zero_runtime.config import RpcClientConf, RpcServerConf
from zero_runtime.config.rpc import RpcServerMiddlewaresConf


def test_a_call() -> None:
    async def test() -> None:
        async with serving() as (_, address), client(address) as say:
            assert await say("你好") == "你好"

    run(test())


def test_errors_arrive_as_they_were_raised() -> None:
    async def fail(request: StringValue) -> StringValue:
        fields = (errors.FieldError("mobile", "is required"),)
        raise errors.AlreadyExists(f"mobile {request.value} 已注册", fields=fields)

    async def test() -> None:
        async with serving(fail) as (_, address), client(address) as say:
            with pytest.raises(errors.AlreadyExists) as caught:
                await say("186")
            assert caught.value.message == "mobile 186 已注册"
            assert caught.value.fields == (errors.FieldError("mobile", "is required"),)

    run(test())


def test_errors_that_callers_must_not_see_are_logged_with_their_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(request: StringValue) -> StringValue:
        raise errors.Unavailable("database db:3306 is away") from OSError("connection refused")

    async def test() -> None:
        async with serving(fail) as (_, address), client(address) as say:
            with pytest.raises(errors.Unavailable, match="db:3306"):
                await say("x")

    run(test())
    assert "/test.Echo/Say: UNAVAILABLE: database db:3306 is away" in caplog.text
    assert "connection refused" in caplog.text


def test_logic_that_returns_something_else_is_a_defect_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def forget(request: StringValue) -> StringValue:
        return None  # type: ignore[return-value]

    async def test() -> None:
        async with serving(forget) as (_, address), client(address) as say:
            with pytest.raises(errors.Internal):
                await say("x")

    run(test())
    assert "the logic returned a NoneType, not a `google.protobuf.StringValue`" in caplog.text


def test_an_answer_that_is_no_message_is_the_servers_fault() -> None:
    async def garble(request: BytesValue) -> BytesValue:
        return BytesValue(value=b"\xff\xff")  # on the wire as a string, which must be Unicode

    async def test() -> None:
        method = rpc.unary_unary("Say", garble, BytesValue, BytesValue)
        conf = RpcServerConf(name="echo-rpc", listen_on="127.0.0.1:0")
        server = rpc.Server(conf, (rpc.Service("test.Echo", (method,)),))
        async with client(await server.start()) as say:
            with pytest.raises(errors.Internal, match=r"is not a `google\.protobuf\.StringValue`"):
                await say("x")
        await server.stop(0)

    run(test())


def test_a_method_that_is_not_there() -> None:
    async def test() -> None:
        async with serving() as (_, address), rpc.connect(RpcClientConf(target=address)) as channel:
            with pytest.raises(errors.Unimplemented):
                await channel.unary_unary("/test.Echo/Sing", StringValue, StringValue)(StringValue(), {})

    run(test())


def test_calls_that_a_breaker_refuses_do_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: StringValue) -> StringValue:
        raise errors.Internal("out of order")

    refused = 0

    async def test() -> None:
        nonlocal refused
        serving_ = RpcServerMiddlewaresConf(breaker=False, stat=False)
        async with serving(fail, middlewares=serving_) as (_, address), client(address) as say:
            for _ in range(100):
                try:
                    await say("x")
                except errors.Unavailable:
                    refused += 1
                except errors.Internal:
                    pass

    run(test())
    told = [record.getMessage() for record in caplog.records if record.name == "zero.access"]
    assert refused > 20 and len(told) == 100 - refused
    assert all(line.endswith("failed: out of order") for line in told)
