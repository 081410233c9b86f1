"""From the text of an `.api` file to its tree, around whatever is wrong in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lark import UnexpectedInput

from zero_codegen.api import tree
from zero_codegen.api.grammar import Piece, read
from zero_codegen.api.problem import Problem, Word, line_of
from zero_codegen.api.recovery import recover
from zero_codegen.diagnostics import ContractError
from zero_codegen.source import ContractFile

_MAX_ERRORS = 20
"""Syntax errors reported of one file; more of them help nobody."""


class Parsed(NamedTuple):
    """A file without what could not be read in it, of which `lost` has the words."""

    tree: tree.File
    problems: tuple[Problem, ...]
    lost: frozenset[str]


def parse(file: ContractFile) -> tree.File:
    """The tree of a contract. Raises ContractError with every syntax error."""
    parsed = parse_what_can_be(file)
    if parsed.problems:
        raise ContractError(problem.diagnostic() for problem in parsed.problems)
    return parsed.tree


def parse_what_can_be(file: ContractFile) -> Parsed:
    """The tree of a contract, and every syntax error in it."""
    pieces: list[Piece] = []
    problems: list[Problem] = []
    lost: set[str] = set()
    start = 0
    while len(problems) < _MAX_ERRORS:
        try:
            pieces.append(read(file, start, len(file.text)))
            break
        except UnexpectedInput as error:
            recovered = recover(file, start, error, _MAX_ERRORS - len(problems))
        pieces += recovered.pieces
        problems += recovered.problems
        lost |= recovered.lost
        start = recovered.end
    problems += (problem for piece in pieces for problem in piece.problems)
    statements = tuple(statement for piece in pieces for statement in piece.statements)
    words = tuple(each for piece in pieces for each in piece.words)
    comments = _comments_by_line((comment for piece in pieces for comment in piece.comments), file.lines)
    return Parsed(tree.File(statements, words, comments), tuple(problems), frozenset(lost))


def _comments_by_line(comments: Iterable[Word], lines: list[str]) -> tree.Comments:
    result = tree.Comments({}, {})
    for comment in comments:
        line = line_of(comment)
        result.by_line.setdefault(line, []).append(comment)
        if not lines[line - 1][: (comment.column or 1) - 1].strip():
            result.own_line[comment.end_line or line] = comment
    return result
