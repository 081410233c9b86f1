"""The words of DDL with their places, and a cursor over those of one statement.

The tokens are sqlglot's. Its trees are not used for what declares tables: in them types, constraints and
keys have no place, `INT8` is a TINYINT and `LONG` a BIGINT, a trailing comma passes, and what cannot be
read becomes an opaque command. The part of the grammar that declares tables is small enough to be read
here, exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NoReturn

import sqlglot
from sqlglot import Token, TokenType
from sqlglot.errors import TokenError

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model.parse.lexicon import Lexicon
from zero_codegen.source import ContractFile

_NO_WORDS = frozenset(
    {TokenType.IDENTIFIER, TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.NUMBER}
    | {TokenType.HEREDOC_STRING, TokenType.BYTE_STRING, TokenType.HEX_STRING, TokenType.BIT_STRING}
    | {TokenType.RAW_STRING, TokenType.UNICODE_STRING}
)
_TEXTS = (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.BYTE_STRING)
"""Texts in quotes; sqlglot calls PostgreSQL's `E'…'`, in which it reads the backslashes, a BYTE_STRING."""

_EXECUTED = ("/*!", "/*M!")
"""How comments begin that MySQL or MariaDB executes."""

_HARMLESS = re.compile(
    r"/\*!\d*\s+(SET\s|ALTER\s+TABLE\s+\S+\s+(DISABLE|ENABLE)\s+KEYS\b|'\+'\*/)"
    r"|/\*M!999999\\- enable the sandbox mode",
    re.IGNORECASE,
)
"""Comments that dumps have around their statements: settings of the session that loads them."""

_PSQL = re.compile(r"^\\(un)?restrict\b.*$", re.MULTILINE)
"""What pg_dump tells psql before and after its statements."""

_COPIED = re.compile(r"(?<=FROM stdin;\n).*?^\\\.$", re.MULTILINE | re.DOTALL | re.IGNORECASE)
"""The rows that follow a COPY."""


