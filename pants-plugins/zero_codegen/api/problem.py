"""Mistakes at pieces of source text.

Every piece is a lark `Token`: a str that knows its line and column (both from 1).
"""

from __future__ import annotations

from typing import NamedTuple

from lark import Token

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.source import ContractFile


class Problem(NamedTuple):
    """A mistake at a piece of source text."""

    at: Token
    message: str
    hint: str | None = None

    def diagnostic(self, file: ContractFile) -> Diagnostic:
        """The problem, told of the file it is in."""
        length = max(1, len(self.at.split("\n", 1)[0]))
        return file.diagnostic(
            line_of(self.at), self.at.column or 1, self.message, hint=self.hint, length=length
        )


def line_of(token: Token) -> int:
    """The line a token starts at (lark's type has it optional, for tokens that come from no text)."""
    return token.line or 0


def end_of(text: str) -> Token:
    """The place right behind the last word of a text, where what is missing should be."""
    code = text.rstrip()
    return Token("$END", "", line=code.count("\n") + 1, column=len(code) - code.rfind("\n"))


def piece(token: Token, start: int, end: int) -> Token:
    """A part of a token as a token of its own, at its own place and without the space around it."""
    text = token[start:end]
    start += len(text) - len(text.lstrip())
    before = token[:start]
    line_start = before.rfind("\n") + 1
    column = start - line_start + (1 if line_start else token.column or 1)
    return Token(token.type, text.strip(), line=line_of(token) + before.count("\n"), column=column)
