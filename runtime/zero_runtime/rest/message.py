"""Requests and responses as endpoints see them: whole, and free of any server or protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

Headers = Sequence[tuple[bytes, bytes]]
"""Header lines as in ASGI: names in lower case."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Request:
    """One HTTP request with its whole body."""

    __slots__ = ("body", "headers", "method", "path", "path_values", "query")

    def __init__(
        self,
        method: str,
        path: str,
        *,
        path_values: Mapping[str, str] = _NOTHING,
        query: bytes = b"",
        headers: Headers = (),
        body: bytes = b"",
    ) -> None:
        self.method = method
        self.path = path
        """The path without the prefix that the application is mounted at, percent-decoded."""
        self.path_values = path_values
        """What stands in the path for ``:name`` of the route."""
        self.query = query
        """The query string as it came, without ``?``."""
        self.headers = headers
        self.body = body

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


Endpoint = Callable[[Request], Awaitable[Response]]
"""What answers the requests of one route."""

_JSON = ((b"content-type", b"application/json"),)
_encode = msgspec.json.Encoder().encode


def json_response(value: Any, status: int = 200) -> Response:
    """``value`` as JSON."""
    return Response(status, _encode(value), _JSON)


def empty_response() -> Response:
    """What a handler without a response type answers with: 200 and no body, as in go-zero."""
    return Response()
