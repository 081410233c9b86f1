"""What can be read around a syntax error: its statement without the lines that are wrong, or what follows that.

A statement begins at the start of a line. Where a line is wrong, and what goes with it, is told by its form alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import NamedTuple

from lark import UnexpectedInput, UnexpectedToken

from zero_codegen.api import tree
from zero_codegen.api.golang import METHODS
from zero_codegen.api.grammar import Piece, read
from zero_codegen.api.problem import Problem, line_of
from zero_codegen.api.syntax_errors import allowed, explain
from zero_codegen.source import ContractFile

_STATEMENT = re.compile(r"^(?:(?:type|service|info|import|syntax)\b|@server)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_GROUP = re.compile(
    r"^[ \t]*@\w+[ \t]*[(（{][ \t]*\n"
    rf"(?:[ \t]*(?:(?!(?:{'|'.join(METHODS)})\b)\w[^\n]*|//[^\n]*)?\n)*"
    r"(?P<closed>[ \t]*[)）][ \t]*$)?",
    re.MULTILINE,
)
"""The lines of a `@doc` or `@server` within a service; one that is not closed ends where no entry can stand."""

_FIRST_IN_LINE = frozenset({"AT_HANDLER", "EMBEDDED", "IDENT", "KEY", "METHOD", "RBRACE", "SERVICE", "TYPE"})
"""Terminals that lines of the usual layout begin with."""


class Span(NamedTuple):
    """A part of a text."""

    start: int
    end: int


class Recovered(NamedTuple):
    """What was read up to `end`, what is wrong there, and the words of what was left out."""

    pieces: list[Piece]
    problems: list[Problem]
    lost: set[str]
    end: int


def recover(file: ContractFile, start: int, error: UnexpectedInput, limit: int) -> Recovered:
    """What can be read between `start` and the end of the statement that has the error.

    The lines that are wrong are left out of the statement where the rest of it is whole without them, and otherwise
    the statement is. No more than `limit` problems are told.
    """
    at = _position(error, len(file.text))
    block, service, end = _statement_at(file.text, start, at)
    pieces: list[Piece] = []
    try:
        pieces.append(read(file, start, block))
    except UnexpectedInput:
        # What is before is not closed; or what looked like the start of a statement was none.
        end = block if at <= _line(file.text, block).end else end
        block = service = start
    mending = _Mending(file, block, service, end)
    if piece := mending.piece(error, limit):
        pieces.append(piece)
    lost = {name for span in mending.left_out for name in _NAME.findall(file.text, *span)}
    return Recovered(pieces, mending.problems, lost, mending.end)


def _position(error: UnexpectedInput, end: int) -> int:
    """Where an error is in a text that ends at `end`."""
    is_at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    return end if is_at_end or error.pos_in_stream is None else error.pos_in_stream


def _statement_at(text: str, start: int, at: int) -> tuple[int, int, int]:
    """Where the statement begins that has an error at `at`, where the service does in it, and the next statement.

    Only a service with settings of its own has the two apart.
    """
    starts = [match.start() for match in _STATEMENT.finditer(text, start)]
    before = [each for each in starts if each < at]
    block = service = before[-1] if before else start
    after = [*(each for each in starts if each >= at and each > block), len(text)]
    if text.startswith("service", block) and len(before) > 1 and text.startswith("@server", before[-2]):
        block = before[-2]
    elif text.startswith("@server", block) and text.startswith("service", after[0]):
        service = after.pop(0)
    return block, service, after[0]


class _Mending:
    """Leaves out lines of a statement until the rest of it can be read."""

    def __init__(self, file: ContractFile, start: int, service: int, end: int) -> None:
        self.problems: list[Problem] = []
        self.left_out: list[Span] = []
        self.end = end
        self._file = file
        self._text = file.text
        self._start = start
        self._service = service

    def piece(self, error: UnexpectedInput, limit: int) -> Piece | None:
        """What is left of the statement; None when that cannot be read."""
        while True:
            at = min(_position(error, len(self._text)), self.end)
            if piece := self._whole_before(error, at):
                self.end = at
                return self._settled(piece)
            problem = explain(error, self._file)
            if not self.problems or line_of(problem.at) > line_of(self.problems[-1].at):
                self.problems.append(problem)  # another one of the same line would be a consequence
            wrong = self._wrong_part(at, allowed(error))
            if wrong is None or len(self.problems) == limit:
                self.left_out.append(Span(self._start, self.end))
                return None
            self.left_out.append(wrong)
            blank = re.sub("[^\n]", " ", self._text[slice(*wrong)])
            self._text = self._text[: wrong.start] + blank + self._text[wrong.end :]
            try:
                return self._settled(self._read())
            except UnexpectedInput as another:
                error = another

    def _read(self) -> Piece:
        try:
            return read(self._file, self._start, self.end, self._text)
        except UnexpectedInput as error:
            if _position(error, self.end) < self.end:
                raise
        # It is not complete: what follows tells why.
        piece = read(self._file, self._start, len(self._text), self._text)
        self.end = len(self._text)
        return piece

    def _whole_before(self, error: UnexpectedInput, at: int) -> Piece | None:
        """The statement, when all of it stands before a line that would have to begin another one."""
        first, _ = _line(self._text, at)
        if not self._start < first or self._text[first:at].strip() or "TYPE" not in allowed(error):
            return None
        try:
            return read(self._file, self._start, at, self._text)
        except UnexpectedInput:
            return None

    def _wrong_part(self, at: int, possible: Set[str]) -> Span | None:
        """What to leave out for an error: some lines, or all settings of a service whose form is beyond repair."""
        settings = self._text[self._start : self._service]
        in_settings = at <= self._service and settings.strip()
        is_closed = settings[: at - self._start].count("(") <= settings[: at - self._start].count(")")
        if in_settings and (at == self._service or is_closed):
            return Span(self._start, self._service)
        if at < self.end and (group := _faulty_group(self._text, self._service, at)):
            return group
        line = _faulty_line(self._text, self._start, at, self.end, possible)
        if line and not (self.left_out and line <= self.left_out[-1]):
            return line
        return Span(self._start, self._service) if in_settings else None

    def _settled(self, piece: Piece) -> Piece:
        """Without what only seems wrong, as something before it is left out, and with what that leaves in doubt."""
        methods = [word.start_pos or 0 for word in piece.words if word.type == "METHOD"]
        routes = {span: next((each for each in methods if each > span.end), -1) for span in self.left_out}
        problems = [
            problem
            for problem in piece.problems
            if not any(span.end <= (problem.at.start_pos or 0) <= end for span, end in routes.items())
        ]
        statements = [
            each._replace(routes=tuple(self._with_doubt(each))) if isinstance(each, tree.Service) else each
            for each in piece.statements
        ]
        return piece._replace(problems=problems, statements=statements)

    def _with_doubt(self, service: tree.Service) -> Iterator[tree.Route]:
        """The routes of a service, each knowing whether settings of it are left out."""
        begin = service.keyword.start_pos or 0
        in_group = any(span.start < begin for span in self.left_out)
        for route in service.routes:
            first, method = route.first.start_pos or 0, route.method.start_pos or 0
            in_doubt = in_group or any(
                begin < span.start < method
                and (first < span.start or "@server" in self._file.text[slice(*span)])
                for span in self.left_out
            )
            yield route._replace(is_settled=not in_doubt)
            begin = method


def _faulty_group(text: str, start: int, at: int) -> Span | None:
    """The group within a service that begins in a wrong way at `at`, or is not closed before that."""
    for group in _GROUP.finditer(text, _line(text, start).end):
        if group.start() > at:
            break
        is_first_line = at <= _line(text, group.start()).end
        if is_first_line or (not group["closed"] and not text[group.end() : at].strip()):
            return Span(*group.span())
    return None


def _faulty_line(text: str, start: int, at: int, end: int, possible: Set[str]) -> Span | None:
    """The line of an error at `at`, or the one above where that only ends something, or lacks its own end.

    It opens and ends nothing else. A route goes with what is said of it in the lines above, and that with its route.
    """
    first, last = _line(text, at)
    is_cut_off = not text[first:at].strip() and not _begins_line(possible)
    if is_cut_off or not _is_closed(text[first:last]):
        first, last = _line_above(text, first)
    line = text[first:last]
    if not start < first < end or not (is_cut_off or _is_closed(line)):
        return None
    if re.match(r"\s*@(?:server|doc)\b", line):
        return Span(first, last)
    if line.lstrip().startswith("@") and "/" not in line:
        below = _line_below(text, last)
        return Span(first, below.end if _is_closed(text[slice(*below)]) else last)
    while above := _said_above(text, first):
        first = above.start
    return Span(first, last)


def _begins_line(possible: Set[str]) -> bool:
    """Whether some of what is possible may well be the first word of a line."""
    return not possible.isdisjoint(_FIRST_IN_LINE) or "RPAR" in possible and len(possible) > 1


def _is_closed(line: str) -> bool:
    """Whether a line has something in it, and ends all that it opens."""
    return line.strip() != "" and all(line.count(left) == line.count(right) for left, right in ("{}", "()"))


def _said_above(text: str, first: int) -> Span | None:
    """What is said of the route in the line that begins there: the line or the group above it, if it is that."""
    line = _line_above(text, first)
    code = text[slice(*line)].strip()
    if code.startswith("@"):
        is_route = re.match(r"@handler\b.*/", code)
        return line if _is_closed(code) and not is_route else None
    group = _GROUP.match(text, _line(text, text.rfind("@", 0, line.start)).start) if code == ")" else None
    return Span(*group.span()) if group and group.end() == line.end else None


def _line(text: str, at: int) -> Span:
    """The line of a place, without its end."""
    end = text.find("\n", at)
    return Span(text.rfind("\n", 0, at) + 1, end if end >= 0 else len(text))


def _line_above(text: str, first: int) -> Span:
    """The line with something in it above the one that begins there."""
    return _line(text, len(text[:first].rstrip()))


def _line_below(text: str, last: int) -> Span:
    """The line with something in it below the one that ends there."""
    return _line(text, len(text) - len(text[last:].lstrip()))
