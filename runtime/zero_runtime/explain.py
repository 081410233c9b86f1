"""Every reason why a value does not fit a type.

msgspec stops at the first. Callers decode with msgspec, which is all that a good request costs, and come here
once it has refused, to tell about all wrong fields in one answer.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeGuard, Union, get_args, get_origin

import msgspec

Path = tuple[str | int, ...]
Hook = Callable[[type, Any], Any]

LIMIT = 100
"""Errors reported at most: a long list of wrong items must not become a much longer answer."""

REQUIRED = "is required"

ABSENT: Final = object()
"""In the place of a value that is not there."""

_BEYOND = 2**63
"""Integers from here on are beyond 64 signed bits."""


@dataclasses.dataclass(frozen=True, slots=True)
class AtMost:
    """An upper bound in the metadata of a type, for those beyond 64 signed bits, which msgspec cannot check.

    msgspec lets larger values pass; `explain` finds them.
    """

    limit: int


@dataclasses.dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong at one place of a value."""

    path: Path
    message: str
    kind: Any = dataclasses.field(default=None, compare=False)
    """What was expected there: a type, or a rule that is broken."""
    value: object = dataclasses.field(default=ABSENT, compare=False)
    """What was found there."""
    text: bool = dataclasses.field(default=False, compare=False)
    """Whether the value came as text, outside of any JSON."""


def explain(kind: Any, value: object, hook: Hook | None = None) -> list[Wrong]:
    """Why ``msgspec.convert(value, kind)`` fails, in the order of the type's fields; empty when it does not.

    ``value`` is made of what JSON is made of, where numbers may be decimals; ``hook`` is msgspec's ``dec_hook``.
    """
    return list(islice(_walk(_shape(kind), value, (), hook), LIMIT))


def dotted(path: Path) -> str:
    """``("address", "lines", 0)`` as ``address.lines[0]``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that somebody who wrote ``name`` most likely meant, however they wrote its capitals.

    ``cutoff`` is the likeness it must have at least, from 0 to 1, as in `difflib`.
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None


def bare(kind: Any) -> Any:
    """The type without ``Annotated`` and, if it is ``T | None``, without ``None``."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if _is_union(kind):
        members = [member for member in get_args(kind) if member is not types.NoneType]
        if len(members) == 1:
            return bare(members[0])
    return kind


def is_struct(kind: Any) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def parts(kind: Any) -> Iterator[Any]:
    """A type, everything it is made of and the metadata in it; each struct once."""
    seen: set[Any] = set()
    waiting = [kind]
    while waiting:
        part = waiting.pop()
        yield part
        if not is_struct(part):
            waiting += get_args(part)
        elif part not in seen:
            seen.add(part)
            waiting += [field.type for field in struct_fields(part)]


@cache
def struct_fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """`msgspec.structs.fields`, which resolves annotations anew at each call, remembered."""
    return msgspec.structs.fields(kind)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


class _Shape(NamedTuple):
    """What is to be known of a type, found out once for all values of it."""

    kind: Any
    target: Any
    """The type without what is around it."""
    struct: bool
    origin: Any
    """``list`` or ``dict`` if it is one."""
    ruled: bool
    """Whether a container has rules of its own, besides those of what is in it."""


class _Field(NamedTuple):
    name: str
    shape: _Shape
    required: bool


def _shape(kind: Any) -> _Shape:
    target = bare(kind)
    struct = is_struct(target)
    ruled = get_origin(kind) is Annotated or (struct and hasattr(target, "__post_init__"))
    return _Shape(kind, target, struct, get_origin(target), ruled)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[_Field, ...]:
    return tuple(
        _Field(field.encode_name, _shape(field.type), field.required) for field in struct_fields(kind)
    )


def _walk(shape: _Shape, value: object, path: Path, hook: Hook | None) -> Iterator[Wrong]:
    """What is wrong below ``value``, else what is wrong with ``value`` itself.

    A container whose parts are fine is converted as a whole only where it has rules of its own: converting
    every container on the way would take a time that grows with the square of the depth.
    """
    if shape.struct and isinstance(value, dict):
        parts = _struct(shape.target, value, path, hook)
    elif shape.origin is list and isinstance(value, list):
        parts = _items(get_args(shape.target)[0], enumerate(value), path, hook)
    elif shape.origin is dict and isinstance(value, dict):
        parts = _dict(shape.target, value, path, hook)
    else:
        yield from _whole(shape.kind, value, path, hook)
        return
    sound = True
    for wrong in parts:
        sound = False
        yield wrong
    if sound and shape.ruled:
        yield from _whole(shape.kind, value, path, hook)


