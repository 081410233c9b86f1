"""Texts for MySQL that insert many rows at a time, made of statements that insert one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from zero_runtime.model.session import Parameters

_BATCH = 1 << 18
"""Characters, about, of a statement that inserts many rows. A server takes 16 MB by default, but nothing else
runs while such a text is put together."""

_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|[()]|\bVALUES\b""", re.IGNORECASE | re.DOTALL
)
"""Quoted texts and names, and what shows where the values of a row are."""


@lru_cache(1024)
def insertion(text: str) -> tuple[str, str, str] | None:
    """What an INSERT has before the values of its row, the values in their parentheses, and what it has
    behind; None of another statement, or of one with parameters elsewhere."""
    if text.lstrip()[:6].upper() != "INSERT":
        return None
    start, depth, after_values = -1, 0, False
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "(":
                if after_values and depth == 0:
                    start = token.start()
                depth += 1
            case ")":
                depth -= 1
                if start >= 0 and depth == 0:
                    head, tail = text[:start], text[token.end() :]
                    if "%s" in head or "%s" in tail:
                        return None
                    return head % (), text[start : token.end()], tail % ()
            case word:
                after_values = depth == 0 and word.upper() == "VALUES"
    return None


def batches(
    values: str, rows: Iterable[Parameters], literals: Callable[[Parameters], tuple[str, ...]]
) -> Iterator[tuple[int, str]]:
    """The values of all rows, as many at a time as fit into a statement, and how many that are."""
    parts: list[str] = []
    size = 0
    for row in rows:
        part = values % literals(row)
        parts.append(part)
        size += len(part)
        if size > _BATCH:
            yield len(parts), ",".join(parts)
            parts, size = [], 0
    if parts:
        yield len(parts), ",".join(parts)
