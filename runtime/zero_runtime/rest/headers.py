"""Headers of responses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from zero_runtime.rest.message import Response, Stream

Header = tuple[bytes, bytes]


class Extended(msgspec.Struct):
    """Headers that many responses have, with more that are for one of them: known to be good, and not to close
    the connection."""

    base: Iterable[Header]
    more: tuple[Header, ...]

    def __iter__(self) -> Iterator[Header]:
        yield from self.base
        yield from self.more


def with_headers(response: Response, *headers: Header) -> Response:
    """The response with more headers. The one that is given stays as it is: an endpoint may share it."""
    lines = Extended(response.headers, headers)
    if isinstance(response, Stream):
        return Stream(response.status, headers=lines, chunks=response.chunks, length=response.length)
    return Response(response.status, response.body, lines)
