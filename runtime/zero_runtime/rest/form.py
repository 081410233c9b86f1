"""The form values of a request, as Go's ``ParseForm`` and ``ParseMultipartForm`` see them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import parse_qsl

from zero_runtime.errors import FieldError, InvalidArgument
from zero_runtime.rest.message import Request

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data"

_LIMIT = 2048
"""Values that a form may have, as in go-zero: each costs far more than its bytes."""

_BOUNDARY = re.compile(rb';\s*boundary=(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_NAME = re.compile(
    rb'^content-disposition:\s*form-data\s*;.*?\bname="((?:[^"\\]|\\.)*)"', re.IGNORECASE | re.MULTILINE
)
_FILE = re.compile(rb"^content-disposition:.*\bfilename\*?=", re.IGNORECASE | re.MULTILINE)


def form_values(request: Request) -> dict[str, list[str]]:
    """The values of each name, those in the body before those in the query string.

    An empty value counts as none, ``name[]`` is ``name``, and files are left out. Raises InvalidArgument
    when there are too many values or a multipart body is broken.
    """
    values: dict[str, list[str]] = {}
    for name, value in chain(_body(request), _urlencoded(request.query)):
        if value:
            values.setdefault(name.removesuffix("[]"), []).append(value)
    return values


def _body(request: Request) -> list[tuple[str, str]]:
    kind = request.media_type()
    if kind == URLENCODED:
        return _urlencoded(request.body)
    if kind == MULTIPART:
        return list(_multipart(request.header(b"content-type") or b"", request.body))
    return []


def _urlencoded(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode("utf-8", "replace"), max_num_fields=_LIMIT)
    except ValueError:
        raise _refused(f"holds more than {_LIMIT} values") from None


def _multipart(content_type: bytes, body: bytes) -> Iterator[tuple[str, str]]:
    """The parts that are no files (RFC 7578)."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise _refused("has no boundary in its Content-Type")
    delimiter = b"\r\n--" + (boundary[1] or boundary[2])
    _, *parts = (b"\r\n" + body).split(delimiter, _LIMIT + 1)
    for part in parts:
        if part.startswith(b"--"):
            return
        head, blank, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name and blank and not _FILE.search(head):
            yield re.sub(rb"\\(.)", rb"\1", name[1]).decode("utf-8", "replace"), value.decode(
                "utf-8", "replace"
            )
    raise _refused(f"holds more than {_LIMIT} values" if len(parts) > _LIMIT else "ends early")


def _refused(why: str) -> InvalidArgument:
    return InvalidArgument(f"the form {why}", fields=[FieldError("", f"the form {why}")])
