"""Requests and responses as endpoints see them, free of any server or protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

Headers = Sequence[tuple[bytes, bytes]]
"""Header lines as in ASGI: names in lower case."""

Claims = Mapping[str, Any]
"""What a verified token says."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Request(msgspec.Struct, eq=False):
    """One HTTP request with its whole body."""

    method: str
    path: str
    """The path without the prefix that the application is mounted at, percent-decoded."""
    path_values: Mapping[str, str] = _NOTHING
    """What stands in the path for ``:name`` of the route."""
    query: bytes = b""
    """The query string as it came, without ``?``."""
    headers: Headers = ()
    body: bytes = b""
    client: str | None = None
    """The IP address that the request came from, as far as it is known."""
    claims: Claims = _NOTHING
    """What the token of the request says; empty where the contract asks for none."""

    def __repr__(self) -> str:
        """Without what may be secret."""
        return f"<Request {self.method} {self.path}>"

    def header(self, name: bytes) -> bytes | None:
        """The first header line of this name, which must be in lower case."""
        for each, value in self.headers:
            if each == name:
                return value
        return None

    def header_values(self, name: bytes) -> list[str]:
        """The non-empty header lines of this name, which must be in lower case."""
        return [value.decode("latin-1") for each, value in self.headers if each == name and value]

    def media_type(self) -> bytes:
        """The ``Content-Type`` without its parameters, in lower case; empty when there is none."""
        return (self.header(b"content-type") or b"").partition(b";")[0].strip().lower()


@dataclass(slots=True)
class Response:
    """One HTTP response. ``Content-Length`` is added when it is sent."""

    status: int = 200
    body: bytes = b""
    headers: Iterable[tuple[bytes, bytes]] = field(default=())


@dataclass(slots=True, kw_only=True)
class Stream(Response):
    """A response whose body comes in pieces; ``body`` stays empty.

    Whoever sends it closes it, also when the client left before the first piece.
    """

    chunks: AsyncIterator[bytes]
    length: int | None = None
    """Bytes that are to come, where that is known."""

    async def aclose(self) -> None:
        """Lets go of what the pieces come from."""
        if close := getattr(self.chunks, "aclose", None):
            await close()


Endpoint = Callable[[Request], Awaitable[Response]]
"""What answers the requests of one route."""

Middleware = Callable[[Request, Endpoint], Awaitable[Response]]
"""What stands in front of an endpoint: it answers itself or lets the endpoint proceed."""

JSON: Headers = ((b"content-type", b"application/json"),)
_encode = msgspec.json.Encoder().encode


def json_response(value: Any, status: int = 200) -> Response:
    """``value`` as JSON."""
    return Response(status, _encode(value), JSON)


def empty_response() -> Response:
    """What a handler without a response type answers with: 200 and no body, as in go-zero."""
    return Response()
