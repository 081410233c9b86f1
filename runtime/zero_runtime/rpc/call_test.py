"""Calls: what crosses, and what comes back."""

from __future__ import annotations

import asyncio

import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.echo import client, run, serving
from zero_runtime import errors, rpc
from zero_runtime.config import RpcClientConf, RpcServerConf


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


def test_other_exceptions_are_logged_and_leak_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(request: StringValue) -> StringValue:
        raise RuntimeError("the password is 123456")

    async def test() -> None:
        async with serving(fail) as (_, address), client(address) as say:
            with pytest.raises(errors.Internal) as caught:
                await say("x")
            assert str(caught.value) == "INTERNAL: internal error"

    run(test())
    (record,) = (record for record in caplog.records if record.name == "zero.rpc")
    assert record.getMessage() == "/test.Echo/Say failed"
    assert record.exc_info is not None and "123456" in str(record.exc_info[1])


def test_logic_that_cancels_its_own_work_fails_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def give_up(request: StringValue) -> StringValue:
        work = asyncio.ensure_future(asyncio.sleep(20))
        work.cancel()
        await work
        return request

    async def test() -> None:
        async with serving(give_up) as (_, address), client(address, timeout=20_000) as say:
            with pytest.raises(errors.Internal):
                await asyncio.wait_for(say("x"), 5)

    run(test())
    assert "/test.Echo/Say failed" in caplog.text


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


def test_a_request_that_is_no_message_is_the_callers_fault() -> None:
    async def test() -> None:
        async with serving() as (_, address), grpc.aio.insecure_channel(address) as raw:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                raw_say: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = raw.unary_unary("/test.Echo/Say")
                await raw_say(b"\xff\xff")
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert caught.value.details() == "the request is not a `google.protobuf.StringValue`"

    run(test())


def test_an_answer_that_is_no_message_is_the_servers_fault() -> None:
    async def garble(payload: bytes) -> bytes:
        return b"\xff\xff"

    async def test() -> None:
        server = rpc.Server(
            RpcServerConf(name="echo-rpc", listen_on="127.0.0.1:0"),
            (rpc.Service("test.Echo", (rpc.Method("Say", garble),)),),
        )
        async with client(await server.start()) as say:
            with pytest.raises(errors.Internal, match=r"is not a `google\.protobuf\.StringValue`"):
                await say("x")
        await server.stop(0)

    run(test())


def test_a_method_that_is_not_there() -> None:
    async def test() -> None:
        async with serving() as (_, address), rpc.connect(RpcClientConf(target=address)) as channel:
            with pytest.raises(errors.Unimplemented):
                await channel.unary("/test.Echo/Sing", StringValue, StringValue)(StringValue(), None)

    run(test())
