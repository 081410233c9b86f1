"""Files as responses: whole, in part, and not at all when the client has them (RFC 9110)."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from zero_runtime.rest.message import Request, Response, Stream
from zero_runtime.rest.refusal import Refusal
from zero_runtime.rest.routing import Route

_CHUNK = 256 << 10
"""Bytes that are read at once; what has no more is sent in one piece."""

_INDEX = "index.html"

_RANGE = re.compile(rb"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)
_ETAG = re.compile(rb'(?:W/)?("[^"]*")')

_TYPES = {
    ".avif": "image/avif",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""What the standard library does not know in all its versions."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to answer with: its path, or its content in memory.

    With a ``name`` the client is to store it under that name, else to show it. ``media_type`` stands above
    what the contract says and what the name tells. ``cache_control`` says how long it may be kept.
    """

    source: str | os.PathLike[str] | bytes
    name: str = ""
    media_type: str = ""
    cache_control: str = ""


async def file_response(request: Request, file: File, media_type: str = "") -> Response:
    """``file`` as the answer to a request, as far as that asks for it: by ``Range`` or ``If-None-Match``.

    ``media_type`` counts where the file says none. Raises OSError when it cannot be read.
    """
    return await asyncio.to_thread(_respond, request, file, media_type)


def static(prefix: str, folder: str | os.PathLike[str], *, cache_control: str = "") -> Route:
    """A route that serves the files below ``folder``: with ``static("/assets", …)`` as ``/assets/app.js``.

    A folder stands for its ``index.html``. Hidden files are not served, nor is anything outside of ``folder``
    that a symbolic link leads to.
    """
    root = Path(folder).resolve()

    def respond(request: Request) -> Response:
        found = _find(root, request.path_values["file"])
        if found is None:
            raise Refusal(404, "there is nothing at this path", text="404 page not found")
        if found.is_file():
            return _respond(request, File(found, cache_control=cache_control))
        if request.path.endswith("/"):
            return _respond(request, File(found / _INDEX, cache_control=cache_control))
        below = quote(request.path.rpartition("/")[2]) + "/"  # where the relative links of its index lead
        return Response(301, headers=((b"location", below.encode()),))

    async def endpoint(request: Request) -> Response:
        return await asyncio.to_thread(respond, request)

    return Route("GET", f"{prefix.rstrip('/')}/*file", endpoint)


def _find(root: Path, name: str) -> Path | None:
    """The file of this name below ``root``, or the folder that has an index."""
    parts = [part for part in name.split("/") if part]
    if any(part.startswith(".") and part != ".well-known" for part in parts) or "\0" in name:
        return None
    found = root.joinpath(*parts)
    try:
        target = (found / _INDEX if found.is_dir() else found).resolve()
        return found if target.is_relative_to(root) and target.is_file() else None
    except (OSError, RuntimeError):  # a name that is too long, links in a circle
        return None


class _Facts(NamedTuple):
    """What there is to know of a file before it is sent."""

    size: int
    etag: bytes
    modified: float | None
    """Seconds since the epoch."""


class _Part(NamedTuple):
    """What is sent of a file."""

    status: int
    start: int
    length: int
    headers: tuple[tuple[bytes, bytes], ...] = ()


