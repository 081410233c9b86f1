"""The same requests have the same answers, whatever serves them."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from zero_runtime import errors, rest
from zero_runtime.config import CorsConf, GzipConf, JwtConf, RestMiddlewaresConf
from zero_runtime.rest.conftest import Serve

AUTH = rest.Jwt(JwtConf(access_secret="0123456789abcdef0123456789abcdef"))


async def tell(request: rest.Request) -> rest.Response:
    """All that an endpoint is told."""
    headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
    told = {
        "method": request.method,
        "path": request.path,
        "values": dict(request.path_values),
        "query": request.query.decode(),
        "header": headers.get("x-header"),
        "body": request.body.decode("latin-1"),
        "claims": {name: value for name, value in request.claims.items() if name not in ("iat", "exp")},
        "client": request.client,
    }
    return rest.json_response(told)


async def size(request: rest.Request) -> rest.Response:
    return rest.json_response(len(request.body))


async def empty(request: rest.Request) -> rest.Response:
    return rest.empty_response()


async def nothing(request: rest.Request) -> rest.Response:
    return rest.Response(204)


async def cookies(request: rest.Request) -> rest.Response:
    return rest.Response(201, b"x", ((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")))


async def not_modified(request: rest.Request) -> rest.Response:
    return rest.Response(304, headers=((b"etag", b'"1"'),))


async def break_down(request: rest.Request) -> rest.Response:
    raise RuntimeError("password=hunter2")


async def refuse(request: rest.Request) -> rest.Response:
    raise errors.InvalidArgument("no", fields=[errors.FieldError("a[0]", "is wrong")])


async def is_gone(request: rest.Request) -> rest.Response:
    raise rest.HttpError(410, "the offer has ended", headers=((b"x-reason", b"late"),))


async def sleep(request: rest.Request) -> rest.Response:
    await asyncio.sleep(60)
    return rest.empty_response()


async def add(request: rest.Request, proceed: rest.Endpoint) -> rest.Response:
    response = await proceed(request)
    return rest.Response(response.status, response.body + b"+", response.headers)


async def deny(request: rest.Request, proceed: rest.Endpoint) -> rest.Response:
    raise errors.PermissionDenied("not today")


ROUTES = (
    rest.Route("GET", "/tell/:name", tell),
    rest.Route("POST", "/tell/:name", tell),
    rest.Route("GET", "/who", tell, rest.Group(jwt=AUTH)),
    rest.Route("POST", "/size", size),
    rest.Route("POST", "/small", size, rest.Group(max_bytes=10)),
    rest.Route("GET", "/empty", empty),
    rest.Route("DELETE", "/nothing", nothing),
    rest.Route("GET", "/cookies", cookies),
    rest.Route("GET", "/not-modified", not_modified),
    rest.Route("GET", "/broken", break_down),
    rest.Route("POST", "/refuse", refuse),
    rest.Route("GET", "/gone", is_gone),
    rest.Route("GET", "/sleep", sleep, rest.Group(timeout=0.05)),
    rest.Route("GET", "/around", size, rest.Group(middlewares=(add, add))),
    rest.Route("GET", "/denied", size, rest.Group(middlewares=(add, deny))),
    rest.Route("GET", "/files/*path", tell),
)


def problem(status: int, title: str, **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, **more}


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(asyncio.wait_for(test(), 20))


ANSWERS: list[tuple[str, str, dict[str, Any], int, Any, dict[str, str]]] = [
    ("GET", "/empty", {}, 200, b"", {"content-length": "0"}),
    ("GET", "/empty//./", {}, 200, b"", {}),
    ("HEAD", "/around", {}, 200, b"", {"content-length": "3"}),
    ("DELETE", "/nothing", {}, 204, b"", {}),
    ("GET", "/not-modified", {}, 304, b"", {"etag": '"1"'}),
    ("GET", "/cookies", {}, 201, b"x", {"set-cookie": "a=1, b=2"}),
    ("GET", "/around", {}, 200, b"0++", {"content-type": "application/json"}),
    ("GET", "/denied", {}, 403, problem(403, "Forbidden", detail="not today"), {}),
    ("GET", "/", {}, 404, problem(404, "Not Found", detail="there is nothing at this path"), {}),
    (
        "PUT",
        "/tell/x",
        {},
        405,
        problem(405, "Method Not Allowed", detail="PUT is not allowed here"),
        {"allow": "GET, HEAD, OPTIONS, POST"},
    ),
    ("OPTIONS", "/size", {}, 204, b"", {"allow": "OPTIONS, POST"}),
    ("GET", "/broken", {}, 500, problem(500, "Internal Server Error"), {}),
    (
        "POST",
        "/refuse",
        {},
        400,
        problem(400, "Bad Request", detail="no", errors=[{"field": "a[0]", "message": "is wrong"}]),
        {"content-type": "application/problem+json"},
    ),
    ("GET", "/gone", {}, 410, problem(410, "Gone", detail="the offer has ended"), {"x-reason": "late"}),
    (
        "GET",
        "/sleep",
        {},
        503,
        problem(503, "Service Unavailable", detail="the request took too long"),
        {},
    ),
    (
        "GET",
        "/who",
        {},
        401,
        problem(401, "Unauthorized", detail="an access token is required"),
        {"www-authenticate": "Bearer"},
    ),
    ("POST", "/size", {"content": b"x" * 200_000}, 200, 200_000, {}),
    ("POST", "/size", {"content": b""}, 200, 0, {}),
    ("POST", "/small", {"content": b"x" * 10}, 200, 10, {}),
    (
        "POST",
        "/small",
        {"content": b"x" * 11},
        413,
        problem(413, "Content Too Large", detail="the request body may have at most 10 bytes"),
        {"connection": "close"},
    ),
    (
        "POST",
        "/size",
        {"content": gzip.compress(b"x" * 1000), "headers": {"content-encoding": "gzip"}},
        200,
        1000,
        {},
    ),
    (
        "POST",
        "/size",
        {"content": b"plain text", "headers": {"content-encoding": "gzip"}},
        400,
        problem(400, "Bad Request", detail="the request body is no gzip"),
        {},
    ),
]


def test_answers(serve: Serve) -> None:
    async def test() -> None:
        async with serve(ROUTES) as served:
            for method, path, options, status, body, headers in ANSWERS:
                answer = await served.client.request(method, path, **options)
                told = answer.content if isinstance(body, bytes) else answer.json()
                found = {name: answer.headers.get(name) for name in headers}
                assert (method, path, answer.status_code, told, found) == (
                    method,
                    path,
                    status,
                    body,
                    headers,
                )
                assert ("content-length" in answer.headers) == (status not in (204, 304)), path

    run(test)


def test_endpoints_are_told_the_same(serve: Serve) -> None:
    async def test() -> None:
        async with serve(ROUTES) as served:
            answer = await served.client.post(
                "/tell/a%20%C3%A9%2Bb+c?x=%20&y=1&y=2",
                content=b"\x00\xff",
                headers={"X-Header": "a;b", "X-Empty": ""},
            )
            assert answer.json() == {
                "method": "POST",
                "path": "/tell/a é+b+c",
                "values": {"name": "a é+b+c"},
                "query": "x=%20&y=1&y=2",
                "header": "a;b",
                "body": "\x00\xff",
                "claims": {},
                "client": "127.0.0.1",
            }
            files = (await served.client.get("/files/a/../b//c.txt")).json()
            assert files["values"] == {"path": "b/c.txt"}
            token = {"authorization": f"Bearer {AUTH.issue(userId=7).text}"}
            assert (await served.client.get("/who", headers=token)).json()["claims"] == {"userId": 7}

    run(test)


def test_chunked_bodies(serve: Serve) -> None:
    async def chunks(number: int) -> AsyncIterator[bytes]:
        for _ in range(number):
            yield b"x" * 1000

    async def test() -> None:
        async with serve(ROUTES, max_bytes=100_000) as served:
            assert (await served.client.post("/size", content=chunks(100))).json() == 100_000
            answer = await served.client.post("/size", content=chunks(101))
            assert (answer.status_code, answer.headers["connection"]) == (413, "close")
            assert (await served.client.post("/size", content=b"x")).json() == 1

    run(test)


@pytest.mark.parametrize(
    "compressed", [gzip.compress(b"x" * 101), gzip.compress(b"x" * 60) * 2], ids=["one member", "two"]
)
def test_bodies_are_limited_after_they_are_unpacked(serve: Serve, compressed: bytes) -> None:
    async def test() -> None:
        gzipped = {"content-encoding": "gzip"}
        async with serve(ROUTES, max_bytes=100) as served:
            answer = await served.client.post("/size", content=compressed, headers=gzipped)
            assert answer.status_code == 413
        async with serve(ROUTES, max_bytes=100, middlewares=RestMiddlewaresConf(gunzip=False)) as served:
            answer = await served.client.post("/size", content=compressed, headers=gzipped)
            assert answer.json() == len(compressed)

    run(test)


def test_errors_as_text(serve: Serve) -> None:
    async def test() -> None:
        async with serve(ROUTES, error_format="text") as served:
            answer = await served.client.post("/refuse")
            assert (answer.status_code, answer.text) == (400, "no\n")
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert (await served.client.get("/nowhere")).text == "404 page not found\n"
            assert (await served.client.get("/broken")).content == b""
            assert (await served.client.get("/sleep")).text == "Request Timeout\n"

    run(test)


def test_only_so_many_requests_at_a_time(serve: Serve) -> None:
    async def test() -> None:
        reached, open_ = asyncio.Event(), asyncio.Event()

        async def gate(request: rest.Request) -> rest.Response:
            reached.set()
            await open_.wait()
            return rest.empty_response()

        async with serve((*ROUTES, rest.Route("GET", "/gate", gate)), max_conns=1) as served:
            first = asyncio.create_task(served.client.get("/gate"))
            await reached.wait()
            answer = await served.client.get("/empty")
            assert (answer.status_code, answer.json()["detail"]) == (503, "too many requests at a time")
            open_.set()
            assert (await first).status_code == 200
            assert (await served.client.get("/empty")).status_code == 200

    run(test)


def test_middlewares_that_are_off_limit_nothing(serve: Serve) -> None:
    off = RestMiddlewaresConf(max_conns=False, timeout=False, max_bytes=False)

    async def test() -> None:
        async with serve(ROUTES, max_bytes=1, middlewares=off) as served:
            assert (await served.client.post("/size", content=b"xx")).json() == 2

    run(test)


def test_other_origins(serve: Serve) -> None:
    async def test() -> None:
        cors = CorsConf(origins=["https://example.com"], credentials=True)
        async with serve(ROUTES, cors=cors, gzip=GzipConf(level=6, min_bytes=0)) as served:
            origin = {"origin": "https://example.com"}
            asks = {**origin, "access-control-request-method": "POST"}
            preflight = await served.client.options("/size", headers=asks)
            assert (preflight.status_code, preflight.content) == (204, b"")
            assert preflight.headers["access-control-allow-methods"] == "OPTIONS, POST"
            assert preflight.headers["access-control-allow-origin"] == "https://example.com"
            for path in ("/around", "/nowhere"):
                answer = await served.client.get(path, headers=origin)
                assert answer.headers["access-control-allow-credentials"] == "true"
                assert answer.headers["content-encoding"] == "gzip"
                assert answer.headers["vary"] == "Accept-Encoding, Origin"

    run(test)
