"""A handler as the transports use it, without one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime import rpc
from zero_runtime.config import RpcServerConf
from zero_runtime.deadline import served_until
from zero_runtime.errors import Aborted, DeadlineExceeded, InvalidArgument, ResourceExhausted
from zero_runtime.observability import Metrics
from zero_runtime.observability import metrics as module
from zero_runtime.observability.rpc import CODES
from zero_runtime.observability.trace import Kind
from zero_runtime.resilience import Governor
from zero_runtime.rpc.server.conftest import Talk, run, talk
from zero_runtime.rpc.server.handlers import handlers
from zero_runtime.rpc.server.pipeline import Handler

SAY = "/test.Talk/Say"
PAYLOAD = StringValue(value="x").SerializeToString()


def handler(logic: Talk | None = None, method: str = "Say", **conf: Any) -> Handler:
    settings = RpcServerConf(**{"name": "talk-rpc", "mode": "test", **conf})
    return handlers(settings, (talk(logic or Talk()),), (), Governor(settings))[f"/test.Talk/{method}"]


async def requests(*payloads: bytes) -> AsyncIterator[bytes]:
    for payload in payloads:
        yield payload


def counted(metrics: Metrics) -> dict[str, float]:
    """Calls of Say by their code."""
    codes = metrics.series().get(CODES[Kind.SERVER], {})
    return {code: cells[0] for (path, code), cells in codes.items() if path == SAY}


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    monkeypatch.setattr(module, "_attached", None)
    made = Metrics()
    made.attach(0)
    return made


def test_calls_without_a_transport(metrics: Metrics) -> None:
    async def test() -> None:
        say = handler()
        assert await say.unary(say.begin((), None, "127.0.0.1:1"), PAYLOAD) == PAYLOAD
        split = handler(method="Split")
        written: list[bytes] = []

        async def write(payload: bytes) -> None:
            written.append(payload)

        await split.stream(split.begin((), None, "127.0.0.1:1"), requests(PAYLOAD), write)
        assert written == [PAYLOAD]
        with pytest.raises(InvalidArgument, match="the call has no request"):
            await split.stream(split.begin((), None, "127.0.0.1:1"), requests(), write)

    run(test())
    assert counted(metrics) == {"0": 1}


def test_answers_that_are_too_large_count_as_what_their_callers_see(metrics: Metrics) -> None:
    async def test() -> None:
        say = handler(max_send_msg_size=2)
        with pytest.raises(ResourceExhausted, match="a response may have at most 2 bytes, this has 3"):
            await say.unary(say.begin((), None, ""), PAYLOAD)

    run(test())
    assert counted(metrics) == {"8": 1}


def test_calls_that_wait_count_as_being_served(metrics: Metrics) -> None:
    async def test() -> None:
        say = handler(max_conns=2)
        waiting = [say.begin((), None, "") for _ in range(2)]
        with pytest.raises(ResourceExhausted):
            say.begin((), None, "")
        say.abandon(waiting[0])
        say.abandon(waiting[1], Aborted("its body did not come"))
        assert await say.unary(say.begin((), None, ""), PAYLOAD) == PAYLOAD

    run(test())
    assert counted(metrics) == {"8": 1, "1": 1, "10": 1, "0": 1}


def test_calls_whose_time_is_up_reach_no_logic(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    class Untouched(Talk):
        async def say(self, request: StringValue) -> StringValue:
            raise AssertionError("reached")

    async def test() -> None:
        say = handler(Untouched())
        for timeout in (0, -1):
            with pytest.raises(DeadlineExceeded, match="its time was up before its turn came"):
                say.begin((), timeout, "")
        late = say.begin((), 0.01, "")
        await asyncio.sleep(0.05)
        with pytest.raises(DeadlineExceeded, match="its time was up before its turn came"):
            await say.unary(late, PAYLOAD)

    run(test())
    assert counted(metrics) == {"4": 3}
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_call_that_is_cancelled_has_ended_too(metrics: Metrics) -> None:
    class Slow(Talk):
        async def say(self, request: StringValue) -> StringValue:
            await asyncio.sleep(20)
            return request

    async def test() -> None:
        say = handler(Slow(), max_conns=1)
        for _ in range(2):
            task = asyncio.ensure_future(say.unary(say.begin((), None, ""), PAYLOAD))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(test())
    assert counted(metrics) == {"1": 2}


def test_tasks_know_what_they_serve() -> None:
    seen: list[object] = []

    class Curious(Talk):
        async def say(self, request: StringValue) -> StringValue:
            seen.extend((rpc.current_call(), served_until.get()))
            return request

    async def test() -> None:
        say = handler(Curious())
        call = say.begin((("a", "b"),), None, "10.0.0.1:1")
        await asyncio.create_task(say.unary(call, PAYLOAD))
        assert seen == [call, call.until] and call.until is not None
        assert rpc.current_call() is None and served_until.get() is None

    run(test())


def test_a_deadline_that_passes_while_the_caller_reads_is_told() -> None:
    class Endless(Talk):
        async def split(self, request: StringValue) -> AsyncIterator[StringValue]:
            while True:
                yield request

    async def stuck(payload: bytes) -> None:
        await asyncio.sleep(20)

    async def test() -> None:
        split = handler(Endless(), "Split")
        with pytest.raises(DeadlineExceeded, match="the deadline of its caller has passed"):
            await split.stream(split.begin((), 0.05, ""), requests(PAYLOAD), stuck)

    run(test())
