"""The grammar of `.api` files, at work: from a part of a text to the statements in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, cast

from lark import Lark, Token
from lark.lark import PostLex
from lark.utils import TextSlice

from zero_codegen.api import tree
from zero_codegen.api.builder import Builder
from zero_codegen.api.problem import Problem, Word, word
from zero_codegen.source import ContractFile


class Piece(NamedTuple):
    """A part of a file that could be read."""

    statements: list[tree.Statement]
    words: list[Word]
    comments: list[Word]
    problems: list[Problem]


def read(file: ContractFile, start: int, end: int, text: str | None = None) -> Piece:
    """What stands between two places of a file, which has `text` there in place of its own.

    Raises lark's UnexpectedInput at the first syntax error.
    """
    return _parser().read(file, TextSlice(file.text if text is None else text, start, end))


@cache
def _parser() -> _Parser:
    return _Parser()


class _Parser(PostLex):
    """The grammar, made ready once for all files of a process."""

    always_accept = ()

    def __init__(self) -> None:
        self._builder = Builder()
        self._file = ContractFile("", "", "")
        self._piece = Piece([], [], [], [])
        self._lark = Lark(
            Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"),
            parser="lalr",
            lexer="contextual",
            transformer=self._builder,
            postlex=self,
            lexer_callbacks={"COMMENT": self._keep_comment},
        )

    def read(self, file: ContractFile, text: TextSlice[str]) -> Piece:
        self._file, self._piece = file, Piece([], [], [], [])
        self._builder.begin(self._piece.problems)
        parsed = self._lark.parse(cast("str", text))
        self._piece.statements.extend(cast("list[tree.Statement]", parsed))
        return self._piece

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Give every word its file, on its way from the lexer to the parser."""
        file, words = self._file, self._piece.words
        for token in stream:
            placed = word(file, token)
            words.append(placed)
            yield placed

    def _keep_comment(self, comment: Token) -> Token:
        placed = word(self._file, comment)
        self._piece.words.append(placed)
        self._piece.comments.append(placed)
        return comment
