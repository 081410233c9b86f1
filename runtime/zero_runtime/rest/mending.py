"""JSON of a request brought into the form that msgspec takes.

What go-zero lets pass, or asks for beyond types, is settled here on the decoded text: null for an optional
field, and the rules of fields. Callers come here where a type has such rules, or once msgspec has refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from zero_runtime.explain import ABSENT, Path, Wrong, bare, is_struct, parts, struct_fields
from zero_runtime.rest.refusal import Refusal
from zero_runtime.rest.rules import AS_STRING, INHERIT, Env, With, Without, reads, rules_of
from zero_runtime.rest.text import text_reader

_decode = msgspec.json.Decoder(float_hook=Decimal).decode  # keeps every digit
encode = msgspec.json.Encoder(decimal_format="number").encode
"""Writes what `mended` gives as JSON again."""

_INHERITED_BYTES = 8 << 20
"""Bytes of JSON that the objects of a body may inherit, as many as a body may have: a long text, inherited by
each item of a long list, would become gigabytes."""

_Objects = tuple[dict[str, Any], ...]


def mended(kind: Any, body: bytes) -> tuple[Any, list[Wrong]]:
    """What ``body`` says as msgspec takes it for a ``kind``, and which rules of fields it breaks.

    Raises what msgspec raises for a text that is no JSON, and `Refusal` when too much is inherited. Numbers
    with a fraction or an exponent are decimals.
    """
    value = _decode(body)
    mender = _Mender()
    if _holds_structs(kind):
        mender.mend(kind, value, (), ())
    return value, mender.wrongs


def prepare(kind: Any) -> bool:
    """Whether JSON for a ``kind`` is always to be mended. Raises ValueError when a variable of the environment
    does not fit the field that it is for."""
    found = False
    for part in parts(kind):
        found = found or reads(part)
        if is_struct(part):
            _fields(part)
    return found


def from_environment(kind: Any, env: Env | None) -> Any:
    """What the environment says of a field; ABSENT when it says nothing. Raises ValueError when it is no
    ``kind``: then the service must not start."""
    text = os.environ.get(env.name, "") if env else ""
    if not env or not text:
        return ABSENT
    try:
        return text_reader(kind)(text)
    except ValueError as error:
        raise ValueError(f"the environment variable {env.name}: {error}") from None


class _Field(NamedTuple):
    """What is to be known of a field of a struct."""

    name: str
    kind: Any
    may_lack: bool
    """Whether null stands for its absence."""
    holds_structs: bool
    inherits: bool
    quoted: type | None
    """The type of a value in quotes."""
    other: With | Without | None
    env: Any


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    fields = []
    for field in struct_fields(kind):
        rules = rules_of(field.type)
        fields.append(
            _Field(
                field.encode_name,
                field.type,
                not field.required and not _nullable(field.type),
                _holds_structs(field.type),
                INHERIT in rules.marks,
                _scalar(field.type) if AS_STRING in rules.marks else None,
                rules.other,
                from_environment(field.type, rules.env),
            )
        )
    return tuple(fields)


class _Mender:
    """Mends the values of one body."""

    def __init__(self) -> None:
        self.wrongs: list[Wrong] = []
        self._inherited = 0

    def mend(self, kind: Any, value: Any, path: Path, outer: _Objects) -> None:
        """Mends ``value``, which stands at ``path`` in the objects ``outer``, the nearest first."""
        target = bare(kind)
        if is_struct(target) and isinstance(value, dict):
            self._mend_struct(target, value, path, outer)
        elif get_origin(target) is list and isinstance(value, list):
            (item,) = get_args(target)
            for index, each in enumerate(value):
                self.mend(item, each, (*path, index), outer)
        elif get_origin(target) is dict and isinstance(value, dict):
            item = get_args(target)[1]
            for name, each in value.items():
                self.mend(item, each, (*path, name), outer)

    def _mend_struct(
        self, kind: type[msgspec.Struct], value: dict[str, Any], path: Path, outer: _Objects
    ) -> None:
        fields = _fields(kind)
        for field in fields:
            if field.inherits:
                self._inherit(field.name, value, outer)
            if field.env is not ABSENT:
                value[field.name] = field.env
            if field.may_lack and field.name in value and value[field.name] is None:
                del value[field.name]
        for field in fields:
            given = value.get(field.name)
            if field.other and (message := field.other.broken(given is not None, _has(value, field.other))):
                self.wrongs.append(Wrong((*path, field.name), message, field.other))
            if field.quoted and isinstance(given, str):
                value[field.name] = _unquoted(field.quoted, given)
            elif field.holds_structs and given is not None:
                self.mend(field.kind, given, (*path, field.name), (value, *outer))

    def _inherit(self, name: str, value: dict[str, Any], outer: _Objects) -> None:
        """Takes from the objects around what ``value`` lacks, the nearest first; objects are put together."""
        for each in outer:
            theirs, ours = each.get(name), value.get(name)
            if theirs is not None and ours is None:
                value[name] = self._copy(theirs)
            elif isinstance(theirs, dict) and isinstance(ours, dict):
                value[name] = {**self._copy(theirs), **ours}

    def _copy(self, value: Any) -> Any:
        text = encode(value)
        self._inherited += len(text)
        if self._inherited > _INHERITED_BYTES:
            raise Refusal(413, f"the objects of a body may inherit at most {_INHERITED_BYTES} bytes")
        return _decode(text)


def _has(value: Mapping[str, Any], rule: With | Without) -> bool:
    return value.get(rule.field) is not None


def _unquoted(kind: type, text: str) -> Any:
    """What stands in quotes; the text itself where that is no ``kind``, for msgspec to refuse."""
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text


def _holds_structs(kind: Any) -> bool:
    return any(is_struct(part) for part in parts(kind))


def _scalar(kind: Any) -> type | None:
    target = bare(kind)
    if get_origin(target) is Literal:
        target = type(get_args(target)[0])
    return target if target in (int, float, bool) else None


def _nullable(kind: Any) -> bool:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind is Any or NoneType in get_args(kind)
