"""Every reason why a value does not fit a type.

msgspec stops at the first. Callers decode with msgspec, which is all that a good request costs, and come here
once it has refused, to tell about all wrong fields in one answer.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

Path = tuple[str | int, ...]
Hook = Callable[[type, Any], Any]

LIMIT = 100
"""Errors reported at most: a long list of wrong items must not become a much longer answer."""

REQUIRED = "is required"


@dataclass(frozen=True, slots=True)
class AtMost:
    """An upper bound in the metadata of a type, for those beyond 64 signed bits, which msgspec cannot check.

    msgspec lets larger values pass; `explain` finds them.
    """

    limit: int


class Wrong(NamedTuple):
    """What is wrong at one place of a value."""

    path: Path
    message: str


def explain(kind: Any, value: object, hook: Hook | None = None) -> list[Wrong]:
    """Why ``msgspec.convert(value, kind)`` fails, in the order of the type's fields; empty when it does not.

    ``value`` is made of what JSON is made of; ``hook`` is msgspec's ``dec_hook``.
    """
    return list(islice(_walk(kind, value, (), hook), LIMIT))


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


def is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


@cache
def struct_fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """`msgspec.structs.fields`, which resolves annotations anew at each call, remembered."""
    return msgspec.structs.fields(kind)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _walk(kind: Any, value: object, path: Path, hook: Hook | None) -> Iterator[Wrong]:
    """What is wrong below ``value``, else what is wrong with ``value`` itself.

    A container whose parts are fine is converted as a whole only where it has rules of its own: converting
    every container on the way would take a time that grows with the square of the depth.
    """
    target = bare(kind)
    origin = get_origin(target)
    ruled = get_origin(kind) is Annotated
    if is_struct(target) and isinstance(value, dict):
        parts = _struct(target, value, path, hook)
        ruled = ruled or hasattr(target, "__post_init__")
    elif origin is list and isinstance(value, list):
        parts = _list(get_args(target)[0], value, path, hook)
    elif origin is dict and isinstance(value, dict):
        key, item = get_args(target)
        parts = _dict(key, item, value, path, hook)
    else:
        yield from _whole(kind, value, path, hook)
        return
    sound = True
    for wrong in parts:
        sound = False
        yield wrong
    if sound and ruled:
        yield from _whole(kind, value, path, hook)


def _struct(
    kind: type[msgspec.Struct], value: dict[Any, Any], path: Path, hook: Hook | None
) -> Iterator[Wrong]:
    fields = struct_fields(kind)
    for field in fields:
        name = field.encode_name
        if name in value:
            yield from _walk(field.type, value[name], (*path, name), hook)
        elif field.required:
            yield Wrong((*path, name), REQUIRED)
    if kind.__struct_config__.forbid_unknown_fields:
        known = [field.encode_name for field in fields]
        for name in value:
            if name not in known:
                close = nearest(name, known)
                yield Wrong((*path, name), "unknown key" + (f"; did you mean `{close}`?" if close else ""))


def _list(item: Any, value: list[Any], path: Path, hook: Hook | None) -> Iterator[Wrong]:
    for index, each in enumerate(value):
        yield from _walk(item, each, (*path, index), hook)


def _dict(key: Any, item: Any, value: dict[Any, Any], path: Path, hook: Hook | None) -> Iterator[Wrong]:
    for name, each in value.items():
        yield from _whole(dict[key, Any], {name: each}, (*path, name), hook)
        yield from _walk(item, each, (*path, name), hook)


def _whole(kind: Any, value: object, path: Path, hook: Hook | None) -> Iterator[Wrong]:
    try:
        converted = msgspec.convert(value, kind, str_keys=True, dec_hook=hook)
    except msgspec.ValidationError as refusal:
        yield Wrong(path, reason(kind, refusal))
    else:
        if excess := beyond(kind, converted):
            yield Wrong(path, excess)


def beyond(kind: Any, value: object) -> str:
    """What is wrong with a value that msgspec let pass: it is beyond an `AtMost`. Empty when nothing is."""
    for part in get_args(kind):
        if isinstance(part, AtMost) and isinstance(value, int) and value > part.limit:
            return f"must be <= {part.limit}"
        if _is_union(kind) and (excess := beyond(part, value)):
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
    if name == "float" and "int" in expected:
        return "a number with a fraction or an exponent"
    return {"int": "a number", "bool": "a boolean"}.get(name) or _NAMES.get(name, name)
