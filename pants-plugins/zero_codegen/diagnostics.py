"""What is wrong with a contract, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from zero_codegen.width import width

_TAB = "    "
_LONGEST = 200
"""Characters shown of a line."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake in one place.

    `line` and `column` count from 1, in characters (a tab is one); line 0 means the whole of what `path` is.
    `length` is how many characters the caret marks, `source_line` the text of that line, empty when there is
    none to show.
    """

    path: str
    line: int
    column: int
    message: str
    hint: str | None = None
    source_line: str = ""
    length: int = 1

    def render(self) -> str:
        """The message as people read it: place and cause, the line with a caret below, and the hint."""
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        lines = [f"{place}: {self.message}"]
        if self.source_line.strip():
            excerpt, start = self._excerpt()
            before, marked = excerpt[:start], excerpt[start : start + self.length]
            lines.append(f"  | {_shown(excerpt).rstrip()}")
            lines.append(f"  | {' ' * width(_shown(before))}{'^' * max(1, width(_shown(marked)))}")
        if self.hint:
            lines.append(f"  = hint: {self.hint}")
        return "\n".join(lines)

    def _excerpt(self) -> tuple[str, int]:
        """The line, and the index of what is marked in it; of a very long line what is around that."""
        line, start = self.source_line, self.column - 1
        if len(line) <= _LONGEST:
            return line, start
        first = max(0, start - _LONGEST // 2)
        last = first + _LONGEST
        cut = "…" if first else ""
        return cut + line[first:last] + ("…" if last < len(line) else ""), len(cut) + start - first

    def as_json(self) -> dict[str, str | int | None]:
        """The members other programs read (the `--diagnostics` file)."""
        return {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "hint": self.hint,
            "rendered": self.render(),
        }


class ContractError(Exception):
    """A contract cannot be served. Carries every mistake found in it, in the order of their places."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        super().__init__("\n".join(diagnostic.render() for diagnostic in self.diagnostics))


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The same diagnostics sorted by place, each once."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: (d.path, d.line, d.column)))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint with the known name closest to `name`, or None when none is close."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=1)
    return f"did you mean `{by_fold[close[0]]}`?" if close else None


def _shown(text: str) -> str:
    return text.replace("\t", _TAB)
