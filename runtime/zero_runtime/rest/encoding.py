"""Values written as JSON where a contract says more of their fields than msgspec knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from zero_runtime.explain import bare, is_struct, parts, struct_fields
from zero_runtime.rest.message import JSON, Response
from zero_runtime.rest.rules import AS_STRING, INHERIT, OMIT_EMPTY, With, Without, rules_of

Write = Callable[[Any], Any]
"""Makes a value into one that msgspec writes as it is to be."""

_encode = msgspec.json.Encoder().encode


class Encoder:
    """Writes values of one type, whose fields may be `AS_STRING` or `OMIT_EMPTY`, as JSON.

    With ``sparse``, for requests, what is left out are fields that depend on others, when they have their
    defaults: that is how they are not given.
    """

    def __init__(self, kind: Any, *, sparse: bool = False) -> None:
        self._write = _writer(kind, sparse, {})

    def __call__(self, value: Any) -> Response:
        """The response that says ``value``."""
        return Response(200, self.encode(value), JSON)

    def encode(self, value: Any) -> bytes:
        """``value`` as JSON."""
        return _encode(value if self._write is None else self._write(value))


class _Field(NamedTuple):
    attribute: str
    name: str
    write: Write | None
    left_out: Callable[[Any], bool] | None
    """Whether a value is one that is not written."""


def _writer(kind: Any, sparse: bool, known: dict[Any, Write]) -> Write | None:
    """What writes a ``kind``; None where msgspec does it alone. ``known`` are the structs on the way here."""
    target = bare(kind)
    if target in known:
        return known[target]
    if not any(_rule(part, sparse) for part in parts(target)):
        return None
    if is_struct(target):
        return _struct(target, sparse, known)
    write = _writer(get_args(target)[-1], sparse, known)
    if write is None:
        return None
    if get_origin(target) is list:
        return lambda values: values and [write(value) for value in values]
    return lambda values: values and {key: write(value) for key, value in values.items()}


def _rule(part: Any, sparse: bool) -> bool:
    """Whether a part of a type is a rule that changes how JSON is written."""
    if sparse:
        return part is AS_STRING or part is INHERIT or isinstance(part, With | Without)
    return part is AS_STRING or part is OMIT_EMPTY


def _struct(kind: type[msgspec.Struct], sparse: bool, known: dict[Any, Write]) -> Write:
    fields: list[_Field] = []

    def write(value: Any) -> Any:
        if value is None:
            return None
        written = {}
        for attribute, name, inner, left_out in fields:
            item = getattr(value, attribute)
            if left_out is None or not left_out(item):
                written[name] = item if inner is None else inner(item)
        return written

    known[kind] = write
    named = names_in_rules(struct_fields(kind))
    for field in struct_fields(kind):
        marks = rules_of(field.type).marks
        left_out: Callable[[Any], bool] | None = None
        if sparse:
            left_out = left_out_of(field, field.encode_name in named)
        elif OMIT_EMPTY in marks:
            left_out = _is_empty
        inner = _quoted if AS_STRING in marks else _writer(field.type, sparse, known)
        fields.append(_Field(field.name, field.encode_name, inner, left_out))
    return write


def names_in_rules(fields: Iterable[msgspec.structs.FieldInfo]) -> set[str]:
    """The names on the wire of fields that others depend on."""
    return {rule.field for field in fields if (rule := rules_of(field.type).other)}


def left_out_of(field: msgspec.structs.FieldInfo, named: bool) -> Callable[[Any], bool]:
    """Whether a value of a field is one that a request does without: None, and where it depends on others or,
    being ``named``, they on it, its default."""
    rules = rules_of(field.type)
    if field.required:
        return _never
    if not (named or rules.other or INHERIT in rules.marks):
        return _is_none
    factory = field.default_factory
    default = field.default if factory is msgspec.NODEFAULT else factory()
    return lambda value: value is None or value == default


def _never(value: Any) -> bool:
    return False


def _is_none(value: Any) -> bool:
    return value is None


def _is_empty(value: Any) -> bool:
    """Whether Go's ``omitempty`` leaves it out; decimals, as structs, it never does."""
    return not value and not isinstance(value, Decimal)


def _quoted(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else _encode(value).decode()
