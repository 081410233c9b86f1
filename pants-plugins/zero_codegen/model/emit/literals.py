"""SQL as Python source: literals in lines of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zero_codegen.python import WIDTH, string
from zero_codegen.width import width


def literal(text: str, indent: int, head: str = "") -> str:
    """A literal behind `head`, or several in parentheses: a line of SQL is a line here too, or several."""
    room = WIDTH - indent - len(head) - len(",")
    flat = string(text)
    if len(flat) <= room and "\n" not in text:
        return flat
    pieces = [
        string(piece) for line in text.splitlines(keepends=True) for piece in _wrapped(line, indent + 4)
    ]
    if len(pieces) > 1 and len(one_line := f"({' '.join(pieces)})") <= room:
        return one_line
    margin = "\n" + " " * (indent + 4)
    return f"({margin}{margin.join(pieces)}\n{' ' * indent})"


def literals(texts: Sequence[str], indent: int, head: str = "") -> str:
    """A tuple of literals behind `head`."""
    written = [literal(text, indent + 4) for text in texts]
    flat = f"({written[0]},)"
    if len(written) == 1 and "\n" not in flat and indent + len(head) + width(flat) + len(",") <= WIDTH:
        return flat
    margin = "\n" + " " * (indent + 4)
    return f"({margin}{f',{margin}'.join(written)},\n{' ' * indent})"


def _wrapped(line: str, indent: int) -> Iterator[str]:
    """A line in parts whose literals fit behind `indent`, cut before spaces where that is possible."""
    room = WIDTH - indent
    while len(string(line)) > room:
        cut = _cut(line, room)
        if cut is None:
            break
        yield line[:cut]
        line = line[cut:]
    yield line


def _cut(line: str, room: int) -> int | None:
    """The last space before which the literal of the text is short enough."""
    cut = line.rfind(" ", 0, room)
    while cut > 0 and line[:cut].strip():
        if len(string(line[:cut])) <= room:
            return cut
        cut = line.rfind(" ", 0, cut)
    return None
