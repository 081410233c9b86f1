"""Debian's control files (deb822(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator

Paragraph = dict[str, str]


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs of a control file; continuation lines keep their line breaks."""
    for block in re.split(r"\n[ \t]*\n", text):
        paragraph: Paragraph = {}
        key = ""
        for line in block.splitlines():
            if line[:1] in " \t" and key:
                paragraph[key] += "\n" + line.strip()
            elif not line.startswith("#") and ":" in line:
                key, _, value = line.partition(":")
                paragraph[key] = value.strip()
        if paragraph:
            yield paragraph
