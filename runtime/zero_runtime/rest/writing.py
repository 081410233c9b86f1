"""Requests as clients write them: the way back of `rest.binding`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, get_origin
from urllib.parse import quote, urlencode

import msgspec

from zero_runtime.errors import FieldError, InvalidArgument
from zero_runtime.explain import bare, is_struct, parts, struct_fields
from zero_runtime.rest.binding import Binder, Body, part_of
from zero_runtime.rest.encoding import Encoder, left_out_of, names_in_rules
from zero_runtime.rest.form import MULTIPART, URLENCODED, Upload
from zero_runtime.rest.message import JSON, Request
from zero_runtime.rest.text import write_text

_WITH_BODY = ("POST", "PUT", "PATCH")
_NO_HEADER = re.compile(r"[^ -~]|^ | $")
"""What no header carries unharmed: all but ASCII is read differently by different servers."""


class RequestWriter:
    """Writes requests for one handler, so that ``source`` reads from them what was given.

    A field with several sources is sent by the last of them, and in the path if it stands there. Fields of a
    form go into the query string, or into the body where that holds no JSON.
    """

    def __init__(self, method: str, path: str, source: Body[Any] | Binder[Any] | None) -> None:
        self._method = method
        self._form: list[_Field] = []
        self._header: list[_Field] = []
        self._json: Callable[[Any], bytes] | None = None
        names: Mapping[str, str] = {}
        if isinstance(source, Binder):
            names = source.path
            self._of_binder(source)
        elif source is not None and not _says_nothing(bare(source.kind)):
            self._json = Encoder(source.kind, sparse=True).encode
        self._path = [
            (quote(segment, safe=":~"), names[segment[1:]] if segment.startswith(":") else "")
            for segment in path.split("/")
        ]

    def _of_binder(self, binder: Binder[Any]) -> None:
        kind: type[msgspec.Struct] = binder.kind
        fields = {field.name: field for field in struct_fields(kind)}
        in_json = {field.name for field in binder.json}
        named = names_in_rules(fields.values())

        def texts(table: Mapping[str, str], *later: Iterable[str]) -> list[_Field]:
            taken = {name for names in later for name in names}
            return [
                _Field.of(wire, fields[name], wire in named)
                for wire, name in table.items()
                if name not in taken
            ]

        self._header = texts(binder.header, in_json)
        if any(part is Upload for name in binder.form.values() for part in parts(fields[name].type)):
            self._form = texts(binder.form)  # a multipart body leaves no room for JSON
            return
        self._form = texts(binder.form, binder.header.values(), in_json)
        if binder.json:
            body = part_of(kind, binder.json)
            encode, attributes = Encoder(body, sparse=True).encode, [field.name for field in binder.json]
            self._json = lambda value: encode(body(**{name: getattr(value, name) for name in attributes}))

    def __call__(self, value: Any) -> Request:
        """The request that says ``value``; its path is percent-encoded.

        Raises `errors.InvalidArgument` when a field cannot be written where it belongs.
        """
        path = "/".join(_segment(text, value, attribute) for text, attribute in self._path)
        headers = [
            (field.wire.lower().encode(), _line(field, write_text(each)))
            for field, each in _pairs(self._header, value)
        ]
        form: list[tuple[str, str | Upload]] = [
            (field.wire, each if isinstance(each, Upload) else write_text(each))
            for field, each in _pairs(self._form, value)
        ]
        query = body = b""
        if self._json is not None:
            body = self._json(value)
            headers += JSON
        if any(isinstance(each, Upload) for _, each in form):
            content_type, body = multipart(form)
            headers.append((b"content-type", content_type))
        elif form and self._json is None and self._method in _WITH_BODY:
            body = urlencode(form).encode()
            headers.append((b"content-type", URLENCODED))
        else:
            query = urlencode(form).encode()
        return Request(self._method, path, query=query, headers=headers, body=body)


def _says_nothing(kind: Any) -> bool:
    return is_struct(kind) and not struct_fields(kind)


class _Field(NamedTuple):
    wire: str
    attribute: str
    many: bool
    left_out: Callable[[Any], bool]

    @classmethod
    def of(cls, wire: str, field: msgspec.structs.FieldInfo, named: bool) -> _Field:
        many = get_origin(bare(field.type)) is list
        return cls(wire, field.name, many, left_out_of(field, named))


def _pairs(fields: list[_Field], value: Any) -> Iterator[tuple[_Field, Any]]:
    """The fields that are given, with each of their values; those without text count as not given anyway."""
    for field in fields:
        item = getattr(value, field.attribute)
        if not field.left_out(item):
            items = item if isinstance(item, list) else [item]
            yield from ((field, each) for each in items if each != "")


def _segment(text: str, value: Any, attribute: str) -> str:
    if not attribute:
        return text
    written = write_text(getattr(value, attribute))
    if written in ("", ".", "..") or "/" in written:
        raise _unwritable(text[1:], "cannot be part of a path")
    return quote(written, safe="")


def _line(field: _Field, text: str) -> bytes:
    if _NO_HEADER.search(text) or (field.many and "," in text):
        raise _unwritable(field.wire, "cannot be a header")
    return text.encode()


def _unwritable(wire: str, why: str) -> InvalidArgument:
    return InvalidArgument(f"{wire}: {why}", fields=[FieldError(wire, why)])


def multipart(form: Iterable[tuple[str, str | Upload]]) -> tuple[bytes, bytes]:
    """A form with files as a body (RFC 7578), and its media type."""
    boundary = secrets.token_hex(16).encode()
    pieces = []
    for name, value in form:
        head = b'--%s\r\ncontent-disposition: form-data; name="%s"' % (boundary, _quoted(name))
        if isinstance(value, Upload):
            kind = value.content_type or "application/octet-stream"
            head += b'; filename="%s"\r\ncontent-type: %s' % (_quoted(value.filename), _quoted(kind))
        content = value.content if isinstance(value, Upload) else value.encode()
        pieces += [head, b"\r\n\r\n", content, b"\r\n"]
    return b"%s; boundary=%s" % (MULTIPART, boundary), b"".join([*pieces, b"--", boundary, b"--\r\n"])


def _quoted(text: str) -> bytes:
    return re.sub(r'(["\\])', r"\\\1", re.sub(r"[\r\n]", " ", text)).encode()
