from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import msgspec
import pytest

from zero_runtime import errors, rest
from zero_runtime.config import GovernedConf, JwtConf, RuleConf
from zero_runtime.deadline import served_until
from zero_runtime.resilience import Governor
from zero_runtime.testing import Answer, HttpClient


class Greeting(msgspec.Struct):
    text: str


async def hello(request: rest.Request) -> rest.Response:
    return rest.json_response(Greeting("hello " + request.path_values.get("name", "all")))


async def echo(request: rest.Request) -> rest.Response:
    return rest.Response(201, request.body, [(b"x-path", request.path.encode()), (b"x-query", request.query)])


def fails(error: BaseException) -> rest.Endpoint:
    async def endpoint(request: rest.Request) -> rest.Response:
        raise error

    return endpoint


async def slow(request: rest.Request) -> rest.Response:
    await asyncio.sleep(60)
    return rest.empty_response()


ROUTES = (
    rest.Route("GET", "/hello", hello),
    rest.Route("GET", "/hello/:name", hello),
    rest.Route("POST", "/echo", echo),
    rest.Route("POST", "/slow", slow),
)


def ask(method: str, target: str, routes: Iterable[rest.Route] = ROUTES, **options: Any) -> Answer:
    return asyncio.run(HttpClient(routes).request(method, target, **options))


def run(app: rest.App, scope: dict[str, Any], *received: dict[str, Any]) -> list[Any]:
    """What an ASGI server that calls ``app`` and gives it ``received`` is told to send."""
    sent: list[Any] = []
    messages = iter(received)

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        await asyncio.sleep(60)
        raise AssertionError("never reached")

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def http(method: str, path: str, *headers: tuple[bytes, bytes], root_path: str = "") -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": root_path,
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.1", 5),
    }


def chunk(body: bytes, more_body: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more_body}


def test_json_answers() -> None:
    answer = ask("GET", "/hello/m%C3%A9")
    assert (answer.status, answer.json()) == (200, {"text": "hello mé"})
    assert answer.headers == {"content-type": "application/json", "content-length": "20"}


def test_requests_reach_their_endpoint_as_they_are() -> None:
    answer = ask("POST", "/echo/?a=%20", body=b"x\x00y")
    assert (answer.status, answer.body) == (201, b"x\x00y")
    assert (answer.headers["x-path"], answer.headers["x-query"]) == ("/echo/", "a=%20")


def test_head_has_the_headers_of_get_and_no_body() -> None:
    answer = ask("HEAD", "/hello")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "20")


def test_nothing_there() -> None:
    answer = ask("GET", "/helo")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing at this path",
    }


@pytest.mark.parametrize("method", ["DELETE", "POST", "BREW"])
def test_other_methods_are_refused(method: str) -> None:
    answer = ask(method, "/hello/x")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.json()["detail"] == f"{method} is not allowed here"


def test_options() -> None:
    answer = ask("OPTIONS", "/echo")
    assert (answer.status, answer.headers, answer.body) == (204, {"allow": "OPTIONS, POST"}, b"")
    assert ask("OPTIONS", "/nowhere").status == 404