class Mistake(Exception):
    """Something in the DDL that cannot be read or served, with the tokens it is about."""

    def __init__(self, tokens: Sequence[Token], message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.tokens = tokens
        self.message = message
        self.hint = hint

    def diagnostic(self, file: ContractFile) -> Diagnostic:
        """The mistake with its place in the file; it marks no more than one line."""
        start, end = self.tokens[0].start, self.tokens[-1].end + 1
        length = len(file.text[start:end].partition("\n")[0])
        return _diagnostic(file, start, self.message, hint=self.hint, length=length)


def statements(file: ContractFile, lexicon: Lexicon) -> Iterator[list[Token]]:
    """The tokens of each statement, without the semicolon; a token that is made of words is one word.

    Raises ContractError when a quote or comment is not closed.
    """
    text = file.text
    if lexicon.dialect == "postgresql":
        text = _COPIED.sub(_blank, _PSQL.sub(_blank, text))
    try:
        tokens = sqlglot.tokenize(text, read=lexicon.sqlglot)
    except TokenError as error:
        raise ContractError([_unclosed(file, text, lexicon)]) from error
    statement: list[Token] = []
    for token in tokens:
        if token.token_type is TokenType.SEMICOLON:
            if statement:
                yield statement
            statement = []
        elif token.token_type in _NO_WORDS or " " not in token.text:
            statement.append(token)
        else:
            statement += _single_words(token, text)
    if statement:
        yield statement


def executed_comments(file: ContractFile, lexicon: Lexicon) -> Iterator[Mistake]:
    """Comments that a server runs, such as `/*!50100 PARTITION BY … */`: their words are not read here."""
    if lexicon.dialect != "mysql" or not any(opening in file.text for opening in _EXECUTED):
        return
    for match in lexicon.closed.finditer(file.text):
        if match[0].startswith(_EXECUTED) and not _HARMLESS.match(match[0]):
            token = Token(TokenType.HINT, match[0], start=match.start(), end=match.end() - 1)
            message = "a comment that servers execute is not supported"
            yield Mistake([token], message, "write it as plain SQL, or leave it out")


def place(file: ContractFile, token: Token) -> tuple[int, int]:
    """Line and column of a token, from 1."""
    return _line_and_column(file, token.start)


def source(file: ContractFile, tokens: Sequence[Token]) -> str:
    """The text of neighbouring tokens as it is written."""
    return file.text[tokens[0].start : tokens[-1].end + 1] if tokens else ""


class Cursor:
    """Reads the tokens of one statement from left to right."""

    def __init__(self, tokens: Sequence[Token], file: ContractFile, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.dialect = lexicon.dialect
        self._file = file
        self._tokens = tokens
        self._words = ["" if token.token_type in _NO_WORDS else token.text.upper() for token in tokens]
        self._index = 0

    @property
    def index(self) -> int:
        """How many tokens have been read."""
        return self._index

    @property
    def token(self) -> Token | None:
        """The next token."""
        return self._tokens[self._index] if self._index < len(self._tokens) else None

    @property
    def word(self) -> str:
        """The next token as a word in upper case; "" when it is none."""
        return self._words[self._index] if self._index < len(self._words) else ""

    @property
    def is_at_end_of_part(self) -> bool:
        """Whether the column or key that is read ends here."""
        return self._index >= len(self._words) or self._words[self._index] in (",", ")")

    def since(self, index: int) -> Sequence[Token]:
        """The tokens read since `index`, or the next one when there are none."""
        return self._tokens[index : max(self._index, index + 1)] or self._tokens[-1:]

    def written(self, index: int) -> str:
        """The text of the tokens read since `index`."""
        return source(self._file, self._tokens[index : self._index])

    def remarks(self, index: int) -> str:
        """The comments at the tokens read since `index`, and at the comma behind them."""
        end = self._index + self.at(",")
        comments = [comment.strip() for token in self._tokens[index:end] for comment in token.comments]
        return " ".join(filter(None, comments))

    def at(self, words: str) -> bool:
        """Whether `words` come next."""
        return self._length(words) > 0

    def take(self, words: str) -> bool:
        """Read `words` when they come next."""
        length = self._length(words)
        self._index += length
        return length > 0

    def expect(self, words: str) -> Token:
        """Read `words`, and return the last token of them; anything else is a Mistake."""
        if not self.take(words):
            self.fail(f"expected `{words}`")
        return self._tokens[self._index - 1]

    def take_type(self, *types: TokenType) -> Token | None:
        """Read the next token when it is of one of these types."""
        token = self.token
        if token is None or token.token_type not in types:
            return None
        self._index += 1
        return token

    def take_text(self) -> str | None:
        """Read a text in quotes when one comes next, and return what it says."""
        token = self.take_type(*_TEXTS)
        return None if token is None else token.text

    def expect_text(self) -> str:
        text = self.take_text()
        if text is None:
            self.fail("expected a text in quotes")
        return text

    def name(self, of: str) -> Token:
        """Read the name of something; its text is the name as the database has it."""
        token = self.token
        if token is None or not (
            token.token_type is TokenType.IDENTIFIER or re.fullmatch(r"[\w$]+", self.word)
        ):
            self.fail(f"expected the name of {of}")
        is_quoted = token.token_type is TokenType.IDENTIFIER
        if not is_quoted and token.text.lower() in self.lexicon.reserved:
            quotes = "back-quotes" if self.lexicon.quote == "`" else "double quotes"
            message = f"`{token.text}` is a reserved word of {self.lexicon.title}"
            raise Mistake([token], message, f"a name like this stands in {quotes}")
        self._index += 1
        if is_quoted or not self.lexicon.folds:
            return token
        return Token(token.token_type, token.text.lower(), start=token.start, end=token.end)

    def advance(self) -> None:
        """Read whatever comes next."""
        self._index += 1

    def parenthesized(self) -> Sequence[Token]:
        """Read `( … )`, and return what is between."""
        self.expect("(")
        start = self._index
        self.skip_part(start, commas=False)
        if self._index == start:
            self.fail("expected an expression")
        between = self._tokens[start : self._index]
        self.expect(")")
        return between

    def skip_part(self, start: int, *, commas: bool = True) -> None:
        """Read up to the comma or parenthesis that ends the part of a list which begins at token `start`."""
        self._index = start
        depth = 0
        while (token := self.token) is not None:
            if depth == 0 and (
                token.token_type is TokenType.R_PAREN or (commas and token.token_type is TokenType.COMMA)
            ):
                return
            depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
            self._index += 1

    def fail(self, message: str, hint: str | None = None) -> NoReturn:
        """A Mistake at the next token."""
        if self.token is None:
            raise Mistake(self._tokens[-1:], f"{message}, but the statement ends here", hint)
        raise Mistake([self.token], message, hint)

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """A Mistake when one of these words comes next."""
        for words, reason in reasons.items():
            if self.at(words):
                self.fail(reason)

    def fail_here(self, hint: str | None = None) -> NoReturn:
        """A Mistake because the next token belongs nowhere."""
        shown = "" if self.token is None else self.token.text
        self.fail(f"`{shown}` is not understood here", hint)

    def _length(self, words: str) -> int:
        """How many tokens `words` are when they come next, else 0."""
        wanted = _split(words)
        end = self._index + len(wanted)
        return len(wanted) if self._words[self._index : end] == wanted else 0


@cache
def _split(words: str) -> list[str]:
    return words.split()


def _single_words(token: Token, text: str) -> Iterator[Token]:
    """sqlglot gives `PRIMARY KEY` as one token."""
    for match in re.finditer(r"\S+", text[token.start : token.end + 1]):
        start = token.start + match.start()
        yield Token(
            TokenType.VAR, match[0], start=start, end=start + len(match[0]) - 1, comments=token.comments
        )


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _unclosed(file: ContractFile, text: str, lexicon: Lexicon) -> Diagnostic:
    """Where the quote or comment begins that has no end: sqlglot does not say."""
    for match in lexicon.closed.finditer(text):
        opening = match[0]
        if opening in lexicon.openings and (opening != "/" or text.startswith("/*", match.start())):
            return _diagnostic(
                file, match.start(), f"{lexicon.openings[opening]} begins here and does not end"
            )
    return file.diagnostic(1, 1, "this is no SQL")


def _diagnostic(
    file: ContractFile, offset: int, message: str, *, hint: str | None = None, length: int = 1
) -> Diagnostic:
    line, column = _line_and_column(file, offset)
    return file.diagnostic(line, column, message, hint=hint, length=length)


def _line_and_column(file: ContractFile, offset: int) -> tuple[int, int]:
    return file.text.count("\n", 0, offset) + 1, offset - file.text.rfind("\n", 0, offset)
