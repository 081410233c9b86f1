"""The words of a file with the comments between them, and where the lines end."""

from __future__ import annotations

from dataclasses import dataclass, field

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.problem import line_of
from zero_codegen.source import ContractFile


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, its further lines without the indentation of the first.

    `beside`: it stands behind a word or another comment, on the same line. `blank`: a blank line is above it.
    """

    lines: tuple[str, ...]
    indented: tuple[bool, ...]
    beside: bool
    blank: bool

    @property
    def ends_line(self) -> bool:
        return self.lines[0].startswith("//")

    def text(self, indent: int) -> str:
        """The comment where the lines are indented by so many tabs."""
        tabs = "\t" * indent
        lines = zip(self.lines, self.indented, strict=True)
        return "\n".join(f"{tabs}{line}".rstrip() if moved else line for line, moved in lines)


@dataclass(slots=True)
class Word:
    """A word and the comments between it and the word before. `blank`: a blank line is above it."""

    text: str
    type: str
    blank: bool
    comments: list[Comment] = field(default_factory=list)


def read_words(file: ContractFile, parsed: tree.File) -> list[Word]:
    """The words of a file; the last is an empty one, with the comments at the end."""
    words: list[Word] = []
    comments: list[Comment] = []
    line = 0
    for token in parsed.words:
        start = line_of(token)
        blank = start > line + 1
        if token.type == "COMMENT":
            comments.append(_comment(file, token, beside=start == line, blank=blank))
        else:
            words.append(Word(_text(token), token.type, blank, comments))
            comments = []
        line = start + token.count("\n")
    return [*words, Word("", "$END", False, comments)]


def _comment(file: ContractFile, token: Token, *, beside: bool, blank: bool) -> Comment:
    first, *others = (line.rstrip() for line in token.split("\n"))
    before = file.lines[line_of(token) - 1][: (token.column or 1) - 1]
    indented = [not beside and line.startswith(before) for line in others]
    lines = (
        line.removeprefix(before) if moved else line for line, moved in zip(others, indented, strict=True)
    )
    return Comment((first, *lines), (False, *indented), beside, blank)


def _text(token: Token) -> str:
    """A word without the space that may stand in it and means nothing."""
    return "".join(token.split()) if token.type in ("ANY", "PATH", "SERVICE_NAME") else str(token)
