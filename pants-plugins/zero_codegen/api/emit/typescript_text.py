"""Pieces of TypeScript source."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from zero_codegen.width import width

WIDTH = 100
"""Line length, in columns; comments and unions of texts may be longer."""


@dataclass(frozen=True, slots=True)
class Braces:
    """An object literal: its properties and their values."""

    properties: tuple[tuple[str, Piece], ...]

    def __str__(self) -> str:
        return f"{{ {', '.join(_property(name, str(value)) for name, value in self.properties)} }}"


Piece: TypeAlias = str | Braces


def layout(head: str, piece: Piece, tail: str, indent: int) -> str:
    """A piece between two texts, on one line if it fits and else with every property on its own."""
    flat = f"{head}{piece}{tail}"
    if isinstance(piece, str) or indent + width(flat) <= WIDTH:
        return flat
    inner = " " * (indent + 2)
    lines = (
        inner + layout("" if value == name else f"{key(name)}: ", value, ",", indent + 2)
        for name, value in piece.properties
    )
    return "\n".join([f"{head}{{", *lines, f"{' ' * indent}}}{tail}"])


def key(name: str) -> str:
    """The name of a property, in quotes where it needs them."""
    return name if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name) else literal(name)


def access(value: str, name: str) -> str:
    """A property of a value."""
    return f"{value}.{name}" if key(name) == name else f"{value}[{literal(name)}]"


def literal(value: str | bool | int | float | Decimal) -> str:
    """A value as a literal; a decimal is a string."""
    return json.dumps(str(value) if isinstance(value, Decimal) else value, ensure_ascii=False)


def comment(parts: Iterable[str], indent: int = 0) -> str:
    """A documentation comment of paragraphs, "" when there are none; its further lines are indented."""
    text = "\n\n".join(filter(None, (part.strip() for part in parts))).replace("*/", "*\\/")
    if not text:
        return ""
    if "\n" not in text:
        return f"/** {text} */"
    margin = " " * indent
    lines = (f"{margin} * {line}".rstrip() for line in text.split("\n"))
    return "\n".join(["/**", *lines, f"{margin} */"])


def _property(name: str, value: str) -> str:
    return name if value == name else f"{key(name)}: {value}"
