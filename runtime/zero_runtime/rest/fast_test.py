"""What the fast path does with a connection, byte by byte."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest
import uvicorn

from zero_runtime import rest
from zero_runtime.rest import server as server_module
from zero_runtime.rest.conftest import Serve
from zero_runtime.rest.serving_test import run


async def size(request: rest.Request) -> rest.Response:
    return rest.json_response(len(request.body))


async def target(request: rest.Request) -> rest.Response:
    return rest.json_response([request.path, request.query.decode()])


async def slow(request: rest.Request) -> rest.Response:
    await asyncio.sleep(0.3)
    return rest.json_response("slow")


async def injects(request: rest.Request) -> rest.Response:
    return rest.Response(200, b"", ((b"x-name", request.query.replace(b"%0d%0a", b"\r\n")),))


ROUTES = (
    rest.Route("GET", "/", size),
    rest.Route("POST", "/size", size),
    rest.Route("GET", "/target/:name", target),
    rest.Route("GET", "/fixed", target),
    rest.Route("GET", "/slow", slow),
    rest.Route("GET", "/injects", injects),
)
CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"


def status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", answer)
    assert found, answer
    return int(found[1])


def test_targets(serve_by_uvicorn: Serve) -> None:
    async def test() -> None:
        async with serve_by_uvicorn(ROUTES) as served:
            for sent, told in {
                b"/fixed": b'["/fixed",""]',
                b"/fixed?a=%20b&c": b'["/fixed","a=%20b&c"]',
                b"/fixed/?a?b": b'["/fixed/","a?b"]',
                b"/%66ixed": b'["/fixed",""]',
                b"/target/a%2Bb+c%C3%A9": '["/target/a+b+cé",""]'.encode(),
                b"http://other.example/fixed?x": b'["/fixed","x"]',
            }.items():
                answer = await served.raw(b"GET " + sent + b" HTTP/1.1\r\n" + CLOSE)
                assert (status(answer), answer.partition(b"\r\n\r\n")[2]) == (200, told), sent

    run(test)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /\xff HTTP/1.1\r\n",
        b"GET\r\n",
        b"GET / HTTP/9.9\r\n",
        b"\x16\x03\x01\x02\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nA\x00: b\r\n",
        b"POST /size HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"POST /size HTTP/1.1\r\nContent-Length: x\r\n",
        b"POST /size HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
    ],
)
def test_what_is_no_http_is_a_bad_request(serve_by_uvicorn: Serve, sent: bytes) -> None:
    async def test() -> None:
        async with serve_by_uvicorn(ROUTES) as served:
            assert status(await served.raw(sent + CLOSE)) in (400, 404)

    run(test)


def test_requests_sent_ahead_are_answered_in_order(serve_fast: Serve) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES) as served:
            first = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
            answer = await served.raw(first + b"GET /fixed HTTP/1.1\r\n" + CLOSE)
            assert re.findall(rb"\r\n\r\n(\S+?)(?=HTTP|\Z)", answer) == [b'"slow"', b'["/fixed",""]']
            assert b"200 OK" in await served.raw(b"GET /fixed HTTP/1.1\r\n" + CLOSE)

    run(test)


def test_connections_of_old_clients_and_upgrades(serve_by_uvicorn: Serve) -> None:
    async def test() -> None:
        async with serve_by_uvicorn(ROUTES) as served:
            answer = await served.raw(b"GET /fixed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert b"\r\nconnection: close\r\n" in answer
            upgrade = b"GET /fixed HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"
            reader, writer = await served.connect()
            writer.write(upgrade)
            assert status(await reader.readuntil(b'""]')) == 200
            writer.close()

    run(test)


def test_heads_have_a_limit(serve_fast: Serve) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES) as served:
            fits = b"GET /fixed HTTP/1.1\r\nX: " + b"a" * 60_000 + b"\r\n"
            assert status(await served.raw(fits + CLOSE)) == 200
            large = b"GET /fixed HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n"
            assert status(await served.raw(large + CLOSE)) == 431
            reader, writer = await served.connect()
            for piece in (large[:40_000], large[40_000:]):
                writer.write(piece)
                await asyncio.sleep(0.05)
            answer = await reader.read()
            assert status(answer) == 431
            assert b"the head of the request is too large" in answer
            writer.close()
            body = b"POST /size HTTP/1.1\r\nContent-Length: 200000\r\n" + CLOSE + b"x" * 200_000
            assert (await served.raw(body)).endswith(b"200000")

    run(test)


@pytest.mark.parametrize(("sent", "expected"), [(b"", b""), (b"GET /fixed HT", b"HTTP/1.1 408 ")])
def test_heads_have_to_come_in_time(serve_fast: Serve, sent: bytes, expected: bytes) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES, timeout=200) as served:
            reader, writer = await served.connect()
            writer.write(sent)
            for byte in b"TP/1." if sent else b"":
                await asyncio.sleep(0.02)
                writer.write(bytes((byte,)))
            answer = await asyncio.wait_for(reader.read(), 2)
            assert answer.startswith(expected)
            assert bool(answer) == bool(expected)
            writer.close()

    run(test)


def test_without_a_time_limit_heads_may_take_long(serve_fast: Serve) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES, timeout=0) as served:
            reader, writer = await served.connect()
            await asyncio.sleep(0.3)
            writer.write(b"GET /fixed HTTP/1.1\r\n" + CLOSE)
            assert status(await reader.read()) == 200
            writer.close()

    run(test)


def test_idle_connections_are_closed(serve_by_uvicorn: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_KEEP_ALIVE", 0.2)

    async def test() -> None:
        async with serve_by_uvicorn(ROUTES) as served:
            reader, writer = await served.connect()
            for _ in range(3):  # each request begins the time anew
                writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readuntil(b'"slow"')
                await asyncio.sleep(0.1)
            assert await asyncio.wait_for(reader.read(), 2) == b""
            writer.close()

    run(test)


def test_headers_cannot_be_smuggled_into_a_response(
    serve_fast: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES) as served:
            answer = await served.raw(b"GET /injects?a%0d%0aset-cookie:b HTTP/1.1\r\n" + CLOSE)
            assert status(answer) == 500
            assert b"set-cookie" not in answer
            assert b"x-name: plain\r\n" in await served.raw(b"GET /injects?plain HTTP/1.1\r\n" + CLOSE)

    run(test)
    assert caplog.records


def test_many_different_headers_are_not_all_remembered(serve_fast: Serve) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES) as served:
            reader, writer = await served.connect()
            for number in range(1500):
                writer.write(b"GET /injects?%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
                assert b"x-name: %d\r\n" % number in await reader.readuntil(b"\r\n\r\n")
            writer.close()
            lines = served.server._uvicorn.config.http_protocol_class.lines
            assert 0 < len(lines._known) <= 1024

    run(test)


def test_a_body_is_answered_before_it_is_complete_if_it_need_not_be_read(serve_fast: Serve) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES, max_bytes=1000) as served:
            reader, writer = await served.connect()
            writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab")
            assert status(await reader.readuntil(b"}")) == 404
            writer.write(b"cdeGET /fixed HTTP/1.1\r\n" + CLOSE)
            assert status(await reader.read()) == 200
            writer.close()
            head = b"POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n"
            assert status(await served.raw(head)) == 413

    run(test)


def test_another_uvicorn_is_served_without_the_fast_path(
    serve_fast: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uvicorn, "__version__", "1.0.0")

    async def test() -> None:
        async with serve_fast(ROUTES) as served:
            assert served.server._uvicorn.config.http == "httptools"
            assert (await served.client.get("/fixed")).status_code == 200

    run(test)
    assert "uvicorn 1.0.0 is served without its fast path, which was made for 0.54." in caplog.text


def test_the_uvicorn_that_is_locked_has_the_fast_path(serve_fast: Serve) -> None:
    async def test() -> None:
        async with serve_fast(ROUTES) as served:
            assert served.server._uvicorn.config.http.__name__ == "ServingProtocol"

    run(test)


def test_delays_of_small_packets_are_off(serve_fast: Serve) -> None:
    """Two small writes, as a stream makes, do not wait for the client's acknowledgement."""

    async def test() -> None:
        async with serve_fast(ROUTES) as served:
            _, writer = await served.connect()
            await asyncio.sleep(0.05)
            (connection,) = served.server._uvicorn.server_state.connections
            sock = connection.transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()

    run(test)
