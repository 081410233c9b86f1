from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvloop

from zero_runtime import rest
from zero_runtime.config import RestConf


async def echo(request: rest.Request) -> rest.Response:
    return rest.Response(200, request.body)


async def forever(request: rest.Request) -> rest.Response:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("never reached")


ROUTES = (
    rest.Route("GET", "/", echo),
    rest.Route("POST", "/echo", echo),
    rest.Route("POST", "/echo/:name", echo),
    rest.Route("GET", "/forever", forever),
)


class Gate:
    """An endpoint that tells when a request has come and answers it when it is let."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.route = rest.Route("GET", "/gate", self._pass)

    async def _pass(self, request: rest.Request) -> rest.Response:
        self.reached.set()
        await self.open.wait()
        return rest.json_response("done")


@asynccontextmanager
async def serving(*routes: rest.Route, **conf: Any) -> AsyncIterator[tuple[rest.Server, str]]:
    conf = {"name": "test", "host": "127.0.0.1", "port": 0, **conf}
    server = rest.Server(RestConf(**conf), (*ROUTES, *routes))
    url = await server.start()
    try:
        yield server, url
    finally:
        await server.stop(0)


async def raw(url: str, sent: bytes) -> bytes:
    """What a server says to ``sent`` until it closes the connection."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


def on_uvloop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def run() -> None:
        uvloop.run(test())

    run.__name__ = test.__name__
    return run


@on_uvloop
async def test_requests_over_one_connection() -> None:
    async with serving() as (_, url), httpx.AsyncClient(base_url=url) as client:
        for body in (b"x", b"", b"y" * 1_000_000):
            answer = await client.post("/echo", content=body)
            assert (answer.status_code, answer.content) == (200, body)
        head = await client.head("/")
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "0")
        assert (await client.options("/echo")).headers["allow"] == "OPTIONS, POST"
        assert (await client.get("/echo")).status_code == 405
        assert (await client.get("/nowhere")).headers["content-type"] == "application/problem+json"
        assert "server" not in head.headers


@on_uvloop
async def test_chunked_bodies() -> None:
    async def chunks(number: int) -> AsyncIterator[bytes]:
        for _ in range(number):
            yield b"x" * 50

    async with serving(max_bytes=1000) as (_, url), httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/echo", content=chunks(20))).content == b"x" * 1000
        answer = await client.post("/echo", content=chunks(21))
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        answer = await client.post("/echo", content=b"x" * 1001)
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert (await client.post("/echo", content=b"x")).status_code == 200


@on_uvloop
async def test_a_client_that_asks_first_need_not_send_what_is_too_large() -> None:
    async with serving(max_bytes=10) as (_, url):
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n"
        answer = await raw(url, head % 11 + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 413 ")
        answer = await raw(url, head % 2 + b"Connection: close\r\n\r\nab")
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nab")


@pytest.mark.parametrize(
    "request_line",
    [b"GET /\xff HTTP/1.1", b"GET", b"GET / HTTP/9.9", b"\x16\x03\x01\x02", b"OPTIONS * HTTP/1.1"],
)
def test_what_is_no_http_is_a_bad_request(request_line: bytes) -> None:
    async def test() -> None:
        async with serving() as (_, url):
            answer = await raw(url, request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert re.match(rb"HTTP/1.1 40[04] ", answer)

    uvloop.run(test())


@on_uvloop
async def test_slow_requests() -> None:
    async with serving(timeout=100) as (_, url), httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/forever")).status_code == 503
        answer = await raw(url, b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
        assert answer.startswith(b"HTTP/1.1 408 ")


@on_uvloop
async def test_no_timeout_and_no_limit_when_they_are_zero() -> None:
    async with serving(timeout=0, max_bytes=0) as (_, url), httpx.AsyncClient(base_url=url) as client:
        assert len((await client.post("/echo", content=b"x" * 2_000_000)).content) == 2_000_000


@on_uvloop
async def test_stopping_finishes_what_is_in_flight_and_takes_nothing_new() -> None:
    gate = Gate()
    async with serving(gate.route) as (server, url), httpx.AsyncClient(base_url=url) as client:
        await client.get("/")  # leaves an idle connection behind, which must not hold the server up
        in_flight = asyncio.create_task(client.get("/gate"))
        await gate.reached.wait()
        stopping = asyncio.create_task(server.stop(60))
        with pytest.raises(httpx.ConnectError):
            while True:
                with contextlib.suppress(httpx.ReadError, httpx.RemoteProtocolError):  # accepted just before
                    await httpx.AsyncClient().get(url)
        gate.open.set()
        answer = await in_flight
        assert (answer.json(), answer.headers["connection"]) == ("done", "close")
        await asyncio.wait_for(stopping, 10)


@on_uvloop
async def test_stopping_gives_up_after_the_grace() -> None:
    gate = Gate()
    async with serving(gate.route, timeout=0) as (server, url), httpx.AsyncClient(base_url=url) as client:
        in_flight = asyncio.create_task(client.get("/gate"))
        await gate.reached.wait()
        await server.stop(0.1)
        answer = await in_flight
        assert (answer.status_code, answer.json()["detail"]) == (503, "the service stops")


@on_uvloop
async def test_addresses_that_cannot_be_had() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"^cannot listen on 127.0.0.1:{port}: address already in use$"):
            await rest.Server(RestConf(name="test", host="127.0.0.1", port=port), ROUTES).start()
    with pytest.raises(OSError, match=r"cannot listen on no\.such\.host\.invalid:0: "):
        await rest.Server(RestConf(name="test", host="no.such.host.invalid", port=0), ROUTES).start()


def test_ipv6() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")

    async def test() -> None:
        async with serving(host="::1") as (_, url):
            assert url.startswith("http://[::1]:")
            assert httpx.URL(url).port
            async with httpx.AsyncClient() as client:
                assert (await client.get(url)).status_code == 200

    uvloop.run(test())


def test_routes_that_clash_are_refused() -> None:
    with pytest.raises(ValueError, match="GET /a and /a answer the same requests"):
        rest.Server(RestConf(name="test"), [rest.Route("GET", "/a", echo), rest.Route("GET", "/a", echo)])
