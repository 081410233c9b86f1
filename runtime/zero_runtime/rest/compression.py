"""gzip, both ways."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterable

from zero_runtime.config import GzipConf
from zero_runtime.rest.headers import with_headers
from zero_runtime.rest.message import Request, Response, Stream
from zero_runtime.rest.refusal import Refusal

_GZIP = 31  # zlib's wbits: the largest window, with gzip's header and checksum
_COMPRESSIBLE = re.compile(
    rb"text/(?!event-stream)|application/(json|javascript|xml|wasm|x-ndjson)|[^;]*\+(json|xml)|image/svg"
)
_VARY = (b"vary", b"Accept-Encoding")

_MEMBERS = 64
"""Members that a body may be made of: each costs as much as to copy what follows it."""


def gunzip(request: Request, limit: int) -> bytes:
    """The body of a request, unpacked if its ``Content-Encoding`` says gzip.

    Raises `Refusal`: 413 for more than ``limit`` bytes (0 is no limit), 400 for what is no gzip, 415 for
    other encodings.
    """
    encoding = b""
    for name, value in request.headers:
        if name == b"content-encoding":
            encoding = value.strip().lower()
    if encoding in (b"", b"identity"):
        return request.body
    if encoding not in (b"gzip", b"x-gzip"):
        accepted = ((b"accept-encoding", b"gzip"),)
        raise Refusal(415, "the request body may be compressed with gzip only", headers=accepted)
    pieces: list[bytes] = []
    size, rest = 0, request.body
    while rest:
        if len(pieces) == _MEMBERS:
            raise Refusal(400, f"the request body may have at most {_MEMBERS} gzip members")
        member = zlib.decompressobj(_GZIP)
        try:
            piece = member.decompress(rest, limit + 1 - size if limit else 0)
        except zlib.error as error:
            raise Refusal(400, "the request body is no gzip") from error
        size += len(piece)
        if 0 < limit < size:
            raise Refusal(413, f"the request body may have at most {limit} bytes unpacked")
        if not member.eof:
            raise Refusal(400, "the request body is no gzip: it breaks off")
        pieces.append(piece)
        rest = member.unused_data.lstrip(b"\0")  # tar pads with zeros
    return b"".join(pieces)


class Gzip:
    """Compresses responses for the clients that accept it."""

    def __init__(self, conf: GzipConf) -> None:
        self._level = conf.level
        self._least = conf.min_bytes

    def __call__(self, request: Request, response: Response) -> Response:
        """The response, compressed if that is worth it. What does not fit into memory is left as it comes:
        the pieces of a stream are compressed one by one, those of events never."""
        streams = isinstance(response, Stream)
        if not streams and len(response.body) < self._least or response.status in (204, 206, 304):
            return response
        headers = dict(response.headers)
        if b"content-encoding" in headers or b"content-range" in headers:
            return response
        if not _COMPRESSIBLE.match(headers.get(b"content-type", b"").lower()):
            return response
        if not accepts_gzip(request.header_values(b"accept-encoding")):
            return with_headers(response, _VARY)
        lines = [(name, _weak(value) if name == b"etag" else value) for name, value in response.headers]
        lines += ((b"content-encoding", b"gzip"), _VARY)
        if isinstance(response, Stream):
            return Stream(response.status, headers=lines, chunks=_Compressed(response, self._level))
        return Response(response.status, zlib.compress(response.body, self._level, _GZIP), lines)


def accepts_gzip(values: Iterable[str]) -> bool:
    """Whether the ``Accept-Encoding`` of a request has gzip with a weight above 0 (RFC 9110 §12.5.3)."""
    weights = {}
    for item in ",".join(values).lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        weights[coding] = next((p[2:].strip() for p in parameters if p.startswith("q=")), "1")
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", "0")))
    return bool(re.fullmatch(r"1(\.0{0,3})?|0\.[0-9]{1,3}", weight)) and float(weight) > 0


def _weak(etag: bytes) -> bytes:
    """The bytes are not those that the tag stands for, only what they mean."""
    return etag if etag.startswith(b"W/") else b"W/" + etag


class _Compressed:
    """The pieces of a response, each compressed as far as it can be understood without the next."""

    def __init__(self, response: Stream, level: int) -> None:
        self._response = response
        self._chunks = aiter(response.chunks)
        self._compressor = zlib.compressobj(level, wbits=_GZIP)
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        async for piece in self._chunks:
            return self._compressor.compress(piece) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        self._ended = True
        return self._compressor.flush()

    async def aclose(self) -> None:
        await self._response.aclose()
