"""How wide text is on a terminal."""

from __future__ import annotations

import unicodedata


def width(text: str) -> int:
    """The columns of `text`, as black counts them: wide East Asian ones take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
