"""Mistakes of the user or of an input, told in one run and without a traceback."""

from __future__ import annotations

from collections.abc import Iterable


class ImageError(Exception):
    """One or more problems that the reader can mend, and a hint how."""

    def __init__(self, *problems: str, hint: str = "") -> None:
        super().__init__(*problems)
        self.problems = problems
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"error: {problem}" for problem in self.problems]
        return "\n".join([*lines, f"hint: {self.hint}"] if self.hint else lines)


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the known name closest to ``name``, or nothing when none is close."""
    import difflib  # which takes longer than most of a command, and is for mistakes alone

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
