"""The routes of a service as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from zero_runtime.deadline import cancelled_from_outside, served_until
from zero_runtime.errors import ZeroError
from zero_runtime.rest.access import log_access
from zero_runtime.rest.message import Headers, Request, Response
from zero_runtime.rest.problems import Refusal, problem, problem_of
from zero_runtime.rest.routing import Route, Router

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_CLOSE = ((b"connection", b"close"),)
_CLIENT_GONE = 499  # nginx's number, in the access log only: the client left before it was answered

_log = logging.getLogger("zero.rest")


class _ClientGone(Exception):
    """The client closed its connection before its request was complete."""


class App:
    """Answers HTTP requests by routes. Any ASGI server runs it, mounted below a prefix or not.

    ``timeout`` is how long a request may take in seconds, ``max_bytes`` how large its body may be; 0 is no
    limit.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        timeout: float = 0,
        max_bytes: int = 0,
        access_log: bool = False,
    ) -> None:
        self._router = Router(routes)
        self._timeout = timeout or None
        self._max_bytes = max_bytes
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            raise NotImplementedError(f"{scope['type']} is not served here")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        status = _CLIENT_GONE
        try:
            response = await self._answer(scope, receive)
            status = response.status
            await _send(response, send, body=scope["method"] != "HEAD")
        except _ClientGone:
            pass
        finally:
            if self._access_log:
                log_access(scope, status, time.perf_counter() - start)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], _path(scope)
        match = self._router.match(method, path)
        if match is None:
            return self._unrouted(method, path)
        body: bytes | None = None
        try:
            async with asyncio.timeout(self._timeout) as limit:
                served_until.set(limit.when())
                body = await self._body(scope["headers"], receive)
                request = Request(
                    method,
                    path,
                    path_values=match.path_values,
                    query=scope["query_string"],
                    headers=scope["headers"],
                    body=body,
                )
                return await match.endpoint(request)
        except ZeroError as error:
            if error.code.http >= 500:
                _log.error("%s %s failed: %s", method, path, error, exc_info=error.code.http == 500)
            return problem_of(error)
        except Refusal as refusal:
            return refusal.response
        except _ClientGone:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, TimeoutError) and limit.expired():
                if body is None:
                    return problem(408, "the request took too long to arrive", headers=_CLOSE)
                _log.error("%s %s took longer than %g s", method, path, self._timeout)
                return problem(503, "the request took too long")
            if isinstance(error, asyncio.CancelledError) and cancelled_from_outside():
                _log.error("%s %s was given up: the service stops", method, path)
                return problem(503, "the service stops", headers=_CLOSE)
            _log.exception("%s %s failed", method, path)
            return problem(500)

    def _unrouted(self, method: str, path: str) -> Response:
        allowed = self._router.allowed(path)
        if not allowed:
            return problem(404, "there is nothing at this path")
        headers = ((b"allow", ", ".join(allowed).encode()),)
        if method == "OPTIONS":
            return Response(204, headers=headers)
        return problem(405, f"{method} is not allowed here", headers=headers)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        for name, value in headers:
            if name == b"content-length" and 0 < self._max_bytes < int(value):
                raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            chunk = message.get("body", b"")
            size += len(chunk)
            if 0 < self._max_bytes < size:
                raise self._too_large()
            if not message.get("more_body"):
                return b"".join((*chunks, chunk)) if chunks else chunk
            chunks.append(chunk)

    def _too_large(self) -> Refusal:
        return Refusal(413, f"the request body may have at most {self._max_bytes} bytes", headers=_CLOSE)


def _path(scope: Scope) -> str:
    """The path below the prefix that the application is mounted at."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        return path[len(prefix) :]
    return path


async def _send(response: Response, send: Send, *, body: bool) -> None:
    headers = [*response.headers]
    if response.status != 204:
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body if body else b""})


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing is to be done when a server starts and stops; those that ask are told so."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
