"""Responses in pieces: the same from every server, and closed whatever happens."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from zero_runtime import rest
from zero_runtime.config import GzipConf
from zero_runtime.deadline import served_until
from zero_runtime.rest.conftest import Serve
from zero_runtime.rest.serving_test import run

TEXT = ((b"content-type", b"text/plain"),)
EVENTS = ((b"content-type", b"text/event-stream"),)


class Source:
    """Gives pieces one by one, and tells when it is closed."""

    def __init__(self, pieces: int = 3, *, seconds: float = 0, fails: bool = False) -> None:
        self._pieces = pieces
        self._seconds = seconds
        self._fails = fails
        self.given = 0
        self.closed = 0
        self.limits: list[float | None] = []

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.limits.append(served_until.get())
        if self.given == self._pieces:
            if self._fails:
                raise RuntimeError("password=hunter2")
            raise StopAsyncIteration
        self.given += 1
        await asyncio.sleep(self._seconds if self.given > 1 else 0)
        return b"piece %d\n" % self.given

    async def aclose(self) -> None:
        self.closed += 1

    async def is_closed(self) -> bool:
        for _ in range(100):
            await asyncio.sleep(0.02)
            if self.closed:
                break
        return self.closed == 1


def route(
    source: Source, headers: tuple[tuple[bytes, bytes], ...] = TEXT, *, length: int | None = None
) -> rest.Route:
    async def endpoint(request: rest.Request) -> rest.Response:
        return rest.Stream(200, headers=headers, chunks=source, length=length)

    return rest.Route("GET", "/stream", endpoint, rest.Group(timeout=0.2))


def test_pieces(serve: Serve) -> None:
    async def test() -> None:
        source = Source()
        async with serve([route(source)]) as served:
            answer = await served.client.get("/stream")
            assert answer.content == b"piece 1\npiece 2\npiece 3\n"
            assert answer.headers["content-type"] == "text/plain"
            assert "content-length" not in answer.headers
            assert await source.is_closed()
            assert set(source.limits) == {None}

    run(test)


def test_pieces_of_a_known_length(serve: Serve) -> None:
    async def test() -> None:
        source = Source()
        async with serve([route(source, length=24)]) as served:
            answer = await served.client.get("/stream")
            assert (len(answer.content), answer.headers["content-length"]) == (24, "24")
            assert "transfer-encoding" not in answer.headers

    run(test)


def test_head_takes_no_pieces(serve: Serve) -> None:
    async def test() -> None:
        source = Source()
        async with serve([route(source, length=24)]) as served:
            answer = await served.client.head("/stream")
            assert (answer.content, answer.headers["content-length"]) == (b"", "24")
            assert await source.is_closed()
            assert source.given == 0

    run(test)


def test_pieces_come_as_they_are_made(serve_by_network: Serve) -> None:
    async def test() -> None:
        source = Source(pieces=2, seconds=60)
        async with serve_by_network([route(source)]) as served, served.client.stream("GET", "/stream") as got:
            pieces = got.aiter_raw()
            assert await anext(pieces) == b"piece 1\n"
            await got.aclose()
            assert await source.is_closed()

    run(test)


def test_streams_may_last_longer_than_requests(serve_by_network: Serve) -> None:
    async def test() -> None:
        async with serve_by_network([route(Source(pieces=3, seconds=0.15))]) as served:
            assert (await served.client.get("/stream")).content.endswith(b"piece 3\n")

    run(test)


def breaks_off(serve: Serve, caplog: pytest.LogCaptureFixture, *, length: int | None = None) -> None:
    async def test() -> None:
        source = Source(pieces=2, fails=True)
        async with serve([route(source, length=length)]) as served:
            with pytest.raises(httpx.RemoteProtocolError):
                await served.client.get("/stream")
            assert await source.is_closed()

    run(test)
    messages = [record.getMessage() for record in caplog.records if record.name == "zero.rest"]
    assert messages == ["GET /stream failed midway"]


def test_what_breaks_off_is_no_answer(serve_by_network: Serve, caplog: pytest.LogCaptureFixture) -> None:
    breaks_off(serve_by_network, caplog, length=24)


def test_what_breaks_off_anywhere_is_no_answer(
    serve_by_uvicorn: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    breaks_off(serve_by_uvicorn, caplog)  # Granian ends such a response as if it were whole


def test_slow_readers_slow_the_source_down(serve_by_uvicorn: Serve) -> None:
    class Flood(Source):
        async def __anext__(self) -> bytes:
            await super().__anext__()
            return b"x" * 100_000

    async def test() -> None:
        source = Flood(pieces=1000)
        async with serve_by_uvicorn([route(source)]) as served:
            _, writer = await served.connect()
            writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.3)
            assert 0 < source.given < 500
            writer.transport.abort()
            assert await source.is_closed()

    run(test)


def test_old_clients_read_until_the_end_of_the_connection(serve_fast: Serve) -> None:
    async def test() -> None:
        async with serve_fast([route(Source())]) as served:
            answer = await served.raw(b"GET /stream HTTP/1.0\r\n\r\n")
            assert b"transfer-encoding" not in answer
            assert answer.endswith(b"\r\n\r\npiece 1\npiece 2\npiece 3\n")

    run(test)


def test_headers_that_are_none_are_an_error_of_the_service(serve_fast: Serve) -> None:
    async def test() -> None:
        source = Source()
        async with serve_fast([route(source, ((b"x", b"a\r\nb: c"),))]) as served:
            assert (await served.client.get("/stream")).status_code == 500
            assert (source.given, source.closed) == (0, 1)

    run(test)


def test_clients_that_leave_while_a_stream_begins(serve_fast: Serve) -> None:
    async def test() -> None:
        source, reached = Source(pieces=2, seconds=60), asyncio.Event()

        async def endpoint(request: rest.Request) -> rest.Response:
            reached.set()
            await asyncio.sleep(0.1)
            return rest.Stream(200, headers=TEXT, chunks=source)

        async with serve_fast([rest.Route("GET", "/stream", endpoint)]) as served:
            _, writer = await served.connect()
            writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            await reached.wait()
            writer.transport.abort()
            assert await source.is_closed()

    run(test)


def test_compressed_pieces(serve: Serve) -> None:
    async def test() -> None:
        source, events = Source(), Source()
        event_route = route(events, EVENTS)._replace(path="/events")
        conf = GzipConf(level=6, min_bytes=0)
        async with serve([route(source, length=24), event_route], gzip=conf) as served:
            async with served.client.stream("GET", "/stream") as got:
                raw = b"".join([piece async for piece in got.aiter_raw()])
            assert gzip.decompress(raw) == b"piece 1\npiece 2\npiece 3\n"
            assert (got.headers["content-encoding"], got.headers["vary"]) == ("gzip", "Accept-Encoding")
            assert await source.is_closed()
            assert "content-encoding" not in (await served.client.get("/events")).headers

    run(test)


def test_streams_count_as_requests_until_they_end(serve_by_network: Serve) -> None:
    async def test() -> None:
        source = Source(pieces=2, seconds=60)
        async with serve_by_network([route(source)], max_conns=1) as served:
            async with served.client.stream("GET", "/stream") as got:
                await anext(got.aiter_raw())
                assert (await served.client.get("/")).status_code == 503
            assert await source.is_closed()
            assert (await served.client.get("/")).status_code == 404

    run(test)


def test_events_end_when_the_server_stops(serve_by_network: Serve) -> None:
    async def test() -> None:
        source = Source(pieces=2, seconds=60)
        async with serve_by_network([route(source, EVENTS)]) as served:
            async with served.client.stream("GET", "/stream") as got:
                pieces = got.aiter_raw()
                assert await anext(pieces) == b"piece 1\n"
                stopping = asyncio.create_task(served.server.stop(60))
                assert [piece async for piece in pieces] == []
            await asyncio.wait_for(stopping, 5)
            assert source.closed == 1

    run(test)


def test_other_streams_have_the_grace(serve_by_network: Serve) -> None:
    async def test() -> None:
        source = Source(pieces=2, seconds=60)
        async with serve_by_network([route(source, length=16)]) as served:
            async with served.client.stream("GET", "/stream") as got:
                pieces = got.aiter_raw()
                await anext(pieces)
                await asyncio.wait_for(served.server.stop(0.1), 5)
                with pytest.raises(httpx.RemoteProtocolError):
                    await anext(pieces)
            assert source.closed == 1

    run(test)
