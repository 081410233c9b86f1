"""The lines that a formatted file is written on: their indentation, their comments and their columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from zero_codegen.api.format.words import Comment, Word


class Gap(Enum):
    """What stands before a word."""

    NONE = auto()
    SPACE = auto()
    COLUMN = auto()
    """As many spaces as make it stand below those of the lines around it."""
    LINE = auto()
    """A new line."""
    MEMBER = auto()
    """A new line; a blank line above it stays."""
    PARAGRAPH = auto()
    """A new line with a blank line above it."""


_LINES = (Gap.LINE, Gap.MEMBER, Gap.PARAGRAPH)


@dataclass(slots=True)
class _Line:
    indent: int
    cells: list[str]

    @property
    def columns(self) -> int:
        """How many of its cells have another one behind them, which they are filled up for."""
        return len(self.cells) - 1


class Sheet:
    """The lines written so far. `indent` is the level of the next one."""

    def __init__(self) -> None:
        self.indent = 0
        self._lines: list[_Line] = []
        self._at_start = True  # of the file, or of what is in brackets: no blank line goes there

    def open(self, word: Word, gap: Gap) -> None:
        """Write a bracket, and go on within it."""
        self.write(word, gap)
        self._at_start = True
        self.indent += 1

    def close(self, word: Word, gap: Gap) -> None:
        """Write the bracket that ends what one began; comments before it are still within."""
        broken = self._write_comments(word.comments, Gap.MEMBER)
        self.indent -= 1
        if broken or gap in _LINES:
            self._start_line(blank=False)
        self._add(f" {word.text}" if word.comments else word.text)
        self._at_start = False

    def write(self, word: Word, gap: Gap) -> None:
        """Write the comments before a word, and the word."""
        if gap in _LINES:
            all_beside = all(comment.beside for comment in word.comments)
            self._write_comments(word.comments, gap)
            blank = gap is not Gap.LINE and word.blank
            self._start_line(blank=blank or (gap is Gap.PARAGRAPH and all_beside))
            self._add(word.text)
            return
        if gap is Gap.COLUMN:
            self._lines[-1].cells.append("")
        self.indent += 1
        if self._write_comments(word.comments, Gap.LINE):
            self._start_line(blank=False)
        self._add(f" {word.text}" if word.comments or gap is Gap.SPACE else word.text)
        self.indent -= 1

    def end(self, comments: list[Comment]) -> None:
        """Write the comments at the end of the file."""
        self._write_comments(comments, Gap.PARAGRAPH)

    def _write_comments(self, comments: list[Comment], gap: Gap) -> bool:
        """Write comments: those beside a word behind it, others on lines of their own.

        Returns whether the line cannot go on behind them.
        """
        broken = above = False
        for comment in comments:
            if comment.beside:
                self._add(f" {comment.text(self.indent)}")
                broken = above or comment.ends_line
            else:
                blank = gap is not Gap.LINE and comment.blank
                self._start_line(blank=blank or (gap is Gap.PARAGRAPH and not above))
                self._add(comment.text(self.indent))
                broken = above = True
        return broken

    def _start_line(self, *, blank: bool) -> None:
        if blank and not self._at_start:
            self._lines.append(_Line(0, [""]))
        self._lines.append(_Line(self.indent, [""]))
        self._at_start = False

    def _add(self, text: str) -> None:
        cells = self._lines[-1].cells
        cells[-1] += text if cells[-1] else text.removeprefix(" ")

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._aligned())

    def _aligned(self) -> Iterator[str]:
        """Every column is as wide as the widest of its cells in lines that follow each other."""
        for column in range(max((line.columns for line in self._lines), default=0)):
            lines: list[_Line] = []
            for line in self._sections():
                if line.columns > column:
                    lines.append(line)
                else:
                    _fill(lines, column)
                    lines = []
        for line in self._lines:
            yield ("\t" * line.indent + "".join(line.cells)).rstrip()

    def _sections(self) -> Iterator[_Line]:
        """The lines, with one that has no column behind each that goes over several lines of text, and at the end."""
        for line in self._lines:
            yield line
            if any("\n" in cell for cell in line.cells):
                yield _Line(0, [""])
        yield _Line(0, [""])


def _fill(lines: list[_Line], column: int) -> None:
    width = max((len(line.cells[column]) for line in lines), default=0) + 1
    for line in lines:
        line.cells[column] = line.cells[column].ljust(width)
