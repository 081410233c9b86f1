"""From the words of a file to its lines: what stands on one line, what is indented, what goes in columns."""

from __future__ import annotations

from collections.abc import Callable

from zero_codegen.api import tree
from zero_codegen.api.format.sheet import Gap, Sheet
from zero_codegen.api.format.words import Word, read_words
from zero_codegen.source import ContractFile

_CLOSING = {"(": ")", "{": "}", "[": "]"}


def lay_out(file: ContractFile, parsed: tree.File) -> str:
    """The text of a file that has no syntax error, in its layout."""
    layout = _Layout(read_words(file, parsed))
    layout.file()
    return layout.text()


class _Layout:
    """The words as they are read, one method for each form of the grammar."""

    def __init__(self, words: list[Word]) -> None:
        self._words = words
        self._position = 0
        self._sheet = Sheet()

    def text(self) -> str:
        return self._sheet.text()

    # -------------------------------------------------------------------------------------------
    # Words
    # -------------------------------------------------------------------------------------------

    def _next(self, ahead: int = 0) -> str:
        return self._words[self._position + ahead].text

    def _take(self) -> Word:
        word = self._words[self._position]
        self._position += 1
        return word

    def _write(self, gap: Gap) -> None:
        self._sheet.write(self._take(), gap)

    def _drop(self) -> None:
        """Leave a word out; the comments before it go before the next one."""
        comments = self._take().comments
        self._words[self._position].comments[:0] = comments

    def _has_comments(self, words: int) -> bool:
        return any(word.comments for word in self._words[self._position : self._position + words])

    def _brackets(self, gap: Gap, item: Callable[[], None]) -> None:
        """A bracket, items, and the bracket that closes it, on a line of its own unless there is nothing within."""
        closing = _CLOSING[self._next()]
        self._sheet.open(self._take(), gap)
        empty = self._next() == closing
        while self._next() != closing:
            item()
        self._sheet.close(self._take(), Gap.NONE if empty else Gap.LINE)

    # -------------------------------------------------------------------------------------------
    # Statements
    # -------------------------------------------------------------------------------------------

    def file(self) -> None:
        before = ""
        while (keyword := self._next()) != "":
            # Lines of imports may stand together.
            literal = keyword == "import" and self._next(1) != "("
            gap = Gap.MEMBER if literal and before == "import" else Gap.PARAGRAPH
            self._statement(keyword, gap)
            before = keyword if literal else ""
        self._sheet.end(self._take().comments)

    def _statement(self, keyword: str, gap: Gap) -> None:
        if keyword == "@server":
            self._settings(gap)
            keyword, gap = self._next(), Gap.LINE
        self._write(gap)
        if keyword == "syntax":
            self._write(Gap.SPACE)
            self._write(Gap.SPACE)
        elif keyword == "service":
            self._write(Gap.SPACE)
            self._brackets(Gap.SPACE, self._route)
        elif self._next() == "(":
            items = {"import": self._path, "info": self._entry, "type": self._declaration_in_group}
            self._brackets(Gap.SPACE, items[keyword])
        elif keyword == "type":
            self._declaration(Gap.SPACE)
        else:
            self._write(Gap.SPACE)

    def _path(self) -> None:
        self._write(Gap.MEMBER)

    def _settings(self, gap: Gap) -> None:
        """`@server (...)`, `@doc (...)` or `@doc "..."`."""
        self._write(gap)
        if self._next() == "(" and self._words[self._position + 1].type != "STRING":
            self._brackets(Gap.SPACE, self._entry)
            return
        bracketed = self._next() == "("
        self._write(Gap.SPACE)
        if bracketed:
            self._write(Gap.NONE)
            self._write(Gap.NONE)

    def _entry(self) -> None:
        self._write(Gap.MEMBER)
        self._write(Gap.NONE)
        self._write(Gap.COLUMN)
        while self._next() != ")" and self._words[self._position].type != "KEY":
            self._write(Gap.NONE)

    # -------------------------------------------------------------------------------------------
    # Types
    # -------------------------------------------------------------------------------------------

    def _declaration_in_group(self) -> None:
        self._declaration(Gap.MEMBER)

    def _declaration(self, gap: Gap) -> None:
        self._write(gap)
        if self._next() == "=":
            self._write(Gap.SPACE)
        self._type(Gap.SPACE)

    def _type(self, gap: Gap) -> None:
        while True:
            word = self._next()
            if word == "{":
                self._brackets(gap, self._member)
                return
            self._write(gap)
            if word == "struct":
                gap = Gap.SPACE
                continue
            if word == "map":
                self._write(Gap.NONE)
                self._type(Gap.NONE)
                self._write(Gap.NONE)
            elif word == "[":
                while self._next() != "]":
                    self._write(Gap.NONE)
                self._write(Gap.NONE)
            elif word != "*":
                return
            gap = Gap.NONE

    def _member(self) -> None:
        """A field, or an embedded type."""
        embedded = self._next() == "*" or self._words[self._position].type == "EMBEDDED"
        if embedded:
            pointer = self._next() == "*"
            self._write(Gap.MEMBER)
            if pointer:
                self._write(Gap.NONE)
            gap = Gap.COLUMN
        else:
            self._write(Gap.MEMBER)
            while self._next() == ",":
                self._write(Gap.NONE)
                self._write(Gap.SPACE)
            gap = Gap.SPACE if self._comes_struct() else Gap.COLUMN
            self._type(gap)
        if self._words[self._position].type == "RAW":
            self._write(gap)

    def _comes_struct(self) -> bool:
        """Whether the type that comes has a struct in it: it goes over several lines then."""
        depth = 0
        for word in self._words[self._position :]:
            if word.text in ("{", "struct"):
                return True
            depth += (word.text == "[") - (word.text == "]")
            if depth == 0 and word.text not in ("*", "]", "map"):
                return False
        return False

    # -------------------------------------------------------------------------------------------
    # Services
    # -------------------------------------------------------------------------------------------

    def _route(self) -> None:
        gap = Gap.PARAGRAPH
        while self._next().startswith("@"):
            if self._next() == "@handler":
                self._write(gap)
                self._write(Gap.SPACE)
            else:
                self._settings(gap)
            gap = Gap.LINE
        self._write(gap)
        self._write(Gap.SPACE)
        if self._next() == "(":
            self._body(words=2)
        if self._next() == "returns":
            self._body(words=3)
        if self._next() == ";":
            self._drop()

    def _body(self, *, words: int) -> None:
        """`(T)` or `returns (T)`; one that is empty has so many words, and says what nothing says too."""
        if self._next(words - 1) == ")" and not self._has_comments(words):
            for _ in range(words):
                self._drop()
            return
        if self._next() == "returns":
            self._write(Gap.SPACE)
        self._write(Gap.SPACE)
        if self._next() != ")":
            self._type(Gap.NONE)
        self._write(Gap.NONE)
