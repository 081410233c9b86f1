"""One request from its route to its response: everything of HTTP that is not the server's.

What is around an endpoint, the outermost first: CORS and compression, observation (trace, log, metrics), the
limit of concurrent requests, the breaker, shedding, the time limit, limits per time, the limit of the body,
its decompression, the token, the signature, middlewares. It is put together once per route, so that a request
pays for what its route has.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from zero_runtime.deadline import Deadlines, cancelled_from_outside, served_until
from zero_runtime.errors import Unknown, ZeroError
from zero_runtime.resilience import Entry, Guard, Rejected
from zero_runtime.rest.compression import gunzip
from zero_runtime.rest.headers import with_headers
from zero_runtime.rest.message import Endpoint, Headers, Middleware, Request, Response, Stream
from zero_runtime.rest.problems import Render, as_problem
from zero_runtime.rest.refusal import Refusal
from zero_runtime.rest.routing import Group, Route

Chunks = AsyncIterable[bytes]
"""The body of a request as it arrives. Iterating it raises `ClientGone` when the client leaves."""

Finish = Callable[[Request, Response], Response]
"""What is done to every response at last."""

CLOSE = ((b"connection", b"close"),)
CLIENT_GONE = 499
"""nginx's number, for logs and metrics only: the client left before it was answered."""

_UNTOLD = (429, CLIENT_GONE)
"""Statuses that tell nothing of the method: it was not called, or not to its end."""

_log = logging.getLogger("zero.rest")


class ClientGone(Exception):
    """The client closed its connection before its request was complete."""


class Observed(Protocol):
    """A request that is being observed."""

    @property
    def traceparent(self) -> bytes:
        """Value of the header of that name for the response; empty for none."""

    def end(self, status: int) -> None:
        """The response is finished. Called once."""


class Observer(Protocol):
    """What observes the requests of one route."""

    def begin(self, request: Request) -> Observed:
        """A request has come; its body may still be on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a server does for all routes; 0 is no limit."""

    timeout: float = 0
    """How long a request may take in seconds, unless its group says."""

    max_bytes: int = 0
    """How large its body may be, unless its group says."""

    gunzip: bool = True
    """Whether compressed bodies are unpacked."""

    render: Render = as_problem
    """Makes responses of errors."""

    finish: tuple[Finish, ...] = ()


