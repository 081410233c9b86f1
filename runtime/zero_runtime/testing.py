"""For tests of logic: what it stands on, real and small."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec

from zero_runtime import errors, model, rest, rpc
from zero_runtime.config import CacheConf, RedisConf, RpcClientConf, RpcServerConf
from zero_runtime.config.rpc import RpcClientMiddlewaresConf, RpcServerMiddlewaresConf
from zero_runtime.rest.writing import multipart

_IN_MEMORY = "sqlite://"

DEFAULTS = rest.Options()
"""No limits, and errors as problems."""


@asynccontextmanager
async def database(*schemas: model.Schema, cached: bool = False) -> AsyncIterator[model.Database]:
    """An empty database in memory with the tables of the schemas: for ``UserModel(database)``.

    ``cached``: rows of cached tables are cached, in memory too.
    """
    conf = CacheConf(store="memory" if cached else "none")
    async with (
        model.open_cache(conf, RedisConf(), source=_IN_MEMORY) as cache,
        model.open_database(_IN_MEMORY, cache=cache) as opened,
    ):
        await opened.create(*schemas)
        yield opened


@asynccontextmanager
async def channel(*services: rpc.Service) -> AsyncIterator[rpc.Channel]:
    """A channel to a server of the services on a free loopback port: for ``UserClient(channel)``.

    Nothing is announced, and no breaker opens: logic may be made to fail as often as a test likes.
    """
    serving = RpcServerConf(
        name="test",
        mode="test",
        listen_on="127.0.0.1:0",
        middlewares=RpcServerMiddlewaresConf(breaker=False),
    )
    server = rpc.Server(serving, services)
    try:
        calling = RpcClientConf(
            target=await server.start(), middlewares=RpcClientMiddlewaresConf(breaker=False)
        )
        async with rpc.connect(calling) as connected:
            yield connected
    finally:
        await server.stop(grace=0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request was answered with."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class HttpClient:
    """Sends requests to routes without a network: for ``routes(UserLogic(context), auth=context.auth)``.

    It is a `rest.Transport` too: ``UserApiClient(HttpClient(routes(...)))`` calls the logic by its contract.
    """

    def __init__(self, routes: Iterable[rest.Route], options: rest.Options = DEFAULTS) -> None:
        self._app = rest.App(routes, options)

    async def request(
        self,
        method: str,
        target: str,
        *,
        json: Any = msgspec.UNSET,
        form: Mapping[str, str | rest.Upload] | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """The answer to one request. ``target`` is a path with or without a query string.

        ``json`` is what the body says, as a struct or as plain values, ``form`` what a multipart form says;
        ``token`` is sent as bearer.
        """
        request = _request(method, target, json, form, token, headers, body)
        response = await self.send(request)
        return Answer(response.status, _text(response.headers), response.body)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        target: str,
        *,
        json: Any = msgspec.UNSET,
        form: Mapping[str, str | rest.Upload] | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> AsyncIterator[rest.Stream]:
        """The answer to one request as it comes; the client leaves at the end of the block."""
        response = await self.send(_request(method, target, json, form, token, headers, body), streamed=True)
        assert isinstance(response, rest.Stream)
        try:
            yield response
        finally:
            await response.aclose()

    async def send(self, request: rest.Request, *, streamed: bool = False) -> rest.Response:
        """See `rest.Transport.send`."""
        exchange = _Exchange(self._app, request)
        try:
            response = await exchange.head()
            if streamed:
                return response
            body = b"".join([chunk async for chunk in response.chunks])
        except BaseException:
            await exchange.aclose()
            raise
        await exchange.aclose()
        return rest.Response(response.status, body, response.headers)


def _request(
    method: str,
    target: str,
    json: Any,
    form: Mapping[str, str | rest.Upload] | None,
    token: str | None,
    headers: Mapping[str, str] | None,
    body: bytes,
) -> rest.Request:
    lines = {name.lower().encode(): value.encode("latin-1") for name, value in (headers or {}).items()}
    if token is not None:
        lines[b"authorization"] = f"Bearer {token}".encode()
    if json is not msgspec.UNSET:
        lines.setdefault(b"content-type", b"application/json")
        body = msgspec.json.encode(json)
    if form is not None:
        lines[b"content-type"], body = multipart(form.items())
    path, _, query = target.partition("?")
    return rest.Request(method, path, query=query.encode(), headers=[*lines.items()], body=body)


def _text(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode("latin-1") for name, value in headers}


class _Exchange:
    """One request to an ASGI application; as chunks, the body of its response."""

    def __init__(self, app: rest.App, request: rest.Request) -> None:
        self._body: bytes | None = request.body
        self._left = asyncio.Event()
        self._sent: asyncio.Queue[Any] = asyncio.Queue()
        scope = {
            "type": "http",
            "method": request.method,
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "query_string": request.query,
            "headers": request.headers,
            "client": ("127.0.0.1", 0),
        }
        self._serving = asyncio.ensure_future(app(scope, self._receive, self._sent.put))
        self._serving.add_done_callback(lambda _: self._sent.put_nowait(None))

    async def head(self) -> rest.Stream:
        """The response, of which the body is still to come."""
        start = await self._message()
        return rest.Stream(status=start["status"], headers=start["headers"], chunks=self)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._left.is_set():
            raise StopAsyncIteration
        message = await self._message()
        if not message.get("more_body"):
            self._left.set()
        body: bytes = message.get("body", b"")
        return body

    async def aclose(self) -> None:
        """Leaves; the application is given the time to notice."""
        self._left.set()
        await asyncio.wait([self._serving])

    async def _message(self) -> Any:
        message = await self._sent.get()
        if message is None:
            raise errors.Unavailable("the response broke off") from self._serving.exception()
        return message

    async def _receive(self) -> dict[str, Any]:
        if self._body is None:
            await self._left.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body}