def _respond(request: Request, file: File, media_type: str = "") -> Response:
    if isinstance(file.source, bytes):
        content = file.source
        facts = _Facts(len(content), b'"%s"' % hashlib.sha256(content).hexdigest()[:32].encode(), None)
        part = _part(request, facts)
        body = content[part.start : part.start + part.length]
        return Response(part.status, body, _headers(file, media_type, facts, part))
    handle = open(file.source, "rb")  # noqa: SIM115 - the response closes it
    try:
        about = os.fstat(handle.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(f"{os.fspath(file.source)} is not a file")
        etag = b'"%x-%x"' % (about.st_mtime_ns, about.st_size)
        facts = _Facts(about.st_size, etag, about.st_mtime)
        part = _part(request, facts)
        headers = _headers(file, media_type, facts, part)
        handle.seek(part.start)
        if part.length > _CHUNK:
            chunks = _Pieces(handle, part.length)
            return Stream(part.status, headers=headers, chunks=chunks, length=part.length)
        body = handle.read(part.length)
    except BaseException:
        handle.close()
        raise
    handle.close()
    return Response(part.status, body, headers)


class _Pieces:
    """The bytes of a file from where it stands; it is closed by `aclose`."""

    def __init__(self, handle: BinaryIO, length: int) -> None:
        self._handle = handle
        self._left = length

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        chunk = await asyncio.to_thread(self._handle.read, min(self._left, _CHUNK))
        if not chunk:
            raise OSError("the file became shorter while it was sent")
        self._left -= len(chunk)
        return chunk

    async def aclose(self) -> None:
        self._handle.close()


def _part(request: Request, facts: _Facts) -> _Part:
    """What a request wants of a file."""
    if request.method in ("GET", "HEAD") and _is_known(request, facts):
        return _Part(304, 0, 0)
    whole = _Part(200, 0, facts.size)
    wanted = _RANGE.fullmatch(request.header(b"range") or b"")
    if request.method != "GET" or not wanted or not (wanted[1] or wanted[2]) or not _if_range(request, facts):
        return whole
    size = facts.size
    if wanted[1]:
        start, end = int(wanted[1]), min(int(wanted[2] or size), size - 1)
        if wanted[2] and int(wanted[2]) < start:
            return whole
    else:
        start, end = max(size - int(wanted[2]), 0), size - 1
    if start > end:
        return _Part(416, 0, 0, ((b"content-range", b"bytes */%d" % size),))
    return _Part(206, start, end - start + 1, ((b"content-range", b"bytes %d-%d/%d" % (start, end, size)),))


def _is_known(request: Request, facts: _Facts) -> bool:
    """Whether the client has the file as it is."""
    tags = request.header(b"if-none-match")
    if tags is not None:
        return tags.strip() == b"*" or facts.etag in _ETAG.findall(tags)
    since = _time(request.header(b"if-modified-since"))
    return since is not None and facts.modified is not None and int(facts.modified) <= since


def _if_range(request: Request, facts: _Facts) -> bool:
    """Whether the file is still the one of which the client has a part."""
    condition = request.header(b"if-range")
    if condition is None or condition == facts.etag:
        return True
    return facts.modified is not None and _time(condition) == int(facts.modified)


def _time(date: bytes | None) -> float | None:
    try:
        parsed = parsedate_to_datetime((date or b"").decode("latin-1"))
    except (ValueError, OverflowError):  # a year or a zone of many digits
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _headers(file: File, media_type: str, facts: _Facts, part: _Part) -> list[tuple[bytes, bytes]]:
    headers = [(b"etag", facts.etag)]
    if facts.modified is not None:
        headers.append((b"last-modified", formatdate(facts.modified, usegmt=True).encode()))
    if file.cache_control:
        headers.append((b"cache-control", file.cache_control.encode()))
    if part.status == 304:
        return headers
    headers += [(b"accept-ranges", b"bytes"), *part.headers]
    if part.status != 416:
        path = "" if isinstance(file.source, bytes) else os.fspath(file.source)
        kind = file.media_type or media_type or _media_type(file.name or path)
        headers += [(b"content-type", with_charset(kind)), (b"x-content-type-options", b"nosniff")]
        if file.name:
            headers.append((b"content-disposition", _attachment(file.name)))
    return headers


def _media_type(name: str) -> str:
    known = _TYPES.get(os.path.splitext(name)[1].lower())
    kind, encoding = mimetypes.guess_type(name)
    if encoding:
        return f"application/{encoding}"
    return known or kind or "application/octet-stream"


def with_charset(media_type: str) -> bytes:
    """A media type as a header says it: texts are UTF-8."""
    text = media_type.startswith("text/") and "charset" not in media_type
    return f"{media_type}; charset=utf-8".encode() if text else media_type.encode()


def _attachment(name: str) -> bytes:
    """RFC 6266: the name in ASCII for old clients, in full for all others."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    full = f"; filename*=UTF-8''{quote(name, safe='', errors='replace')}" if plain != name else ""
    return f'attachment; filename="{plain}"{full}'.encode()
