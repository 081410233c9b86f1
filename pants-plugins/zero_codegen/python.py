"""Pieces of Python source, laid out as black does in lines of 100 columns."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from zero_codegen.width import width

WIDTH = 100
"""Line length of generated source, in columns."""


@dataclass(frozen=True, slots=True)
class Bracketed:
    """Items between brackets: `head` ends with the opening one, `tail` begins with the closing one."""

    head: str
    items: tuple[Piece, ...]
    tail: str

    def __str__(self) -> str:
        return f"{self.head}{', '.join(map(str, self.items))}{self.tail}"


Piece: TypeAlias = str | Bracketed


def joined(before: str, piece: Piece, behind: str = "") -> Piece:
    """A piece with text right before and behind it: `return `, `name = `, ` | None`."""
    if isinstance(piece, str):
        return f"{before}{piece}{behind}"
    return Bracketed(f"{before}{piece.head}", piece.items, f"{piece.tail}{behind}")


def layout(piece: Piece, indent: int = 0, suffix: str = "") -> str:
    """A piece on as few lines as black would take, `suffix` right behind it.

    The first line carries no indentation (the place it is put at has it), the others `indent` spaces or more.
    """
    flat = f"{piece}{suffix}"
    if isinstance(piece, str) or indent + width(flat) <= WIDTH:
        return flat
    inner = " " * (indent + 4)
    body = ", ".join(map(str, piece.items))
    if len(piece.items) == 1:
        comma = "," if re.match(r"(async )?def ", piece.head) else ""
        lines = [layout(piece.items[0], len(inner), comma)]
    elif len(inner) + width(body) <= WIDTH and not re.search(r"(^|[\s=(\[{:,])[(\[{]$", piece.head):
        lines = [body]
    else:  # too long for one line, or a literal, of which black gives every item a line
        lines = [layout(item, len(inner), ",") for item in piece.items]
    return "\n".join([piece.head, *(inner + line for line in lines), " " * indent + piece.tail + suffix])


def bracketed(head: str, items: Sequence[Piece], tail: str, indent: int = 0) -> str:
    """`layout` of `Bracketed`, for templates."""
    return layout(Bracketed(head, tuple(items), tail), indent)


def tuple_literal(items: Sequence[Piece]) -> Bracketed:
    """A tuple. The comma in a tuple of one belongs to its item, as black joins it whatever commas it has."""
    if len(items) != 1:
        return Bracketed("(", tuple(items), ")")
    (item,) = items
    with_comma = f"{item}," if isinstance(item, str) else Bracketed(item.head, item.items, f"{item.tail},")
    return Bracketed("(", (with_comma,), ")")


def import_from(module: str, names: Iterable[str]) -> str:
    """A `from` import with its names in the order of isort: constants, classes, the rest."""
    ordered = sorted(set(names), key=isort_key)
    flat = f"from {module} import {', '.join(ordered)}"
    return flat if len(flat) <= WIDTH else bracketed(f"from {module} import (", ordered, ")")


def free(name: str, taken: set[str]) -> str:
    """The name, with as many `_` behind it as make it none of those taken; takes it."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def isort_key(name: str) -> tuple[int, str]:
    """Sorts the names of one import statement: constants, classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name


def string(value: str) -> str:
    """A string literal, double-quoted where black would have it so: when that needs no more escapes."""
    text = repr(str(value))
    if text[0] == '"' or value.count('"') > text[1:-1].count("\\'"):
        return text
    body = text[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{body}"'


def docstring(text: str, indent: int = 0) -> str:
    """A docstring with its quotes; its further lines are indented by `indent` spaces."""
    text = text.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if text.startswith('"'):
        text = f" {text}"
    if text.endswith('"'):
        text = f"{text} "
    room = WIDTH - indent - 6
    lines = [
        part
        for line in text.split("\n")
        for part in (
            _wrapped(_printable(line.rstrip("\r\t ")), room) if len(line) > room else [_printable(line)]
        )
    ]
    if len(lines) == 1:
        return f'"""{lines[0]}"""'
    margin = " " * indent
    lines = [line.rstrip() for line in lines]
    return "\n".join(
        [f'"""{lines[0]}', *(margin + line if line else "" for line in lines[1:]), f'{margin}"""']
    )


def _wrapped(line: str, room: int) -> list[str]:
    return textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False)


def _printable(line: str) -> str:
    line = line.expandtabs(4)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