@pytest.mark.parametrize("code", [code for code in errors.Code if 400 <= code.http < 500])
def test_errors_of_the_caller_are_told(code: errors.Code) -> None:
    fields = (errors.FieldError("a.b[0]", "is required"),)
    error = errors.ZeroError.of(code, "no such thing", fields=fields)
    answer = ask("GET", "/", [rest.Route("GET", "/", fails(error))])
    problem = answer.json()
    assert answer.status == problem["status"] == code.http
    assert (problem["type"], problem["detail"]) == ("about:blank", "no such thing")
    assert problem["errors"] == [{"field": "a.b[0]", "message": "is required"}]
    assert answer.headers.get("www-authenticate") == ("Bearer" if code.http == 401 else None)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("password=hunter2"),
        TimeoutError("password=hunter2"),
        asyncio.CancelledError("password=hunter2"),
        *(errors.ZeroError.of(code, "password=hunter2") for code in errors.Code if code.http >= 500),
    ],
)
def test_errors_of_the_service_are_logged_and_not_told(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask("GET", "/", [rest.Route("GET", "/", fails(error))])
    status = error.code.http if isinstance(error, errors.ZeroError) else 500
    assert answer.json().keys() == {"type", "title", "status"}
    assert answer.status == status
    assert b"hunter2" not in answer.body
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "GET / failed" in record.getMessage()
    assert "hunter2" in caplog.text


def test_a_token_that_is_no_good_is_challenged() -> None:
    auth = rest.Jwt(JwtConf(access_secret="0123456789abcdef0123456789abcdef"))

    async def endpoint(request: rest.Request) -> rest.Response:
        return rest.json_response(request.claims["userId"])

    routes = [rest.Route("GET", "/", endpoint, rest.Group(jwt=auth))]
    assert ask("GET", "/", routes, token=auth.issue(userId=7).text).json() == 7
    assert ask("GET", "/", routes).headers["www-authenticate"] == "Bearer"
    assert ask("GET", "/", routes, token="x").headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_answers_that_are_no_json_are_errors_of_the_service() -> None:
    async def endpoint(request: rest.Request) -> rest.Response:
        return rest.json_response(object())

    assert ask("GET", "/", [rest.Route("GET", "/", endpoint)]).status == 500


@pytest.mark.parametrize(
    ("path", "root_path", "status"),
    [
        ("/v1/echo", "/v1", 201),
        ("/echo", "/v1", 201),
        ("/v1echo", "/v1", 404),
        ("/v1/v1/echo", "/v1", 404),
        ("/v1", "/v1", 404),
    ],
)
def test_the_prefix_that_it_is_mounted_at_is_no_part_of_the_path(
    path: str, root_path: str, status: int
) -> None:
    start, _ = run(rest.App(ROUTES), http("POST", path, root_path=root_path), chunk(b""))
    assert start["status"] == status


def test_bodies_in_pieces() -> None:
    pieces = (chunk(b"ab", True), chunk(b"", True), chunk(b"cd", True), chunk(b""))
    _, content = run(rest.App(ROUTES), http("POST", "/echo"), *pieces)
    assert content["body"] == b"abcd"


@pytest.mark.parametrize(
    ("headers", "pieces", "status"),
    [
        ([], [chunk(b"x" * 10)], 201),
        ([], [chunk(b"x" * 11)], 413),
        ([], [chunk(b"x" * 6, True), chunk(b"x" * 4)], 201),
        ([], [chunk(b"x" * 6, True), chunk(b"x" * 5, True)], 413),
        ([(b"content-length", b"10")], [chunk(b"x" * 10)], 201),
        ([(b"content-length", b"11")], [], 413),
    ],
)
def test_bodies_that_are_too_large(
    headers: list[tuple[bytes, bytes]], pieces: list[dict[str, Any]], status: int
) -> None:
    start, content = run(
        rest.App(ROUTES, rest.Options(max_bytes=10)), http("POST", "/echo", *headers), *pieces
    )
    assert start["status"] == status
    if status == 413:
        assert (b"connection", b"close") in start["headers"]
        problem = msgspec.json.decode(content["body"])
        assert problem["title"] == "Content Too Large"
        assert problem["detail"] == "the request body may have at most 10 bytes"


def test_requests_that_take_too_long() -> None:
    app = rest.App(ROUTES, rest.Options(timeout=0.01))
    start, content = run(app, http("POST", "/slow"), chunk(b""))
    assert start["status"] == 503
    assert msgspec.json.decode(content["body"])["detail"] == "the request took too long"


def test_requests_that_take_too_long_to_arrive() -> None:
    start, _ = run(rest.App(ROUTES, rest.Options(timeout=0.01)), http("POST", "/echo"), chunk(b"x", True))
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]


def test_calls_made_for_a_request_end_no_later_than_it() -> None:
    left: list[float | None] = []

    async def endpoint(request: rest.Request) -> rest.Response:
        until = served_until.get()
        left.append(until and until - asyncio.get_running_loop().time())
        return rest.empty_response()

    for timeout in (5, 0):
        app = rest.App([rest.Route("GET", "/", endpoint)], rest.Options(timeout=timeout))
        run(app, http("GET", "/"), chunk(b""))
    assert left[0] == pytest.approx(5, abs=0.5)
    assert left[1] is None