def _struct(
    kind: type[msgspec.Struct], value: dict[Any, Any], path: Path, hook: Hook | None
) -> Iterator[Wrong]:
    fields = _fields(kind)
    for name, shape, required in fields:
        if name in value:
            yield from _walk(shape, value[name], (*path, name), hook)
        elif required:
            yield Wrong((*path, name), REQUIRED, shape.kind)
    if kind.__struct_config__.forbid_unknown_fields:
        known = [field.name for field in fields]
        for name in value:
            if name not in known:
                close = nearest(name, known)
                yield Wrong((*path, name), "unknown key" + (f"; did you mean `{close}`?" if close else ""))


def _items(kind: Any, items: Iterable[tuple[Any, object]], path: Path, hook: Hook | None) -> Iterator[Wrong]:
    shape = _shape(kind)
    if shape.struct or shape.origin in (list, dict):
        for step, value in items:
            yield from _walk(shape, value, (*path, step), hook)
    else:
        for step, value in items:
            yield from _whole(kind, value, (*path, step), hook)


def _dict(kind: Any, value: dict[Any, Any], path: Path, hook: Hook | None) -> Iterator[Wrong]:
    key, item = get_args(kind)
    keys = types.GenericAlias(dict, (key, Any))
    for name in value:
        yield from _whole(keys, {name: None}, (*path, name), hook)
    yield from _items(item, value.items(), path, hook)


def _whole(kind: Any, value: object, path: Path, hook: Hook | None) -> Iterable[Wrong]:
    try:
        converted = msgspec.convert(value, kind, str_keys=True, dec_hook=hook)
    except msgspec.ValidationError as refusal:
        return (Wrong(path, reason(kind, refusal), kind, value),)
    excess = beyond(kind, converted)
    return (Wrong(path, excess, kind, value),) if excess else ()


def beyond(kind: Any, value: object) -> str:
    """What is wrong with a value that msgspec let pass: it is beyond an `AtMost`, or a float or decimal that is
    no number. Empty when nothing is."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"expected {_NAMES['float']}"
    if isinstance(value, Decimal) and not value.is_finite():
        return f"expected {_NAMES['decimal']}"
    if not isinstance(value, int) or value < _BEYOND:
        return ""
    for part in get_args(kind):
        if isinstance(part, AtMost) and value > part.limit:
            return f"must be <= {part.limit}"
        nested = get_origin(part) is Annotated or _is_union(part)
        if nested and (excess := beyond(part, value)):
            return excess
    return ""


def reason(kind: Any, refusal: msgspec.ValidationError) -> str:
    """Why msgspec refused a value that should be a ``kind``. A pattern is told by its description, if any."""
    target = bare(kind)
    if get_origin(target) is Literal:
        return "must be one of " + ", ".join(f"`{option}`" for option in get_args(target))
    text = str(refusal)
    if " matching regex " in text:
        rules = (rule for rule in getattr(kind, "__metadata__", ()) if isinstance(rule, msgspec.Meta))
        if wanted := next((rule.description for rule in rules if rule.pattern), None):
            return f"expected {wanted}"
    return phrase(text)


_NAMES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "bytes": "a base64 string",
    "datetime": "a time such as 2026-01-31T12:00:00Z",
    "decimal": "a decimal number",
}
_WHOLE = {
    "Invalid RFC3339 encoded datetime": f"expected {_NAMES['datetime']}",
    "Expected `datetime` with a timezone component": f"expected {_NAMES['datetime']}",
    "Invalid decimal string": f"expected {_NAMES['decimal']}",
}
_UNITS = {
    "str": ("character", "characters"),
    "bytes": ("byte", "bytes"),
    "array": ("item", "items"),
    "object": ("entry", "entries"),
}


def phrase(refusal: str) -> str:
    """A message of msgspec in the words of somebody who has never heard of it, and without its place."""
    text = re.sub(r" - at (`key` in )?`[^`]*`$", "", refusal)
    if text in _WHOLE:
        return _WHOLE[text]
    if match := re.fullmatch(r"Expected `([^`]*)`, got `([^`]*)`", text):
        expected = match[1].split(" | ")
        wanted = " or ".join(_NAMES.get(name, name) for name in expected)
        return f"expected {wanted}, got {_got(match[2], expected)}"
    if match := re.fullmatch(r"Expected `(\w+)` of length (>=|<=) (\d+)", text):
        unit = _UNITS[match[1]][match[3] != "1"]
        return f"must have at {'least' if match[2] == '>=' else 'most'} {match[3]} {unit}"
    if match := re.fullmatch(r"Expected `\w+` (?:that's )?((?:[<>]=?|a multiple of) .*)", text):
        return f"must be {match[1]}"
    if match := re.fullmatch(r"Expected `\w+` matching regex (.*)", text, re.DOTALL):
        return f"must match {match[1]}"
    return text[:1].lower() + text[1:]


def _got(name: str, expected: list[str]) -> str:
    if name in ("float", "decimal") and "int" in expected:
        return "a number with a fraction or an exponent"
    return {"int": "a number", "bool": "a boolean", "decimal": "a number"}.get(name) or _NAMES.get(name, name)
