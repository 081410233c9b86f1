"""What gRPC's own client sees of a server, whatever the transport: messages, statuses, metadata."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime import errors, rpc
from zero_runtime.config.rpc import RpcServerMiddlewaresConf
from zero_runtime.rpc.server.conftest import Serve, Talk, failure, run
from zero_runtime.rpc.status import DETAILS, error_of_wire

MEGABYTE = 1 << 20


async def words(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


def test_all_kinds(serve: Serve) -> None:
    async def test() -> None:
        async with serve() as served:
            caller = served.caller
            assert await caller.say("你好") == "你好"
            assert [word async for word in caller.split("one two  three")] == ["one", "two", "three"]
            assert await caller.join(words("one", "", "three")) == "one  three"
            assert [word async for word in caller.chat(words("one", "two"))] == ["ONE", "TWO"]

    run(test())


def test_streams_may_be_empty(serve: Serve) -> None:
    async def test() -> None:
        async with serve() as served:
            assert await served.caller.say("") == ""
            assert [word async for word in served.caller.split("")] == []
            assert await served.caller.join(words()) == ""
            assert [word async for word in served.caller.chat(words())] == []

    run(test())


def test_messages_go_both_ways_in_turn(serve: Serve) -> None:
    async def test() -> None:
        async with serve() as served:
            call = served.caller.chat()
            for word in ("one", "two", "three"):
                await call.write(word)
                assert await call.read() == word.upper()
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF
            assert await call.code() is grpc.StatusCode.OK

    run(test())


def test_large_messages_and_long_streams(serve: Serve) -> None:
    large = "x" * (3 * MEGABYTE)

    async def test() -> None:
        async with serve() as served:
            assert await served.caller.say(large) == large
            many = [str(number) * 50 for number in range(3000)]
            assert [word async for word in served.caller.split(" ".join(many))] == many
            assert await served.caller.join(words(*many)) == " ".join(many)
            pieces = [large[:MEGABYTE]] * 5
            assert [len(word) async for word in served.caller.chat(words(*pieces))] == [MEGABYTE] * 5

    run(test())


def test_many_calls_at_a_time(serve: Serve) -> None:
    class Slow(Talk):
        async def say(self, request: StringValue) -> StringValue:
            await asyncio.sleep(0.05)
            return request

    async def test() -> None:
        async with serve(Slow()) as served:
            texts = [str(number) for number in range(300)]
            assert await asyncio.gather(*(served.caller.say(text) for text in texts)) == texts

    run(test())


def test_a_caller_that_reads_slowly_slows_the_logic_down(serve: Serve) -> None:
    written = 0

    class Flood(Talk):
        async def split(self, request: StringValue) -> AsyncIterator[StringValue]:
            nonlocal written
            for _ in range(1000):
                written += 1
                yield StringValue(value="x" * 100_000)

    async def test() -> None:
        async with serve(Flood()) as served:
            call = aiter(served.caller.split(""))
            await anext(call)
            await asyncio.sleep(0.3)
            assert written < 300
            assert len([word async for word in call]) == 999

    run(test())


class Failing(Talk):
    """Fails the way it is asked to, streams after a first message."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def say(self, request: StringValue) -> StringValue:
        raise self.error

    async def split(self, request: StringValue) -> AsyncIterator[StringValue]:
        yield request
        raise self.error

    async def join(self, requests: AsyncIterator[StringValue]) -> StringValue:
        await anext(requests)
        raise self.error

    async def chat(self, requests: AsyncIterator[StringValue]) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield request
        raise self.error


def _calls(served: Any) -> dict[str, Any]:
    caller = served.caller
    return {
        "say": caller.say("x"),
        "split": caller.split("x"),
        "join": caller.join(words("x")),
        "chat": caller.chat(words("x", "y")),
    }


def test_errors_arrive_as_they_were_raised(serve: Serve) -> None:
    fields = (errors.FieldError("mobile", "is required"),)
    raised = errors.AlreadyExists("100 % of mobiles\nare 已注册", fields=fields)

    async def test() -> None:
        async with serve(Failing(raised)) as served:
            for call in _calls(served).values():
                found = await failure(call)
                assert found.code() is grpc.StatusCode.ALREADY_EXISTS
                assert found.details() == raised.message
                details = dict(found.trailing_metadata())[DETAILS]
                error = error_of_wire(6, str(found.details()), details)
                assert isinstance(error, errors.AlreadyExists) and error.fields == fields

    run(test())


def test_responses_before_an_error_arrive(serve: Serve) -> None:
    async def test() -> None:
        async with serve(Failing(errors.Aborted("enough"))) as served:
            for call in (served.caller.split("x"), served.caller.chat(words("x"))):
                responses = aiter(call)
                assert await anext(responses) == "x"
                assert (await failure(anext(responses))).details() == "enough"

    run(test())