class Observer:
    """Writes down what it observes."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.traceparent = b""

    @property
    def unrouted(self) -> Observer:
        return self

    def route(self, method: str, path: str, *, sse: bool) -> Observer:
        self.events.append((method, path, sse))
        return self

    def begin(self, request: rest.Request) -> Observer:
        self.events.append((request.method, request.path))
        return self

    def end(self, status: int) -> None:
        self.events.append(status)


def observed(app_of: Callable[[Observer], rest.App], *requests: Any) -> list[Any]:
    observer = Observer()
    app = app_of(observer)
    observer.events.clear()
    for scope, *received in requests:
        run(app, scope, *received)
    return observer.events


def test_clients_that_leave_get_no_answer() -> None:
    gone = (http("POST", "/echo"), chunk(b"x", True), {"type": "http.disconnect"})
    assert run(rest.App(ROUTES), *gone) == []
    assert observed(lambda observer: rest.App(ROUTES, observer=observer), gone) == [("POST", "/echo"), 499]


def test_all_requests_are_observed() -> None:
    observer = Observer()
    rest.App([ROUTES[0], rest.Route("GET", "/watch", hello, rest.Group(sse=True))], observer=observer)
    assert observer.events == [("GET", "/hello", False), ("GET", "/watch", True)]
    paths = ["/hello", "/nowhere", "/echo"]
    events = observed(
        lambda observer: rest.App(ROUTES, observer=observer),
        *((http("GET", path), chunk(b"")) for path in paths),
    )
    assert events == [("GET", "/hello"), 200, ("GET", "/nowhere"), 404, ("GET", "/echo"), 405]


def test_responses_tell_their_trace() -> None:
    observer = Observer()
    observer.traceparent = b"00-a-b-01"
    shared = rest.Response(200, b"x", [(b"a", b"b")])

    async def endpoint(request: rest.Request) -> rest.Response:
        return shared

    app = rest.App([rest.Route("GET", "/", endpoint)], observer=observer)
    for _ in range(2):
        start, _ = run(app, http("GET", "/"), chunk(b""))
        assert start["headers"][:2] == [(b"a", b"b"), (b"traceparent", b"00-a-b-01")]
    assert shared.headers == [(b"a", b"b")]


def test_lifespan() -> None:
    messages = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert run(rest.App(ROUTES), {"type": "lifespan"}, *messages) == [
        {"type": "lifespan.startup.complete"},
        {"type": "lifespan.shutdown.complete"},
    ]


def test_what_keeps_a_service_from_starting_is_told_to_the_server() -> None:
    governor = Governor(GovernedConf(name="x", rules=[RuleConf(match=["GET /nowhere"])]))
    assert run(rest.App(ROUTES, governor=governor), {"type": "lifespan"}, {"type": "lifespan.startup"}) == [
        {
            "type": "lifespan.startup.failed",
            "message": "Rules[0].Match: `GET /nowhere` matches no method; did you mean `GET /hello`?",
        }
    ]


def test_a_stream_whose_client_is_gone_before_it_begins_counts_no_more() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    async def download(request: rest.Request) -> rest.Response:
        return rest.Stream(200, chunks=pieces())

    async def receive() -> dict[str, Any]:
        return chunk(b"")

    async def send(message: Any) -> None:
        raise OSError("the client has left")

    governor = Governor(GovernedConf(name="x"))
    app = rest.App([rest.Route("GET", "/", download)], governor=governor)
    with pytest.raises(OSError, match="has left"):
        asyncio.run(app(http("GET", "/"), receive, send))
    guard = app.find("GET", "/").target.guard
    assert guard is not None
    assert [limit.active for limit in guard.concurrency] == [0]


def test_other_protocols_are_not_served() -> None:
    with pytest.raises(NotImplementedError, match="websocket"):
        run(rest.App(ROUTES), {"type": "websocket"})
