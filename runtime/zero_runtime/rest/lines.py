"""The heads of responses as they are sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus

from uvicorn.server import ServerState

from zero_runtime.rest.headers import Extended, Header

_REMEMBERED = 1024
"""Headers of responses whose lines are remembered: most responses have the same few."""

_FORBIDDEN_IN_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_FORBIDDEN_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""RFC 9110 §5.1 and §5.5: a line break would begin a header of the attacker's."""


class Lines:
    """Makes the heads of the responses of one server, and remembers them for as long as their date holds."""

    def __init__(self) -> None:
        self._defaults: list[Header] | None = None
        self._known: dict[tuple[int, tuple[Header, ...]], tuple[bytes, bool]] = {}

    def head(self, status: int, headers: Iterable[Header], state: ServerState) -> tuple[bytes, bool]:
        """The status line, what uvicorn adds to every response (the date) and ``headers``; and whether they
        close the connection.

        Raises ValueError for what is no header.
        """
        more = b""
        if not isinstance(headers, tuple):
            while isinstance(headers, Extended):
                more = b"".join([b"%b: %b\r\n" % header for header in headers.more]) + more
                headers = headers.base
            headers = tuple(headers)
        if state.default_headers is not self._defaults or len(self._known) >= _REMEMBERED:
            self._defaults = state.default_headers
            self._known.clear()
        key = status, headers
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _head(status, state.default_headers, headers)
        return (known[0] + more, known[1]) if more else known


def _head(status: int, defaults: Iterable[Header], headers: Iterable[Header]) -> tuple[bytes, bool]:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode()), *(b"%b: %b\r\n" % line for line in defaults)]
    closes = False
    for name, value in headers:
        if not name or _FORBIDDEN_IN_NAME.search(name) or _FORBIDDEN_IN_VALUE.search(value):
            raise ValueError(f"{name!r}: {value!r} is no header")
        closes = closes or (name.lower() == b"connection" and b"close" in value.lower())
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines), closes