def test_other_exceptions_are_logged_and_leak_nothing(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with serve(Failing(RuntimeError("the password is 123456"))) as served:
            for call in _calls(served).values():
                found = await failure(call)
                assert found.code() is grpc.StatusCode.INTERNAL
                assert found.details() == "internal error"

    run(test())
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert sorted(record.getMessage() for record in records) == [
        f"/test.Talk/{name} failed" for name in ("Chat", "Join", "Say", "Split")
    ]
    assert all(record.exc_info and "123456" in str(record.exc_info[1]) for record in records)


def test_without_recover_they_reach_the_caller_and_are_logged_too(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with serve(
            Failing(RuntimeError("no idea")), middlewares=RpcServerMiddlewaresConf(recover=False)
        ) as served:
            for call in _calls(served).values():
                found = await failure(call)
                assert (found.code(), found.details()) == (grpc.StatusCode.UNKNOWN, "no idea")

    run(test())
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == 4 and all(record.exc_info for record in logged)


def test_methods_that_are_not_there(serve: Serve) -> None:
    async def test() -> None:
        async with serve() as served:
            for path in ("/test.Talk/Sing", "/test.Other/Say", "/test.Talk"):
                unary = served.caller.channel.unary_unary(path)
                assert (await failure(unary(b""))).code() is grpc.StatusCode.UNIMPLEMENTED
                stream = served.caller.channel.stream_stream(path)
                assert (await failure(stream(words()))).code() is grpc.StatusCode.UNIMPLEMENTED

    run(test())


def test_a_request_that_is_no_message_is_the_callers_fault(serve: Serve) -> None:
    async def junk() -> AsyncIterator[bytes]:
        yield b"\xff\xff"

    async def test() -> None:
        async with serve() as served:
            channel = served.caller.channel
            for call in (
                channel.unary_unary("/test.Talk/Say")(b"\xff\xff"),
                channel.unary_stream("/test.Talk/Split")(b"\xff\xff"),
                channel.stream_unary("/test.Talk/Join")(junk()),
                channel.stream_stream("/test.Talk/Chat")(junk()),
            ):
                found = await failure(call)
                assert found.code() is grpc.StatusCode.INVALID_ARGUMENT
                assert found.details() == "the request is not a `google.protobuf.StringValue`"

    run(test())


def test_metadata_reaches_the_logic(serve: Serve) -> None:
    seen: list[rpc.ServedCall | None] = []

    class Curious(Talk):
        async def say(self, request: StringValue) -> StringValue:
            seen.append(rpc.current_call())
            return request

        async def chat(self, requests: AsyncIterator[StringValue]) -> AsyncIterator[StringValue]:
            async for request in requests:
                seen.append(rpc.current_call())
                yield request

    sent = (("x-tenant", "seven"), ("x-tenant", "eight"), ("x-raw-bin", b"\x00\xff\x80"), ("x-empty", ""))

    async def test() -> None:
        async with serve(Curious()) as served:
            await served.caller.say("x", metadata=sent)
            async for _ in served.caller.chat(words("x"), metadata=sent):
                pass
        assert rpc.current_call() is None

    run(test())
    for call, method in zip(seen, ("Say", "Chat"), strict=True):
        assert call is not None and call.path == f"/test.Talk/{method}"
        assert tuple(each for each in call.metadata if each[0].startswith("x-")) == sent
        assert call.value("x-tenant") == "seven" and call.value("x-none") is None
        names = {name for name, _ in call.metadata}
        assert "user-agent" in names
        assert not [
            name for name in names if name.startswith(("grpc-", ":")) or name in ("te", "content-type")
        ]
        assert call.peer.startswith("127.0.0.1:")


def test_limits_of_messages(serve: Serve) -> None:
    async def test() -> None:
        async with serve(max_recv_msg_size=1000, max_send_msg_size=2000) as served:
            caller = served.caller
            assert await caller.say("x" * 900) == "x" * 900
            for call in (caller.say("x" * 1001), caller.split("x" * 1001), caller.join(words("x" * 1001))):
                found = await failure(call)
                assert found.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            found = await failure(caller.join(words("x" * 990, "x" * 990, "x" * 990)))
            assert found.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert await caller.say("still served") == "still served"
        async with serve(max_send_msg_size=1000) as served:
            caller, large = served.caller, "x" * 1000  # its message has three bytes more
            for call in (
                caller.say(large),
                caller.split(large),
                caller.join(words(large)),
                caller.chat(words(large)),
            ):
                found = await failure(call)
                assert found.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert found.details() == "a response may have at most 1000 bytes, this has 1003"
            assert await caller.say(large[:-3]) == large[:-3]
        async with serve(max_recv_msg_size=0, options=[("grpc.max_receive_message_length", -1)]) as served:
            assert len(await served.caller.say("x" * 5 * MEGABYTE)) == 5 * MEGABYTE

    run(test())


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_requests(serve: Serve, compression: grpc.Compression) -> None:
    text = "again and " * 10_000

    async def test() -> None:
        async with serve() as served:
            assert await served.caller.say(text, compression=compression) == text
            assert await served.caller.join(words(text, text), compression=compression) == f"{text} {text}"
        async with serve(max_recv_msg_size=1000) as served:
            found = await failure(served.caller.say(text, compression=compression))
            assert found.code() is grpc.StatusCode.RESOURCE_EXHAUSTED

    run(test())


def test_calls_beyond_the_limit_are_refused(serve: Serve) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    class Slow(Talk):
        async def say(self, request: StringValue) -> StringValue:
            entered.set()
            await leave.wait()
            return request

    async def test() -> None:
        async with serve(Slow(), max_conns=1, timeout=0) as served:
            first = asyncio.ensure_future(served.caller.say("first"))
            await entered.wait()
            for call in (served.caller.say("x"), served.caller.split("x"), served.caller.chat(words())):
                assert (await failure(call)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            leave.set()
            assert await first == "first"
            assert await served.caller.say("again") == "again"

    run(test())
