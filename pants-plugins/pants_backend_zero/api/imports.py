"""The imports in an `.api` file, found without parsing it: a contract with errors has dependencies too."""

from __future__ import annotations

import re
from typing import Iterator

_WORD = re.compile(r'//[^\n]*|/\*.*?\*/|`[^`]*`|"[^"]*"|\w+|\S', re.DOTALL)


def imported_paths(text: str) -> Iterator[str]:
    """The paths of `import "a.api"` and `import ("a.api" "b.api")`, as they are written."""
    importing = grouped = False
    for match in _WORD.finditer(text):
        word = match.group()
        if word.startswith(("//", "/*")):
            continue
        if importing and len(word) > 1 and word.startswith('"'):
            yield word[1:-1]
            importing = grouped
        elif importing and word == "(" and not grouped:
            grouped = True
        else:
            importing, grouped = word == "import", False
