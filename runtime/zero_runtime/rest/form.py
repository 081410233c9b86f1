"""The form values of a request, as Go's ``ParseForm`` and ``ParseMultipartForm`` see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus

import msgspec

from zero_runtime.explain import Wrong
from zero_runtime.rest.message import Request
from zero_runtime.rest.refusal import BadRequest, Refusal

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data"

_LIMIT = 2048
"""Values that a form may have, as in go-zero: each costs far more than its bytes."""

_MULTIPART_BYTES = 32 << 20
"""Bytes that a multipart form may have: what go-zero keeps of one in memory."""

_BOUNDARY = re.compile(rb';\s*boundary=(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:\s*form-data\s*(;.*)", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(rb';\s*(name|filename\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.IGNORECASE)


class Upload(msgspec.Struct, frozen=True):
    """A file in a multipart form."""

    filename: str
    """Its name as the client gives it, without any folder; it may be empty."""
    content_type: str
    """What the client says that it is; empty when it says nothing."""
    content: bytes


class Form(NamedTuple):
    """The form of a request by its names; ``name[]`` counts as ``name``."""

    values: dict[str, list[str]]
    """Those in the body before those in the query string; an empty value counts as none."""
    files: dict[str, list[Upload]]


def form_of(request: Request) -> Form:
    """Raises `errors.InvalidArgument` when there are too many values or a multipart body is broken, and
    `refusal.Refusal` when that is too large."""
    form = Form({}, {})
    if request.body:
        kind = request.media_type()
        if kind == URLENCODED:
            _add_urlencoded(form.values, request.body)
        elif kind == MULTIPART:
            _add_multipart(form, request)
    if request.query:
        _add_urlencoded(form.values, request.query)
    return form


def _add_urlencoded(values: dict[str, list[str]], text: bytes) -> None:
    if text.count(b"&") >= _LIMIT:
        raise _refused(f"holds more than {_LIMIT} values")
    encoded = b"%" in text or b"+" in text
    for pair in text.decode("utf-8", "replace").split("&"):
        name, _, value = pair.partition("=")
        if value:
            if encoded:
                name, value = unquote_plus(name), unquote_plus(value)
            values.setdefault(name.removesuffix("[]"), []).append(value)


def _add_multipart(form: Form, request: Request) -> None:
    if len(request.body) > _MULTIPART_BYTES:
        raise Refusal(413, f"a multipart form may have at most {_MULTIPART_BYTES} bytes")
    for name, value in _multipart(request.header(b"content-type") or b"", request.body):
        if isinstance(value, Upload):
            form.files.setdefault(name.removesuffix("[]"), []).append(value)
        elif value:
            form.values.setdefault(name.removesuffix("[]"), []).append(value)


def _multipart(content_type: bytes, body: bytes) -> Iterator[tuple[str, str | Upload]]:
    """The parts (RFC 7578)."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise _refused("has no boundary in its Content-Type")
    delimiter = b"\r\n--" + (boundary[1] or boundary[2])
    _, *parts = (b"\r\n" + body).split(delimiter, _LIMIT + 1)
    for part in parts:
        if part.startswith(b"--"):
            return
        head, blank, content = part.partition(b"\r\n\r\n")
        disposition = _DISPOSITION.search(head)
        if not blank or not disposition:
            continue
        names = {
            match[1].lower(): _text(match[3] if match[2] is None else match[2])
            for match in _PARAMETER.finditer(disposition[1])
        }
        if b"name" not in names:
            continue
        if b"filename" in names or b"filename*" in names:
            kind = _TYPE.search(head)
            filename = re.split(r"[/\\]", names.get(b"filename", ""))[-1]
            if filename in (".", ".."):  # it would be a folder
                filename = ""
            yield names[b"name"], Upload(filename, _text(kind[1]).strip() if kind else "", content)
        else:
            yield names[b"name"], content.decode("utf-8", "replace")
    raise _refused(f"holds more than {_LIMIT} values" if len(parts) > _LIMIT else "ends early")


def _text(quoted: bytes) -> str:
    return re.sub(rb'\\(["\\])', rb"\1", quoted).decode("utf-8", "replace")


def _refused(why: str) -> BadRequest:
    return BadRequest([Wrong((), f"the form {why}")])
