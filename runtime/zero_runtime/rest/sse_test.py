from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextvars import ContextVar
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import errors, rest
from zero_runtime.deadline import served_until
from zero_runtime.rest import sse
from zero_runtime.rest.sse import Event, event_stream, read_events


class Tick(msgspec.Struct):
    at: Annotated[int, rest.AS_STRING]


async def chunks_of(events: AsyncIterator[Any], *options: Any, **more: Any) -> bytes:
    response = await event_stream(events, *options, **more)
    assert isinstance(response, rest.Stream)
    text = b"".join([chunk async for chunk in response.chunks])
    await response.aclose()
    return text


def test_events_are_json() -> None:
    async def events() -> AsyncIterator[Tick]:
        yield Tick(1)
        await asyncio.sleep(0)
        yield Tick(2)

    assert asyncio.run(chunks_of(events())) == b'data: {"at":1}\n\ndata: {"at":2}\n\n'
    assert asyncio.run(chunks_of(events(), rest.Encoder(Tick))) == b'data: {"at":"1"}\n\ndata: {"at":"2"}\n\n'


def test_nothing_is_left_when_a_stream_is_given_up_before_it_begins() -> None:
    async def events() -> AsyncIterator[int]:
        await asyncio.sleep(60)
        yield 1

    async def test() -> None:
        begun = asyncio.create_task(event_stream(events()))
        await asyncio.sleep(0.01)
        begun.cancel()
        await asyncio.wait([begun])
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(test())


def test_silence_is_filled_with_comments() -> None:
    async def events() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0.05)
        yield 2

    text = asyncio.run(chunks_of(events(), heartbeat=0.02))
    assert text == b"data: 1\n\n: \n\n: \n\ndata: 2\n\n"


@pytest.mark.parametrize(
    ("error", "told", "logged"),
    [
        (errors.NotFound("no such room"), {"title": "Not Found", "status": 404, "detail": "no such room"}, 0),
        (errors.Internal("password"), {"title": "Internal Server Error", "status": 500}, 1),
        (KeyError("password"), {"title": "Internal Server Error", "status": 500}, 1),
        (asyncio.CancelledError(), {"title": "Internal Server Error", "status": 500}, 1),
    ],
)
def test_a_failure_is_told_at_the_end(
    error: BaseException, told: dict[str, object], logged: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def events() -> AsyncIterator[int]:
        yield 1
        raise error

    text = asyncio.run(chunks_of(events()))
    first, problem, end = text.split(b"\n\n")
    assert (first, end) == (b"data: 1", b"")
    name, data = problem.split(b"\n")
    assert name == b"event: problem"
    assert msgspec.json.decode(data.removeprefix(b"data: ")) == {"type": "about:blank", **told}
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * logged


@pytest.mark.parametrize(
    "error", [errors.NotFound("no such room"), KeyError("room"), asyncio.CancelledError()]
)
def test_a_failure_before_the_first_event_is_a_response_of_its_own(error: BaseException) -> None:
    async def events() -> AsyncIterator[int]:
        await asyncio.sleep(0.01)
        raise error
        yield 1

    with pytest.raises(type(error)):
        asyncio.run(chunks_of(events()))


def test_a_stream_begins_without_an_event_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_PATIENCE", 0.01)

    async def events(error: Exception | None) -> AsyncIterator[int]:
        await asyncio.sleep(0.05)
        if error is not None:
            raise error
        yield 1

    assert asyncio.run(chunks_of(events(None))) == b"data: 1\n\n"
    assert b"event: problem\n" in asyncio.run(chunks_of(events(errors.NotFound("no such room"))))
    assert asyncio.run(chunks_of(pieces([]))) == b""


def test_a_stream_is_not_limited_by_the_time_of_its_request() -> None:
    async def events() -> AsyncIterator[float | None]:
        yield served_until.get()

    async def test() -> bytes:
        served_until.set(5)
        text = await chunks_of(events())
        assert served_until.get() == 5
        return text

    assert asyncio.run(test()) == b"data: null\n\n"


def test_logic_is_told_when_its_client_leaves() -> None:
    ended: list[str] = []

    async def waiting() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append("waiting")

    async def eager() -> AsyncIterator[int]:
        number = 0
        try:
            while True:
                yield (number := number + 1)
        finally:
            ended.append(f"eager after {number}")

    async def leave(events: AsyncIterator[int]) -> bytes:
        response = await event_stream(events)
        assert isinstance(response, rest.Stream)
        first = await anext(response.chunks)
        await response.aclose()
        return first

    assert asyncio.run(leave(waiting())) == b"data: 1\n\n"
    assert asyncio.run(leave(eager())).startswith(b"data: 1\n\n")
    assert ended == ["waiting", "eager after 17"]  # 16 in the queue and one at hand


def test_logic_is_told_when_its_client_leaves_before_the_first_event() -> None:
    ended = []

    async def events() -> AsyncIterator[int]:
        try:
            await asyncio.sleep(60)
            yield 1
        finally:
            ended.append(True)

    async def test() -> None:
        response = asyncio.create_task(event_stream(events()))
        await asyncio.sleep(0.01)
        response.cancel()
        await asyncio.wait([response])
        assert response.cancelled()

    asyncio.run(test())
    assert ended == [True]


def test_a_stream_that_nobody_began_to_read_is_closed() -> None:
    closed = []

    class Events:
        def __aiter__(self) -> Events:
            return self

        async def __anext__(self) -> int:
            return 1

        async def aclose(self) -> None:
            closed.append(True)

    async def test() -> None:
        response = await event_stream(Events())
        assert isinstance(response, rest.Stream)
        await response.aclose()

    asyncio.run(test())
    assert closed == [True]


def test_logic_keeps_its_context_between_events() -> None:
    user: ContextVar[str] = ContextVar("user", default="")

    async def events() -> AsyncIterator[str]:
        user.set("me")
        async with asyncio.timeout(5):
            yield user.get()
            yield user.get()

    assert asyncio.run(chunks_of(events())) == b'data: "me"\n\ndata: "me"\n\n'


async def pieces(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def parsed(*chunks: bytes) -> list[Event]:
    async def read() -> list[Event]:
        return [event async for event in read_events(pieces(chunks))]

    return asyncio.run(read())


TEXT = (
    b"\xef\xbb\xbfdata: 1\n\n: comment\r\n\r\nevent: problem\rdata:{\rdata: }\r\r"
    b"id: 7\ndata\n\nevent: empty\n\ndata:  two\r\n\r\ndata: lost"
)
EVENTS = [Event("message", b"1"), Event("problem", b"{\n}"), Event("message", b""), Event("message", b" two")]


def test_events_of_any_server_are_read() -> None:
    assert parsed(TEXT) == EVENTS
    assert parsed() == []


@given(st.lists(st.integers(0, len(TEXT)), max_size=8).map(sorted))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    ends = [*cuts, len(TEXT)]
    assert parsed(*(TEXT[start:end] for start, end in zip([0, *cuts], ends, strict=True))) == EVENTS
