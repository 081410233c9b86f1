"""RSGI: the door for Granian, which has less to do for it than for ASGI."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator, Awaitable, Iterable
from typing import TYPE_CHECKING

from zero_runtime.rest.message import Headers, Request, Stream
from zero_runtime.rest.pipeline import ClientGone

if TYPE_CHECKING:
    from zero_runtime.rest.app import App

_Header = tuple[str, str]


class HeaderLines(typing.Protocol):
    """The headers of a request."""

    def items(self) -> list[_Header]: ...


class Scope(typing.Protocol):
    """What is known of a request before its body is."""

    proto: str
    http_version: str
    method: str
    path: str
    """Percent-decoded."""
    query_string: str
    client: str
    """``address:port``."""

    @property
    def headers(self) -> HeaderLines: ...


class Transport(typing.Protocol):
    """Takes the pieces of a response."""

    def send_bytes(self, data: bytes) -> Awaitable[None]: ...


class Protocol(typing.Protocol):
    """The connection of one request."""

    def __call__(self) -> Awaitable[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def client_disconnect(self) -> Awaitable[None]: ...

    def response_empty(self, status: int, headers: list[_Header]) -> None: ...

    def response_bytes(self, status: int, headers: list[_Header], body: bytes) -> None: ...

    def response_stream(self, status: int, headers: list[_Header]) -> Transport: ...


async def serve(app: App, scope: Scope, protocol: Protocol) -> None:
    """Serves one request."""
    if scope.proto != "http":
        raise NotImplementedError(f"{scope.proto} is not served here")
    method, path = scope.method, scope.path
    handler, path_values = app.find(method, path)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()]
    request = Request(
        method,
        path,
        path_values=path_values,
        query=scope.query_string.encode("latin-1"),
        headers=headers,
        client=scope.client.rpartition(":")[0].strip("[]"),
    )
    try:
        response = await handler(request, _body(scope, headers, protocol))
    except ClientGone:
        return
    lines = _lines(response.headers)
    if isinstance(response, Stream):
        await _stream(app, request, response, lines, protocol)
    elif method == "HEAD":
        lines.append(("content-length", str(len(response.body))))
        protocol.response_empty(response.status, lines)
    elif response.body:
        protocol.response_bytes(response.status, lines, response.body)
    else:
        protocol.response_empty(response.status, lines)


async def _stream(
    app: App, request: Request, response: Stream, lines: list[_Header], protocol: Protocol
) -> None:
    if response.length is not None:
        lines.append(("content-length", str(response.length)))
    if request.method == "HEAD":
        await response.aclose()
        protocol.response_empty(response.status, lines)
        return
    # Granian neither bounds what it has to send nor can be told to cut a connection: a response whose length
    # is not known ends as if it were whole when it breaks off.
    transport = protocol.response_stream(response.status, lines)
    await app.streams.send(request, response, transport.send_bytes, protocol.client_disconnect)


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> list[_Header]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _body(scope: Scope, headers: Headers, protocol: Protocol) -> AsyncIterator[bytes] | None:
    """The body of a request as it arrives; None when there is none."""
    http1 = scope.http_version.startswith("1")
    names = {name for name, _ in headers}
    if b"content-length" in names:
        return _Sized(protocol)
    return _Pieces(protocol, http1) if b"transfer-encoding" in names or not http1 else None


class _Sized:
    """A body whose length was told, and so is known to be within its limit. Granian reads it in one go."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol: Protocol | None = protocol

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        protocol, self._protocol = self._protocol, None
        if protocol is None:
            raise StopAsyncIteration
        try:
            return await protocol()
        except RuntimeError:  # Granian's way to say that the connection broke
            raise ClientGone from None


class _Pieces:
    """A body whose length is not known.

    Granian does not raise when the connection breaks. It ends a body with an empty piece, and a broken one of
    HTTP/1 with two.
    """

    def __init__(self, protocol: Protocol, http1: bool) -> None:
        self._pieces = aiter(protocol)
        self._http1 = http1
        self._empty = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await anext(self._pieces)
        if not piece and self._empty and self._http1:
            raise ClientGone
        self._empty = not piece
        return piece
