from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from zero_runtime import errors, rest
from zero_runtime.config import RestConf
from zero_runtime.deadline import served_until
from zero_runtime.observability.trace import Sampler, current_span
from zero_runtime.rest.client import HttpChannel, connect

closed = asyncio.Event()


async def echo(request: rest.Request) -> rest.Response:
    return rest.json_response(
        {
            "query": request.query.decode(),
            "path": request.path_values.get("name"),
            "body": request.body.decode(),
            "headers": {name.decode(): value.decode("latin-1") for name, value in request.headers},
        }
    )


async def slow(request: rest.Request) -> rest.Response:
    await asyncio.sleep(5)
    return rest.empty_response()


async def ticks(request: rest.Request) -> rest.Response:
    async def events() -> AsyncIterator[int]:
        try:
            for tick in range(3):
                yield tick
                await asyncio.sleep(0.02)
            raise errors.ResourceExhausted("that was all")
        finally:
            closed.set()

    return await rest.event_stream(events())


async def broken(request: rest.Request) -> rest.Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0.01)
        raise RuntimeError("disk on fire")

    return rest.Stream(chunks=chunks(), length=5)


async def gone(request: rest.Request) -> rest.Response:
    raise errors.HttpError(410, "the offer has ended")


ROUTES = (
    rest.Route("GET", "/echo/:name", echo),
    rest.Route("POST", "/echo", echo),
    rest.Route("GET", "/slow", slow),
    rest.Route("GET", "/ticks", ticks, rest.Group(sse=True)),
    rest.Route("GET", "/broken", broken),
    rest.Route("GET", "/gone", gone),
)

ECHO: rest.Call[Any] = rest.Call("POST", "/echo", request=rest.Body(str), response=Any)
SLOW = rest.Call("GET", "/slow")
TICKS = rest.Call("GET", "/ticks", response=int)


@asynccontextmanager
async def channel(**options: Any) -> AsyncIterator[HttpChannel]:
    server = rest.Server(RestConf(name="test", host="127.0.0.1", port=0, timeout=0), ROUTES)
    url = await server.start()
    try:
        async with connect(url, **options) as connected:
            yield connected
    finally:
        await server.stop(0)


def test_calls() -> None:
    async def test() -> None:
        async with channel(token="mine") as connected:
            answer = await ECHO(connected, "é")
            assert answer["body"] == '"é"'
            assert answer["headers"]["authorization"] == "Bearer mine"
            assert answer["headers"]["content-type"] == "application/json"
            assert (await ECHO(connected, "x", token="t"))["headers"]["authorization"] == "Bearer t"
            response = await connected.send(
                rest.Request("GET", "/echo/a%25%20%C3%A4", query=b"a=%2B1%26%25&b=+")
            )
            assert b'"path":"a% \xc3\xa4"' in response.body
            assert b'"query":"a=%2B1%26%25&b=+"' in response.body
            with pytest.raises(errors.HttpError, match="410: the offer has ended"):
                await rest.Call("GET", "/gone")(connected)
            with pytest.raises(errors.NotFound, match="there is nothing at this path"):
                await rest.Call("GET", "/nothing")(connected)

    asyncio.run(test())


def test_the_present_trace_goes_on() -> None:
    async def test() -> None:
        async with channel() as connected:
            assert "traceparent" not in (await ECHO(connected, "x"))["headers"]
            span = Sampler(1).begin()
            current_span.set(span)
            assert (await ECHO(connected, "x"))["headers"]["traceparent"] == span.traceparent.decode()

    asyncio.run(test())


def test_connections_are_used_again() -> None:
    async def test() -> None:
        ports = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ports.append(writer.get_extra_info("peername")[1])
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nset-cookie: a=b\r\n\r\n{}")

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as connected:
            for _ in range(3):
                assert (await connected.send(rest.Request("GET", "/"))).body == b"{}"
        server.close()
        assert len(ports) == 1

    asyncio.run(test())


def test_events_come_one_by_one() -> None:
    async def test() -> None:
        async with channel(timeout=0.05) as connected:
            received = []
            with pytest.raises(errors.ResourceExhausted, match="that was all"):
                async for tick in TICKS.events(connected):
                    received.append(tick)
            assert received == [0, 1, 2]

    asyncio.run(test())


def test_a_service_is_told_that_nobody_listens_any_more() -> None:
    async def test() -> None:
        closed.clear()
        async with channel() as connected:
            events = TICKS.events(connected)
            assert await anext(events) == 0
            assert not closed.is_set()
            await events.aclose()
            async with asyncio.timeout(2):
                await closed.wait()

    asyncio.run(test())


def test_calls_end_in_time() -> None:
    async def test() -> None:
        async with channel(timeout=0.05) as connected:
            with pytest.raises(
                errors.DeadlineExceeded, match=r"http://127\.0\.0\.1:\d+ did not answer in time"
            ):
                await SLOW(connected)
        async with channel(timeout=0) as connected:
            served_until.set(asyncio.get_running_loop().time() + 0.05)
            with pytest.raises(errors.DeadlineExceeded):
                await SLOW(connected)

    asyncio.run(test())


def test_services_that_are_not_there() -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            async with connect(f"http://127.0.0.1:{taken.getsockname()[1]}") as connected:
                with pytest.raises(errors.Unavailable, match=r"http://127\.0\.0\.1:\d+ cannot be reached"):
                    await SLOW(connected)
        async with channel() as connected:
            with pytest.raises(errors.Unavailable):
                await rest.Call("GET", "/broken")(connected)
            with pytest.raises(errors.Unavailable, match="broke off"):
                response = await connected.send(rest.Request("GET", "/broken"), streamed=True)
                assert isinstance(response, rest.Stream)
                async for _ in response.chunks:
                    pass

    asyncio.run(test())


def test_a_path_before_all_paths() -> None:
    async def test() -> None:
        server = rest.Server(
            RestConf(name="test", host="127.0.0.1", port=0), [rest.Route("POST", "/v1/echo", echo)]
        )
        url = await server.start()
        async with connect(f"{url}/v1/") as connected:
            assert (await ECHO(connected, "x"))["body"] == '"x"'
        await server.stop(0)

    asyncio.run(test())


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("localhost:8888", "`localhost:8888` is not the address of an HTTP service"),
        ("ftp://x", "is not the address"),
        ("http://", "is not the address"),
        ("http://x?a=1", "must end with its path"),
    ],
)
def test_addresses(address: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        connect(address)
