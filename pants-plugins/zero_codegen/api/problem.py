"""Mistakes at pieces of source text."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from lark import Token

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.source import ContractFile


class Word(Token):
    """A piece of source text: a str that knows its file and its place there (line and column, both from 1).

    Two words are equal when their texts are, whatever part of the grammar they are.
    """

    __slots__ = ("_breaks", "file")
    __eq__ = str.__eq__
    __hash__ = str.__hash__

    file: ContractFile
    _breaks: list[int] | None

    @property
    def breaks(self) -> list[int]:
        """Where its lines end, for words of several lines: many pieces are cut out of one word."""
        if self._breaks is None:
            self._breaks = [match.start() for match in re.finditer("\n", self)]
        return self._breaks


class Problem(NamedTuple):
    """A mistake at a piece of source text."""

    at: Token
    message: str
    hint: str | None = None

    def diagnostic(self) -> Diagnostic:
        """The problem, told of the file it is in."""
        length = max(1, len(self.at.split("\n", 1)[0]))
        return file_of(self.at).diagnostic(
            line_of(self.at), self.at.column or 1, self.message, hint=self.hint, length=length
        )


def word(file: ContractFile, token: Token) -> Word:
    """The word of `file` that a token of lark's is."""
    result = Word(
        token.type,
        str(token),
        start_pos=token.start_pos,
        line=token.line,
        column=token.column,
        end_line=token.end_line,
        end_column=token.end_column,
        end_pos=token.end_pos,
    )
    result.file = file
    result._breaks = None
    return result


def file_of(at: Token) -> ContractFile:
    """The file that a piece of source text is in."""
    assert isinstance(at, Word)
    return at.file


def line_of(token: Token) -> int:
    """The line a token starts at (lark's type has it optional, for tokens that come from no text)."""
    return token.line or 0


def where(at: Token, seen_from: Token) -> str:
    """The line of a place, and its file unless it is the one of the place it is told from."""
    line = f"line {line_of(at)}"
    return line if file_of(at) is file_of(seen_from) else f"{line} of `{file_of(at).path}`"


def end_of(file: ContractFile) -> Word:
    """The place right behind the last word of a file, where what is missing should be."""
    code = file.text.rstrip()
    return word(file, Token("$END", "", line=code.count("\n") + 1, column=len(code) - code.rfind("\n")))


def piece(token: Token, start: int, end: int) -> Word:
    """A part of a word as a word of its own, at its own place and without the space around it."""
    assert isinstance(token, Word)
    text = token[start:end]
    start += len(text) - len(text.lstrip())
    above = bisect_left(token.breaks, start)
    column = start - token.breaks[above - 1] if above else start + (token.column or 1)
    return word(token.file, Token(token.type, text.strip(), line=line_of(token) + above, column=column))


def without_space(at: Token) -> Word:
    """A word without the space within it, still at its place."""
    return word(file_of(at), at.update(value="".join(at.split())))
