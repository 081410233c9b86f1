"""Struct tags: `json:"name,option=value" form:"…"`, read with the place of every piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from lark import Token

from zero_codegen.api.problem import Problem, piece


class Option(NamedTuple):
    """One of the words behind the name: `optional` or `default=5`; `value` is None without `=`."""

    at: Token
    name: str
    value: str | None


class TagKey(NamedTuple):
    """One `key:"name,options"`; `name` is empty in `json:",optional"`."""

    key: Token
    name: Token
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    """A whole tag and what is malformed in it."""

    at: Token
    keys: tuple[TagKey, ...]
    problems: tuple[Problem, ...]


_PAIR = re.compile(r'\s*([^\s":,]+):"((?:[^"\\]|\\.)*)"')
_FORM = 'a tag is written `json:"name"`, several are separated by a space'


def read_tag(raw: Token) -> Tag:
    """Read a tag as it stands in the source, back quotes included."""
    keys: list[TagKey] = []
    position, end = 1, len(raw) - 1
    while pair := _PAIR.match(raw, position, end):
        if keys and raw[position] not in " \t\n":
            break
        keys.append(_key(raw, pair))
        position = pair.end()
    position += len(raw[position:end]) - len(raw[position:end].lstrip())
    problems = []
    if position < end:
        problems.append(Problem(piece(raw, position, end), "malformed tag", _FORM))
    elif not keys:
        problems.append(Problem(raw, "empty tag", _FORM))
    return Tag(raw, tuple(keys), tuple(problems))


def _key(raw: Token, pair: re.Match[str]) -> TagKey:
    name, *options = _split(raw, *pair.span(2))
    return TagKey(piece(raw, *pair.span(1)), name, tuple(map(_option, options)))


def _option(piece: Token) -> Option:
    name, equals, value = piece.partition("=")
    return Option(piece, name.strip(), value.strip() if equals else None)


def _split(raw: Token, start: int, end: int) -> Iterator[Token]:
    """Split at commas; those within brackets (`options=[a,b]`) belong to the value."""
    depth = 0
    for position in range(start, end):
        char = raw[position]
        depth += (char in "[(") - (char in "])")
        if char == "," and depth <= 0:
            yield piece(raw, start, position)
            start = position + 1
    yield piece(raw, start, end)