class Pipeline:
    """Makes handlers that share limits."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._limits: dict[float, Deadlines[asyncio.Task[Any]]] = {}

    def handler(
        self,
        route: Route,
        observer: Observer | None = None,
        guard: Guard | None = None,
        *,
        body: bool = True,
    ) -> Handler:
        """What answers the requests of ``route``, whose bodies are read unless told otherwise."""
        return Handler(self, route, observer, guard, body)

    def limit(self, group: Group, guard: Guard | None) -> Deadlines[asyncio.Task[Any]] | None:
        """The time limit of a route, as the rules of its guard say, or else its group; those with the same
        share it."""
        seconds = self.options.timeout if group.timeout is None else group.timeout
        if guard is not None and guard.timeout is not None:
            seconds = guard.timeout
        if not seconds:
            return None
        if seconds not in self._limits:
            self._limits[seconds] = Deadlines(seconds, asyncio.Task.cancel)
        return self._limits[seconds]


class Handler:
    """Answers the requests of one route."""

    __slots__ = (
        "_endpoint",
        "_finish",
        "_gunzip",
        "_limit",
        "_observer",
        "_rated",
        "_reads_body",
        "_render",
        "_verify",
        "guard",
        "max_bytes",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        route: Route,
        observer: Observer | None,
        guard: Guard | None,
        body: bool,
    ) -> None:
        options, group = pipeline.options, route.group
        self._observer = observer
        self.guard = guard
        """Decides which requests are let in; None lets all in."""
        self._rated = guard if guard is not None and guard.limits else None
        self._limit = pipeline.limit(group, guard)
        self.max_bytes = options.max_bytes if group.max_bytes is None else group.max_bytes
        self._reads_body = body
        self._gunzip = options.gunzip
        self._verify = group.jwt
        self._render = options.render
        self._finish = options.finish
        self._endpoint = route.endpoint
        for middleware in reversed((*([group.signature] if group.signature else []), *group.middlewares)):
            self._endpoint = _around(middleware, self._endpoint)

    async def __call__(
        self,
        request: Request,
        chunks: Chunks | None = None,
        task: asyncio.Task[Any] | None = None,
        entry: Entry | None = None,
    ) -> Response:
        """The response. The body is in ``request`` already, or comes in ``chunks``.

        ``task`` is the present one, for those who know it: Python 3.11 takes its time to find out. ``entry``
        is what `guard` gave to those who asked it when the request came. Raises nothing but `ClientGone`, and
        what ends the process.
        """
        late = False
        if entry is not None:
            late = self._limit is not None and entry.waited() > self._limit.seconds
        elif self.guard is not None:
            try:
                entry = self.guard.enter()
            except Rejected as rejection:
                return self.refuse(request, rejection)
        observed = None if self._observer is None else self._observer.begin(request)
        status = CLIENT_GONE
        streams = False
        try:
            # One that waited so long for the loop is not served: it would make those behind it late too.
            response = self._render(_too_long()) if late else await self._answer(request, chunks, task)
            response = self._finished(request, response, observed)
            status = response.status
            if isinstance(response, Stream):
                served_until.set(None)  # a limit is for what comes before the first piece
                if entry is not None:
                    entry.settle(status < 500)
                chunks = _Counted(response, entry, observed)
                response = Stream(status, headers=response.headers, chunks=chunks, length=response.length)
                streams = True
            return response
        finally:
            if not streams:
                if entry is not None:
                    entry.leave(None if status in _UNTOLD else status < 500)
                if observed is not None:
                    observed.end(status)

    def refuse(self, request: Request, rejection: Rejected) -> Response:
        """The response to a request that was not let in. It needs no task, but a context of its own."""
        observed = None if self._observer is None else self._observer.begin(request)
        response = self._finished(request, self._render(_refusal(rejection)), observed)
        if observed is not None:
            observed.end(response.status)
        return response

    def _finished(self, request: Request, response: Response, observed: Observed | None) -> Response:
        for finish in self._finish:
            response = finish(request, response)
        if observed is not None and observed.traceparent:
            response = with_headers(response, (b"traceparent", observed.traceparent))
        return response

    async def _answer(
        self, request: Request, chunks: Chunks | None, task: asyncio.Task[Any] | None
    ) -> Response:
        limit = self._limit
        if limit is None:
            served_until.set(None)
        else:
            task = task or asyncio.current_task()
            assert task is not None, "requests are served in tasks"
            served_until.set(limit.add(task, task.get_loop()))
        arrived = chunks is None
        late = False
        try:
            if self._rated is not None:
                await self._rated.limit(request.client or "")
            if self._reads_body:
                if chunks is not None:
                    request.body = await self._body(request.headers, chunks)
                    arrived = True
                if request.body and self._gunzip:
                    request.body = gunzip(request, self.max_bytes)
            if self._verify is not None:
                request.claims = self._verify(request)
            response = await self._endpoint(request)
        except ClientGone:
            raise
        except (Exception, asyncio.CancelledError) as error:
            failure: BaseException | None = error
        else:
            failure = None
        finally:
            if limit is not None and task is not None and not limit.discard(task):
                late = True
                task.uncancel()
        return response if failure is None else self._failure(request, failure, late=late, arrived=arrived)

    async def _body(self, headers: Headers, chunks: Chunks) -> bytes:
        limit = self.max_bytes
        if limit:
            for name, value in headers:
                if name == b"content-length" and int(value) > limit:
                    raise too_large(limit)
        pieces: list[bytes] = []
        size = 0
        async for piece in chunks:
            size += len(piece)
            if 0 < limit < size:
                raise too_large(limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _failure(self, request: Request, error: BaseException, *, late: bool, arrived: bool) -> Response:
        """What is answered instead of what the endpoint would have said."""
        method, path = request.method, request.path
        cancelled = isinstance(error, asyncio.CancelledError)
        if late and cancelled:
            if not arrived:
                return self._render(Refusal(408, "the request took too long to arrive", headers=CLOSE))
            assert self._limit is not None
            _log.error("%s %s took longer than %g s", method, path, self._limit.seconds)
            return self._render(_too_long())
        if cancelled and cancelled_from_outside():
            _log.error("%s %s was given up: the service stops", method, path)
            return self._render(Refusal(503, "the service stops", headers=CLOSE))
        if isinstance(error, Rejected):
            return self._render(_refusal(error))
        if not isinstance(error, ZeroError):
            _log.error("%s %s failed", method, path, exc_info=error)
            return self._render(Unknown())
        if error.status >= 500 and not isinstance(error, Refusal):
            _log.error("%s %s failed: %s", method, path, error, exc_info=error.status == 500)
        return self._render(error)


def too_large(limit: int) -> Refusal:
    """Why a body of more than ``limit`` bytes is not taken."""
    return Refusal(413, f"the request body may have at most {limit} bytes", headers=CLOSE)


def _too_long() -> Refusal:
    return Refusal(503, "the request took too long", text="Request Timeout")


def _refusal(rejection: Rejected) -> Refusal:
    status = 429 if rejection.reason == "rate" else 503
    seconds = math.ceil(rejection.retry_after)
    headers = ((b"retry-after", b"%d" % seconds),) if seconds else ()
    return Refusal(status, rejection.message, headers=headers)


def _around(middleware: Middleware, endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        return await middleware(request, endpoint)

    return answer


class _Counted:
    """The pieces of a response, which counts as being served until they are closed."""

    __slots__ = ("_close", "_entry", "_next", "_observed", "_status")

    def __init__(self, response: Stream, entry: Entry | None, observed: Observed | None) -> None:
        chunks = response.chunks
        self._next = chunks.__anext__
        self._close = getattr(chunks, "aclose", None)
        self._status = response.status
        self._entry = entry
        self._observed = observed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await self._next()

    async def aclose(self) -> None:
        try:
            if self._close is not None:
                await self._close()
        finally:
            if self._entry is not None:
                self._entry.leave(True)
            if self._observed is not None:
                self._observed.end(self._status)
