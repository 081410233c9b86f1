"""Calls of HTTP services by their contracts: the same types on both sides, whatever carries them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, overload

import msgspec

from zero_runtime.errors import Internal, InvalidArgument, Unknown, ZeroError, error_of
from zero_runtime.rest.binding import Binder, Body
from zero_runtime.rest.message import Request, Response, Stream
from zero_runtime.rest.problems import MEDIA_TYPE, Problem
from zero_runtime.rest.sse import PROBLEM, read_events
from zero_runtime.rest.writing import RequestWriter

T = TypeVar("T")

_MESSAGE = 1000
"""Characters that are kept of an error which is told as plain text: a proxy may answer with a whole page."""


class Transport(Protocol):
    """What carries requests to a service and brings its responses."""

    async def send(self, request: Request, *, streamed: bool = False) -> Response:
        """The response, whatever its status; with ``streamed`` a `Stream`, as soon as its head has come, which
        the caller closes.

        ``request.path`` is percent-encoded here. Raises `errors.Unavailable` when the service cannot be
        reached and `errors.DeadlineExceeded` when it does not answer in time.
        """
        ...


class Call(Generic[T]):
    """One handler of a contract, as its clients see it.

    ``path`` is that of the contract, with ``:name`` for its parameters; ``request`` is what the service reads
    requests with, and ``response`` the type of the answer.
    """

    @overload
    def __init__(
        self: Call[None], method: str, path: str, *, request: Body[Any] | Binder[Any] | None = None
    ) -> None: ...
    @overload
    def __init__(
        self, method: str, path: str, *, request: Body[Any] | Binder[Any] | None = None, response: type[T]
    ) -> None: ...
    @overload
    def __init__(
        self: Call[Any],
        method: str,
        path: str,
        *,
        request: Body[Any] | Binder[Any] | None = None,
        response: Any,
    ) -> None: ...

    def __init__(
        self,
        method: str,
        path: str,
        *,
        request: Body[Any] | Binder[Any] | None = None,
        response: Any = None,
    ) -> None:
        self._method = method
        self._path = path
        self._request = request
        self._response = response

    async def __call__(self, transport: Transport, request: Any = None, *, token: str = "") -> T:
        """The answer to ``request``. Raises the `errors.ZeroError` that the service answers with."""
        response = await transport.send(self._write(request, token))
        self._check(response)
        return self._read(response.body)

    async def content(self, transport: Transport, request: Any = None, *, token: str = "") -> bytes:
        """The answer as it is. Raises as a call does."""
        response = await transport.send(self._write(request, token))
        self._check(response)
        return response.body

    async def events(
        self, transport: Transport, request: Any = None, *, token: str = ""
    ) -> AsyncGenerator[T, None]:
        """The events of the answer as they come. Raises as a call does, also between two events."""
        response = await transport.send(self._write(request, token), streamed=True)
        assert isinstance(response, Stream)
        try:
            if response.status != 200:
                response.body = b"".join([chunk async for chunk in response.chunks])
                self._check(response)
            async for event in read_events(response.chunks):
                if event.name == PROBLEM:
                    raise _error(_problem(event.data), 500, "")
                yield self._read(event.data)
        finally:
            await response.aclose()

    def _write(self, request: Any, token: str) -> Request:
        written = self._writer(request)
        if token:
            written.headers = (*written.headers, (b"authorization", f"Bearer {token}".encode("latin-1")))
        return written

    def _read(self, body: bytes) -> T:
        if self._reader is None:
            return None  # type: ignore[return-value]  # T is None then
        try:
            return self._reader.read(body)
        except InvalidArgument as error:
            raise Internal(
                f"{self._method} {self._path} answered what it should not: {error.message}"
            ) from error

    def _check(self, response: Response) -> None:
        """Raises the error that a response tells of."""
        status = response.status
        if 200 <= status < 300:
            return
        if status < 400:
            raise Unknown(f"{self._method} {self._path} was answered with status {status}")
        kind = next((value for name, value in response.headers if name == b"content-type"), b"")
        problem = _problem(response.body) if kind.partition(b";")[0].strip() == MEDIA_TYPE else None
        raise _error(problem, status, response.body.decode("utf-8", "replace").strip()[:_MESSAGE])

    # Both are made at the first call: a service that serves the contract need not have them.
    @cached_property
    def _writer(self) -> RequestWriter:
        return RequestWriter(self._method, self._path, self._request)

    @cached_property
    def _reader(self) -> Body[T] | None:
        return None if self._response is None else Body(self._response)


def _problem(body: bytes) -> Problem | None:
    try:
        return msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _error(problem: Problem | None, status: int, text: str) -> ZeroError:
    if problem is None:
        return error_of(status, text)
    if 400 <= problem.status < 600:
        status = problem.status
    return error_of(status, problem.detail or problem.title, fields=problem.errors or ())
