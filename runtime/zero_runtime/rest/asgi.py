"""ASGI: the door for every server that is not known better, and for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from zero_runtime.rest.message import Request, Response, Stream
from zero_runtime.rest.pipeline import ClientGone

if TYPE_CHECKING:
    from zero_runtime.rest.app import App

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODILESS = (204, 304)
"""Statuses whose responses have no body, not even an empty one (RFC 9110 §8.6)."""


class StreamBroken(Exception):
    """A response broke off midway, which the log has told; the server has to cut the connection."""


async def serve(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Serves what ``scope`` is about."""
    if scope["type"] == "http":
        await _http(app, scope, receive, send)
    elif scope["type"] == "lifespan":
        await _lifespan(app, receive, send)
    else:
        raise NotImplementedError(f"{scope['type']} is not served here")


async def _http(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    method, path = scope["method"], _path(scope)
    handler, path_values = app.find(method, path)
    client = scope.get("client")
    request = Request(
        method,
        path,
        path_values=path_values,
        query=scope["query_string"],
        headers=scope["headers"],
        client=client[0] if client else None,
    )
    try:
        response = await handler(request, _Body(receive))
    except ClientGone:
        return
    if isinstance(response, Stream):
        await _stream(app, request, response, receive, send)
    else:
        await _whole(request, response, send)


async def _whole(request: Request, response: Response, send: Send) -> None:
    headers = [*response.headers]
    if response.status not in BODILESS:
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if request.method == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})


async def _stream(app: App, request: Request, response: Stream, receive: Receive, send: Send) -> None:
    async def write(piece: bytes) -> None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    headers = [*response.headers]
    if response.length is not None:
        headers.append((b"content-length", b"%d" % response.length))
    try:
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
    except BaseException:  # servers may raise when the client has left
        await response.aclose()
        raise
    if request.method == "HEAD" or response.status in BODILESS:
        await response.aclose()
    elif not await app.streams.send(request, response, write, gone):
        raise StreamBroken(f"{request.method} {request.path}")
    await send({"type": "http.response.body", "body": b""})


class _Body:
    """The pieces of a request's body."""

    __slots__ = ("_complete", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._complete:
            raise StopAsyncIteration
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._complete = not message.get("more_body")
        body: bytes = message.get("body", b"")
        return body


def _path(scope: Scope) -> str:
    """The path below the prefix that the application is mounted at."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        return path[len(prefix) :]
    return path


async def _lifespan(app: App, receive: Receive, send: Send) -> None:
    await receive()
    try:
        await app.start()
    except Exception as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await app.stop()
    await send({"type": "lifespan.shutdown.complete"})
