"""Requests as values of the types of the contract.

A good request costs one decoding. Of a bad one every wrong field is named, in the order in which go-zero
binds them: path, form, header, JSON body.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin

import msgspec

from zero_runtime.errors import FieldError, InvalidArgument
from zero_runtime.explain import (
    REQUIRED,
    AtMost,
    Wrong,
    bare,
    beyond,
    dotted,
    explain,
    is_struct,
    phrase,
    reason,
    struct_fields,
)
from zero_runtime.rest.form import MULTIPART, URLENCODED, form_values
from zero_runtime.rest.message import Request
from zero_runtime.rest.problems import Refusal

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_LONG_NUMBER = re.compile(rb"[0-9]{20}")
"""Found in every JSON text that holds an integer beyond 64 bits."""


class Body(Generic[T]):
    """Reads the JSON body of a request as a ``T``.

    A request without a body counts as ``{}``, so that what it lacks is named. A body is JSON when its
    ``Content-Type`` says so or when it has none; others are refused with 415.
    """

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode
        self._empty = b"{}" if is_struct(bare(kind)) or get_origin(bare(kind)) is dict else b""
        self._bounded = _mentions_at_most(kind, set())

    def __call__(self, request: Request) -> T:
        """Raises `errors.InvalidArgument` with everything that is wrong."""
        if request.body and not _is_json(request):
            raise _unsupported(request, "application/json")
        return self.read(request.body)

    def read(self, body: bytes) -> T:
        """The value of ``body``, which may be empty. Raises as a call does."""
        body = body or self._empty
        try:
            value = self._decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
            raise _invalid(_mistakes(self._kind, body, refusal)) from None
        if self._bounded and _LONG_NUMBER.search(body):
            wrongs = explain(self._kind, msgspec.json.decode(body))
            if wrongs:
                raise _invalid(wrongs)
        return value


class Binder(Generic[S]):
    """Reads a struct whose fields come from the path, the form, headers and the JSON body of a request.

    ``path``, ``form`` and ``header`` say which: each maps names on the wire to names of fields. The fields
    in none of them are the JSON body; it cannot set any other. Where there are none, the body is not read
    as JSON at all.
    """

    def __init__(
        self,
        kind: type[S],
        *,
        path: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        header: Mapping[str, str] | None = None,
    ) -> None:
        fields = {field.name: field for field in struct_fields(kind)}
        self._kind = kind
        self._path = [_Text.of(wire, fields.pop(name)) for wire, name in (path or {}).items()]
        self._form = [_Text.of(wire, fields.pop(name)) for wire, name in (form or {}).items()]
        self._header = [_Text.of(wire, fields.pop(name)) for wire, name in (header or {}).items()]
        self._header_names = [name.lower().encode("ascii") for name in header or {}]
        self._body = Body(_part(kind, [*fields.values()])) if fields else None
        self._body_names = [*fields]

    def __call__(self, request: Request) -> S:
        """Raises `errors.InvalidArgument` with everything that is wrong."""
        values: dict[str, Any] = {}
        wrongs: list[FieldError] = []
        for text in self._path:
            text.read([request.path_values[text.wire]], values, wrongs)
        if self._form:
            given = form_values(request)
            for text in self._form:
                text.read(given.get(text.wire, ()), values, wrongs)
        for text, name in zip(self._header, self._header_names, strict=True):
            text.read(request.header_values(name), values, wrongs)
        if self._body is not None:
            try:
                body = self._body.read(self._json(request))
                values |= {name: getattr(body, name) for name in self._body_names}
            except InvalidArgument as error:
                wrongs += error.fields
        if wrongs:
            raise InvalidArgument(_summary(wrongs), fields=wrongs)
        return self._kind(**values)

    def _json(self, request: Request) -> bytes:
        """The JSON body; empty when the body is a form that was read as one."""
        if not request.body or _is_json(request):
            return request.body
        if self._form and request.media_type() in (URLENCODED, MULTIPART):
            return b""
        raise _unsupported(request, "application/json or a form" if self._form else "application/json")


class _Text(NamedTuple):
    """A field whose value is text on the wire."""

    wire: str
    name: str
    kind: Any
    """The type of a value, without ``None``: text is never null."""
    many: bool
    required: bool

    @classmethod
    def of(cls, wire: str, field: msgspec.structs.FieldInfo) -> _Text:
        kind = _not_none(field.type)
        many = get_origin(bare(kind)) is list
        return cls(wire, field.name, get_args(bare(kind))[0] if many else kind, many, field.required)

    def read(self, texts: Sequence[str], values: dict[str, Any], wrongs: list[FieldError]) -> None:
        """Adds the value of the field to ``values``, or what is wrong with it to ``wrongs``."""
        if not texts:
            if self.required:
                wrongs.append(FieldError(self.wire, REQUIRED))
            return
        read = []
        for index, text in enumerate(texts if self.many else texts[:1]):
            try:
                read.append(_read(self.kind, text))
            except ValueError as error:
                place = dotted((self.wire, index)) if self.many else self.wire
                wrongs.append(FieldError(place, str(error)))
        values[self.name] = read if self.many else read and read[0]


def _read(kind: Any, text: str) -> Any:
    """The value that a text stands for. Raises ValueError with what is wrong."""
    try:
        value = msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as refusal:
        raise ValueError(reason(kind, refusal).partition(", got ")[0]) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("expected a number")
    if excess := beyond(kind, value):
        raise ValueError(excess)
    return value


def _part(kind: type, fields: Sequence[msgspec.structs.FieldInfo]) -> type[msgspec.Struct]:
    """A struct of some fields of another."""
    definitions = []
    for field in fields:
        default: Any = msgspec.field(name=field.encode_name)
        if field.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(name=field.encode_name, default_factory=field.default_factory)
        elif not field.required:
            default = msgspec.field(name=field.encode_name, default=field.default)
        definitions.append((field.name, field.type, default))
    return msgspec.defstruct(kind.__name__, definitions, kw_only=True)


def _not_none(kind: Any) -> Any:
    members = [member for member in get_args(kind) if member is not type(None)]
    return members[0] if type(None) in get_args(kind) and len(members) == 1 else kind


def _mentions_at_most(kind: Any, seen: set[type]) -> bool:
    if isinstance(kind, AtMost):
        return True
    if not is_struct(kind):
        return any(_mentions_at_most(part, seen) for part in get_args(kind))
    if kind in seen:
        return False
    seen.add(kind)
    return any(_mentions_at_most(field.type, seen) for field in struct_fields(kind))


def _is_json(request: Request) -> bool:
    media = request.media_type()
    return media in (b"application/json", b"") or media.endswith(b"+json")


def _unsupported(request: Request, expected: str) -> Refusal:
    given = request.media_type().decode("latin-1")
    return Refusal(415, f"expected a body of the type {expected}, got {given}")


def _mistakes(kind: Any, body: bytes, refusal: Exception) -> list[Wrong]:
    """Why a body could not be decoded as a ``kind``."""
    if not body:
        return [Wrong((), "a JSON body is required")]
    try:
        return explain(kind, msgspec.json.decode(body)) or [Wrong((), phrase(str(refusal)))]
    except RecursionError:
        return [Wrong((), "the JSON body is nested too deeply")]
    except UnicodeDecodeError:
        return [Wrong((), "the JSON body is not UTF-8 text")]
    except msgspec.DecodeError as error:
        return [Wrong((), f"the body is not JSON: {phrase(str(error)).removeprefix('jSON is malformed: ')}")]


def _invalid(wrongs: Sequence[Wrong]) -> InvalidArgument:
    fields = [FieldError(dotted(wrong.path), wrong.message) for wrong in wrongs]
    return InvalidArgument(_summary(fields), fields=fields)


def _summary(fields: Sequence[FieldError]) -> str:
    if len(fields) > 1:
        return f"{len(fields)} fields are wrong"
    return f"{fields[0].field}: {fields[0].message}".removeprefix(": ")
