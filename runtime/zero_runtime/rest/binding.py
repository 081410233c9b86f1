"""Requests as values of the types of the contract.

A good request costs one decoding. Of a bad one every wrong field is named, in the order in which go-zero
binds them: path, form, header, JSON body.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin, overload

import msgspec

from zero_runtime.explain import (
    ABSENT,
    REQUIRED,
    AtMost,
    Wrong,
    bare,
    explain,
    is_struct,
    parts,
    phrase,
    struct_fields,
)
from zero_runtime.rest.form import MULTIPART, URLENCODED, Form, Upload, form_of
from zero_runtime.rest.mending import encode, from_environment, mended, prepare
from zero_runtime.rest.message import Request
from zero_runtime.rest.refusal import BadRequest, Refusal
from zero_runtime.rest.rules import With, Without, rules_of
from zero_runtime.rest.scalars import Decimal
from zero_runtime.rest.text import text_reader

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

JSON_BYTES = 8 << 20
"""Bytes that a JSON body may have, as in go-zero."""

_LONG_NUMBER = re.compile(rb"[0-9]{20}")
"""Found in every JSON text that holds an integer beyond 64 bits."""

_NO_NUMBER = re.compile(rb"nan|inf|\\u", re.IGNORECASE)
"""Found in every JSON text that holds a decimal which is no number."""


class Body(Generic[T]):
    """Reads the JSON body of a request as a ``T``.

    A request without a body counts as ``{}``, so that what it lacks is named. A body is JSON when its
    ``Content-Type`` says so or when it has none; others are refused with 415.
    """

    @overload
    def __init__(self, kind: type[T]) -> None: ...
    @overload
    def __init__(self: Body[Any], kind: Any) -> None: ...

    def __init__(self, kind: Any) -> None:
        """Raises ValueError when a variable of the environment does not fit the field that it is for."""
        self.kind = kind
        self._decode: Callable[[bytes], T] = msgspec.json.Decoder(kind).decode
        self._empty = b"{}" if is_struct(bare(kind)) or get_origin(bare(kind)) is dict else b""
        self._ruled = prepare(kind)
        self._doubts = _doubts(kind)

    def __call__(self, request: Request) -> T:
        """Raises `errors.InvalidArgument` with everything that is wrong, and `errors.HttpError` when the body
        is no JSON or too large."""
        body = request.body
        if body and not _is_json(request):
            raise _unsupported(request, "application/json")
        return self.read(body if len(body) <= JSON_BYTES else _limited(body))

    def read(self, body: bytes) -> T:
        """The value of ``body``, which may be empty. Raises `errors.InvalidArgument` as a call does."""
        body = body or self._empty
        if self._ruled:
            return self._mended(body)
        try:
            value = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._mended(body)
        for doubt in self._doubts:
            if doubt.search(body):
                return self._mended(body)
        return value

    def _mended(self, body: bytes) -> T:
        """The value of a body that does not fit as it is, or where that is in doubt."""
        try:
            if not body:
                raise BadRequest([Wrong((), "a JSON body is required")])
            value, broken = mended(self.kind, body)
            if wrongs := [*explain(self.kind, value), *broken]:
                raise BadRequest(wrongs)
            return self._decode(encode(value))
        except RecursionError:
            raise BadRequest([Wrong((), "the JSON body is nested too deeply")]) from None
        except UnicodeDecodeError:
            raise BadRequest([Wrong((), "the JSON body is not UTF-8 text")]) from None
        except msgspec.ValidationError as error:
            raise BadRequest([Wrong((), phrase(str(error)))]) from None
        except msgspec.DecodeError as error:
            why = phrase(str(error)).removeprefix("jSON is malformed: ")
            raise BadRequest([Wrong((), f"the body is not JSON: {why}")]) from None


class Binder(Generic[S]):
    """Reads a struct whose fields come from the path, the form, headers and the JSON body of a request.

    ``path``, ``form`` and ``header`` say which: each maps names on the wire to names of fields. The fields
    in none of them are the JSON body; it cannot set any other but those that ``json`` names. Where there are
    none, the body is not read as JSON at all. A field may have several sources: the last that has it, in the
    order above, gives it.
    """

    def __init__(
        self,
        kind: type[S],
        *,
        path: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        header: Mapping[str, str] | None = None,
        json: Collection[str] = (),
    ) -> None:
        """Raises ValueError when a variable of the environment does not fit the field that it is for."""
        self.kind = kind
        self.path, self.form, self.header = path or {}, form or {}, header or {}
        fields = {field.name: field for field in struct_fields(kind)}
        last = {name: table for table in (self.path, self.form, self.header) for name in table.values()}
        self._shared = {name: fields[name] for name in json}

        def texts(table: Mapping[str, str]) -> list[_Text]:
            return [
                _Text.of(wire, fields[name], last=last[name] is table and name not in self._shared)
                for wire, name in table.items()
            ]

        self._path, self._form = texts(self.path), texts(self.form)
        self._header = [text.with_rule_in_lower_case() for text in texts(self.header)]
        self._header_rules = any(text.other for text in self._header)
        self._header_names = [name.lower().encode("ascii") for name in self.header]
        self.json = [field for name, field in fields.items() if name not in last or name in self._shared]
        self._json_names = [field.name for field in self.json]
        self._body = Body(part_of(kind, self.json, self._shared)) if self.json else None

    def __call__(self, request: Request) -> S:
        """Raises `errors.InvalidArgument` with everything that is wrong, and `errors.HttpError` when the body
        is of a type that is not read or too large."""
        values: dict[str, Any] = {}
        wrongs: list[Wrong] = []
        for text in self._path:
            text.read([request.path_values[text.wire]], values, wrongs)
        if self._form:
            form = form_of(request)
            for text in self._form:
                text.read_form(form, values, wrongs)
        if self._header:
            self._read_headers(request, values, wrongs)
        if self._body is not None:
            self._read_json(self._body, request, values, wrongs)
        if wrongs:
            raise BadRequest(wrongs)
        return self.kind(**values)

    def _read_headers(self, request: Request, values: dict[str, Any], wrongs: list[Wrong]) -> None:
        given: Container[str] = ()
        if self._header_rules:
            given = {name.decode("latin-1") for name, value in request.headers if value}
        for text, name in zip(self._header, self._header_names, strict=True):
            lines = request.header_values(name)
            text.read(_items(lines) if text.many else lines, values, wrongs, given)

    def _read_json(
        self, reader: Body[Any], request: Request, values: dict[str, Any], wrongs: list[Wrong]
    ) -> None:
        try:
            body = reader.read(self._json(request))
        except BadRequest as error:
            wrongs += error.wrongs
            return
        for name in self._json_names:
            value = getattr(body, name)
            if value is not msgspec.UNSET:
                values[name] = value
            elif name not in values and (field := self._shared[name]).required:
                wrongs.append(Wrong((field.encode_name,), REQUIRED, field.type))

    def _json(self, request: Request) -> bytes:
        """The JSON body; empty when the body is a form that was read as one."""
        if not request.body or _is_json(request):
            return _limited(request.body)
        if self._form and request.media_type() in (URLENCODED, MULTIPART):
            return b""
        raise _unsupported(request, "application/json or a form" if self._form else "application/json")


class _Text(NamedTuple):
    """A field whose value is text on the wire, or a file."""

    wire: str
    name: str
    kind: Any
    """The type of a value, without ``None``: text is never null."""
    convert: Callable[[str], Any]
    many: bool
    upload: bool
    required: bool
    whole: Any
    """The type of the field."""
    other: With | Without | None
    env: Any

    @classmethod
    def of(cls, wire: str, field: msgspec.structs.FieldInfo, *, last: bool) -> _Text:
        kind = _not_none(field.type)
        many = get_origin(bare(kind)) is list
        item = get_args(bare(kind))[0] if many else kind
        rules = rules_of(field.type)
        return cls(
            wire,
            field.name,
            item,
            text_reader(item),
            many,
            bare(item) is Upload,
            field.required and last,
            field.type,
            rules.other,
            from_environment(kind, rules.env),
        )

    def with_rule_in_lower_case(self) -> _Text:
        """The same for headers, whose names are known in lower case."""
        return self._replace(other=self.other and type(self.other)(self.other.field.lower()))

    def read_form(self, form: Form, values: dict[str, Any], wrongs: list[Wrong]) -> None:
        """Reads the field from a form."""
        texts, files = form.values.get(self.wire, ()), form.files.get(self.wire)
        if not self.upload:
            if files:
                wrongs.append(Wrong((self.wire,), "expected text, got a file", self.whole, files))
            else:
                self.read(texts, values, wrongs, form.values)
        elif texts:
            wrongs.append(Wrong((self.wire,), "expected a file, got text", self.whole, texts))
        elif files:
            values[self.name] = files if self.many else files[0]
        elif self.required:
            wrongs.append(Wrong((self.wire,), REQUIRED, self.whole))

    def read(
        self,
        texts: Sequence[str],
        values: dict[str, Any],
        wrongs: list[Wrong],
        given: Container[str] = (),
    ) -> None:
        """Adds the value of the field to ``values``, or what is wrong with it to ``wrongs``.

        ``given`` are the names of the same source that have a value.
        """
        if self.other and (message := self.other.broken(bool(texts), self.other.field in given)):
            wrongs.append(Wrong((self.wire,), message, self.other))
        elif self.env is not ABSENT:
            values[self.name] = self.env
        elif texts:
            self._read(texts, values, wrongs)
        elif self.required and self.name not in values:
            wrongs.append(Wrong((self.wire,), REQUIRED, self.whole))

    def _read(self, texts: Sequence[str], values: dict[str, Any], wrongs: list[Wrong]) -> None:
        if not self.many:
            try:
                values[self.name] = self.convert(texts[0])
            except ValueError as error:
                values[self.name] = None
                wrongs.append(Wrong((self.wire,), str(error), self.kind, texts[0], text=True))
            return
        items = values[self.name] = []
        for index, text in enumerate(texts):
            try:
                items.append(self.convert(text))
            except ValueError as error:
                wrongs.append(Wrong((self.wire, index), str(error), self.kind, text, text=True))


def part_of(
    kind: type, fields: Sequence[msgspec.structs.FieldInfo], unset: Container[str] = ()
) -> type[msgspec.Struct]:
    """A struct of some fields of another; those in ``unset`` may be absent, and then are ``UNSET``."""
    definitions = []
    for field in fields:
        default: Any = msgspec.field(name=field.encode_name)
        if field.name in unset:
            default = msgspec.field(name=field.encode_name, default=msgspec.UNSET)
        elif field.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(name=field.encode_name, default_factory=field.default_factory)
        elif not field.required:
            default = msgspec.field(name=field.encode_name, default=field.default)
        definitions.append((field.name, field.type, default))
    return msgspec.defstruct(kind.__name__, definitions, kw_only=True)


def _not_none(kind: Any) -> Any:
    members = [member for member in get_args(kind) if member is not type(None)]
    return members[0] if type(None) in get_args(kind) and len(members) == 1 else kind


def _items(lines: Sequence[str]) -> list[str]:
    """The items of a list in header lines, which may have been joined on the way (RFC 9110 §5.3)."""
    return [item for line in lines for each in line.split(",") if (item := each.strip())]


def _doubts(kind: Any) -> list[re.Pattern[bytes]]:
    """What makes a body worth a second look: values in it may be none that msgspec lets pass by mistake."""
    doubts = {_LONG_NUMBER for part in parts(kind) if isinstance(part, AtMost)}
    return [*doubts, *{_NO_NUMBER for part in parts(kind) if part is Decimal}]


def _is_json(request: Request) -> bool:
    if request.header(b"content-type") == b"application/json":  # as nearly all say it
        return True
    media = request.media_type()
    return media in (b"application/json", b"") or media.endswith(b"+json")


def _limited(body: bytes) -> bytes:
    if len(body) > JSON_BYTES:
        raise Refusal(413, f"a JSON body may have at most {JSON_BYTES} bytes")
    return body


def _unsupported(request: Request, expected: str) -> Refusal:
    given = request.media_type().decode("latin-1")
    message = f"expected a body of the type {expected}, got {given}"
    return Refusal(415, message, text=message)
