"""What is wrong with a contract, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from zero_codegen.width import width

_TAB = "    "


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
            before = self.source_line[: self.column - 1]
            marked = self.source_line[self.column - 1 : self.column - 1 + self.length]
            lines.append(f"  | {_shown(self.source_line).rstrip()}")
            lines.append(f"  | {' ' * width(_shown(before))}{'^' * max(1, width(_shown(marked)))}")
        if self.hint:
            lines.append(f"  = hint: {self.hint}")
        return "\n".join(lines)

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
