"""Connections: kept, slow, cut off, drained; the same by every server."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest

from zero_runtime import rest
from zero_runtime.rest.conftest import Serve, Served
from zero_runtime.rest.serving_test import ROUTES, run


def test_keep_alive(serve_by_network: Serve) -> None:
    async def head(reader: asyncio.StreamReader) -> bytes:
        return (await reader.readuntil(b"\r\n\r\n")).lower()

    async def test() -> None:
        async with serve_by_network(ROUTES) as served:
            reader, writer = await served.connect()
            for _ in range(3):
                writer.write(b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
                answer = await head(reader)
                assert answer.startswith(b"http/1.1 200 ok\r\n")
                assert b"connection" not in answer
                assert await reader.readexactly(1) == b"3"
            writer.write(b"GET /empty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"\r\nconnection: close\r\n" in await head(reader)
            assert await reader.read() == b""
            writer.close()
            assert b"200 OK" in await served.raw(b"GET /empty HTTP/1.0\r\n\r\n")

    run(test)


def test_bodies_in_pieces_and_bodies_that_take_too_long(serve_by_network: Serve) -> None:
    async def test() -> None:
        async with serve_by_network(ROUTES, timeout=300) as served:
            head = b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
            reader, writer = await served.connect()
            for piece in (head[:20], head[20:], b"ab", b"cde"):
                writer.write(piece)
                await asyncio.sleep(0.02)
            assert (await reader.read()).endswith(b"5")
            writer.close()
            assert b" 408 " in (await served.raw(head + b"ab")).partition(b"\r\n")[0]

    run(test)


def test_a_client_that_asks_first_need_not_send_what_is_too_large(serve_by_network: Serve) -> None:
    async def test() -> None:
        async with serve_by_network(ROUTES) as served:
            head = b"POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n"
            assert b" 413 " in (await served.raw(head % 11 + b"\r\n")).partition(b"\r\n")[0]
            answer = await served.raw(head % 2 + b"Connection: close\r\n\r\nab")
            assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\n2")

    run(test)


@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 5\r\n\r\nab", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n5\r\nab"],
    ids=["sized", "chunked"],
)
def test_what_is_cut_off_is_no_request(serve_by_network: Serve, body: bytes) -> None:
    async def test() -> None:
        served_paths = []

        async def note(request: rest.Request) -> rest.Response:
            served_paths.append(request.path)
            return rest.empty_response()

        async with serve_by_network([rest.Route("POST", "/:x", note)]) as served:
            _, writer = await served.connect()
            writer.write(b"POST /cut HTTP/1.1\r\nHost: x\r\n" + body)
            await asyncio.sleep(0.1)
            writer.close()
            await asyncio.sleep(0.1)
            assert (await served.client.post("/whole", content=b"x")).status_code == 200
            assert served_paths == ["/whole"]

    run(test)


def test_work_in_flight_is_finished(serve_by_network: Serve) -> None:
    async def test() -> None:
        reached, open_ = asyncio.Event(), asyncio.Event()

        async def gate(request: rest.Request) -> rest.Response:
            reached.set()
            await open_.wait()
            return rest.json_response("done")

        async with serve_by_network((*ROUTES, rest.Route("GET", "/gate", gate))) as served:
            await served.client.get("/empty")  # leaves an idle connection behind, which must not hold it up
            in_flight = asyncio.create_task(served.client.get("/gate"))
            await reached.wait()
            stopping = asyncio.create_task(served.server.stop(60))
            await _refused(served)
            open_.set()
            answer = await in_flight
            assert (answer.json(), answer.headers["connection"]) == ("done", "close")
            await asyncio.wait_for(stopping, 10)

    run(test)


def test_work_that_lasts_too_long_is_given_up(serve_by_network: Serve) -> None:
    async def test() -> None:
        reached = asyncio.Event()

        async def forever(request: rest.Request) -> rest.Response:
            reached.set()
            await asyncio.sleep(60)
            return rest.empty_response()

        async with serve_by_network([rest.Route("GET", "/", forever)], timeout=0) as served:
            in_flight = asyncio.create_task(served.client.get("/"))
            await reached.wait()
            await served.server.stop(0.1)
            answer = await in_flight
            assert (answer.status_code, answer.json()["detail"]) == (503, "the service stops")

    run(test)


async def _refused(served: Served) -> None:
    """Waits until no new connection is taken."""
    with pytest.raises(httpx.ConnectError):
        while True:
            async with httpx.AsyncClient(base_url=served.client.base_url) as client:
                with contextlib.suppress(httpx.ReadError, httpx.RemoteProtocolError):  # accepted just before
                    await client.get("/empty")
            await asyncio.sleep(0.01)
