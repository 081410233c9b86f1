"""What calls get at both of our servers, whatever the transport: messages, statuses, metadata."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.certificates import Authority
from tests.servers.echo import run
from zero_runtime import errors, rpc
from zero_runtime.config import RpcServerConf
from zero_runtime.rpc import grpcio
from zero_runtime.rpc.client.conftest import Client, client, words
from zero_runtime.rpc.server import current_call

pytestmark = [
    pytest.mark.usefixtures("transport"),
    pytest.mark.parametrize("kind", [rpc.Server, grpcio.Server], ids=["at http2", "at grpcio"]),
]

MEGABYTE = 1 << 20


class Logic:
    def __init__(self) -> None:
        self.ended = asyncio.Event()
        """Whether a call has been left."""

    async def say(self, request: StringValue) -> StringValue:
        """Says it back; or sleeps, fails, says what it hears of the caller."""
        if request.value == "sleep":
            try:
                await asyncio.sleep(60)
            finally:
                self.ended.set()
        if request.value == "fail":
            wrong = [errors.FieldError("name", "ist zu kurz: 你")]
            raise errors.InvalidArgument("nicht gut:\n100 % 你好", fields=wrong)
        if request.value == "metadata":
            call = current_call()
            assert call is not None
            return StringValue(value=f"{call.value('a')!r} {call.value('b-bin')!r}")
        return request

    async def count(self, request: StringValue) -> AsyncIterator[StringValue]:
        try:
            for number in range(int(request.value or 1_000_000_000)):
                yield StringValue(value=str(number + 1))
        finally:
            self.ended.set()

    async def gather(self, requests: AsyncIterator[StringValue]) -> StringValue:
        return StringValue(value=" ".join([request.value async for request in requests]))

    async def talk(self, requests: AsyncIterator[StringValue]) -> AsyncIterator[StringValue]:
        async for request in requests:
            if request.value == "fail":
                raise errors.NotFound("nothing there")
            yield StringValue(value=request.value.upper())


@asynccontextmanager
async def called(
    kind: type[rpc.Server], logic: Logic | None = None, options: Any = None, **conf: Any
) -> AsyncIterator[Client]:
    """A client of a server with these; ``options`` are of the client."""
    logic = logic or Logic()
    types = StringValue, StringValue
    service = rpc.Service(
        "test.Peer",
        (
            rpc.unary_unary("Say", logic.say, *types),
            rpc.unary_stream("Count", logic.count, *types),
            rpc.stream_unary("Gather", logic.gather, *types),
            rpc.stream_stream("Talk", logic.talk, *types),
        ),
    )
    given: dict[str, Any] = {"name": "peer", "listen_on": "127.0.0.1:0", "cpu_threshold": 0, **conf}
    server = kind(RpcServerConf(**given), (service,))
    async with AsyncExitStack() as stack:
        address = await server.start()
        stack.push_async_callback(server.stop, 0)
        yield await stack.enter_async_context(client(address, **(options or {})))


def test_all_kinds(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        async with called(kind) as calls:
            assert await calls.say("你好") == "你好"
            assert await calls.say("") == ""
            assert [each.value async for each in calls.count("3")] == ["1", "2", "3"]
            assert [each.value async for each in calls.count("0")] == []
            assert await calls.gather(words("a", "", "c")) == "a  c"
            assert await calls.gather(words()) == ""
            assert [each.value async for each in calls.talk(words("a", "b"))] == ["A", "B"]
            assert [each.value async for each in calls.talk(words())] == []

    run(test())


def test_large_messages_and_long_streams(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        async with called(kind) as calls:
            large = "x" * (3 * MEGABYTE)
            assert await calls.say(large) == large
            assert len([each async for each in calls.count("3000")]) == 3000
            many = [str(number) * 50 for number in range(3000)]
            assert await calls.gather(words(*many)) == " ".join(many)
            pieces = ["y" * MEGABYTE] * 5
            assert [len(each.value) async for each in calls.talk(words(*pieces))] == [MEGABYTE] * 5

    run(test())


def test_many_calls_at_a_time(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        async with called(kind, max_conns=0) as calls:
            many = 2000 if kind is rpc.Server else 200  # the first is more than a connection has streams
            texts = [f"{number}" * 100 for number in range(many)]
            assert await asyncio.gather(*(calls.say(text, timeout=20) for text in texts)) == texts

    run(test())


def test_failures(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        async with called(kind) as calls:
            with pytest.raises(errors.InvalidArgument) as caught:
                await calls.say("fail")
            assert caught.value.message == "nicht gut:\n100 % 你好"
            assert caught.value.fields == (errors.FieldError("name", "ist zu kurz: 你"),)
            stream = calls.talk(words("a", "fail"))
            assert (await anext(stream)).value == "A"
            with pytest.raises(errors.NotFound, match="nothing there"):
                await anext(stream)
            with pytest.raises(errors.DeadlineExceeded):
                await calls.say("sleep", timeout=0.1)

    run(test())


def test_metadata(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        async with called(kind) as calls:
            for _ in range(2):
                said = await calls.say("metadata", metadata=(("a", "x y"), ("b-bin", b"\0\xff")))
                assert said == r"'x y' b'\x00\xff'"

    run(test())


@pytest.mark.parametrize("way", ["call", "stream"])
def test_a_call_that_is_left_ends_at_the_server(kind: type[rpc.Server], way: str) -> None:
    async def test() -> None:
        logic = Logic()
        async with called(kind, logic) as calls:
            if way == "call":
                call = asyncio.ensure_future(calls.say("sleep"))
                await asyncio.sleep(0.1)
                call.cancel()
            else:
                async with calls.count() as numbers:
                    await anext(numbers)
            await asyncio.wait_for(logic.ended.wait(), 5)
            assert await calls.say("x") == "x"

    run(test())


def test_mutual_tls(kind: type[rpc.Server], tmp_path: Any) -> None:
    authority = Authority(tmp_path)
    server, caller, trusted = authority.issue("server"), authority.issue("caller"), str(authority.file)
    files: dict[str, Any] = {
        "cert_file": str(server.certificate),
        "key_file": str(server.key),
        "ca_cert_file": trusted,
    }
    shown = {"cert_file": str(caller.certificate), "key_file": str(caller.key), "ca_cert_file": trusted}

    async def test() -> None:
        async with called(kind, options=shown, **files) as calls:
            large = "x" * MEGABYTE
            assert await calls.say(large) == large
            assert len([each async for each in calls.count("100")]) == 100

    run(test())
