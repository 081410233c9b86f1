"""The words of MySQL's DDL with their places, and a cursor over those of one statement.

The tokens are sqlglot's. Its trees are not used: in them types, constraints and keys have no place, `INT8` is
a TINYINT and `LONG` a BIGINT, a trailing comma passes, and what cannot be read becomes an opaque command. The
part of the grammar that declares tables is small enough to be read here, exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NoReturn

import sqlglot
from sqlglot import Token, TokenType
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import TokenError

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.source import ContractFile

_RESERVED = MySQL.generator_class.RESERVED_KEYWORDS
_NO_WORDS = frozenset({TokenType.IDENTIFIER, TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.NUMBER})
_CLOSED_OR_CHAR = re.compile(
    r"'(?:[^'\\]|\\.)*'" r'|"(?:[^"\\]|\\.)*"' r"|`[^`]*`" r"|--[^\n]*|\#[^\n]*" r"|/\*.*?\*/" r"|.",
    re.DOTALL,
)
_OPENING = {"'": "a text", '"': "a text", "`": "a name", "/": "a comment"}


_EXECUTED = ("/*!", "/*M!")
"""How comments begin that MySQL or MariaDB executes."""


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


def statements(file: ContractFile) -> Iterator[list[Token]]:
    """The tokens of each statement, without the semicolon.

    Raises ContractError when a quote or comment is not closed.
    """
    try:
        tokens = sqlglot.tokenize(file.text, read=MySQL)
    except TokenError as error:
        raise ContractError([_unclosed(file)]) from error
    statement: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            statement.append(token)
        elif statement:
            yield statement
            statement = []
    if statement:
        yield statement


def executed_comments(file: ContractFile) -> Iterator[Mistake]:
    """Comments that a server runs, such as `/*!50100 PARTITION BY … */`: their words are not read here."""
    if not any(opening in file.text for opening in _EXECUTED):
        return
    for match in _CLOSED_OR_CHAR.finditer(file.text):
        if match[0].startswith(_EXECUTED):
            token = Token(TokenType.HINT, match[0], start=match.start(), end=match.end() - 1)
            message = "a comment that servers execute is not supported"
            yield Mistake([token], message, "write it as plain SQL, or leave it out")


def place(file: ContractFile, token: Token) -> tuple[int, int]:
    """Line and column of a token, from 1."""
    return _line_and_column(file, token.start)


class Cursor:
    """Reads the tokens of one statement from left to right."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._index = 0

    @property
    def index(self) -> int:
        """How many tokens have been read."""
        return self._index

    @property
    def token(self) -> Token | None:
        """The next token."""
        return self._tokens[self._index] if self._index < len(self._tokens) else None

    def since(self, index: int) -> Sequence[Token]:
        """The tokens read since `index`, or the next one when there are none."""
        return self._tokens[index : max(self._index, index + 1)] or self._tokens[-1:]

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

    def word(self) -> str:
        """The next token as words in upper case, which some tokens are several of; "" when it is none."""
        token = self.token
        return "" if token is None or token.token_type in _NO_WORDS else " ".join(token.text.upper().split())

    def name(self, of: str) -> Token:
        """Read the name of something."""
        token = self.token
        if token is None or not (
            token.token_type is TokenType.IDENTIFIER or re.fullmatch(r"[\w$]+", self.word())
        ):
            self.fail(f"expected the name of {of}")
        if token.token_type is not TokenType.IDENTIFIER and token.text.lower() in _RESERVED:
            raise Mistake(
                [token],
                f"`{token.text}` is a reserved word of MySQL",
                "a name like this stands in back-quotes",
            )
        self._index += 1
        return token

    def advance(self) -> None:
        """Read whatever comes next."""
        self._index += 1

    def skip_part(self, start: int) -> None:
        """Read up to the comma or parenthesis that ends the part of a list which begins at token `start`."""
        self._index = start
        depth = 0
        while (token := self.token) is not None:
            if depth == 0 and token.token_type in (TokenType.COMMA, TokenType.R_PAREN):
                return
            depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
            self._index += 1

    def fail(self, message: str, hint: str | None = None) -> NoReturn:
        """A Mistake at the next token."""
        if self.token is None:
            raise Mistake(self._tokens[-1:], f"{message}, but the statement ends here", hint)
        raise Mistake([self.token], message, hint)

    def _length(self, words: str) -> int:
        """How many tokens `words` are when they come next, else 0: `PRIMARY KEY` may be one token or two."""
        wanted = words.split()
        length = 0
        while wanted:
            index = self._index + length
            if index >= len(self._tokens) or self._tokens[index].token_type in _NO_WORDS:
                return 0
            found = self._tokens[index].text.upper().split()
            if wanted[: len(found)] != found:
                return 0
            wanted = wanted[len(found) :]
            length += 1
        return length


def _unclosed(file: ContractFile) -> Diagnostic:
    """Where the quote or comment begins that has no end: sqlglot does not say."""
    for match in _CLOSED_OR_CHAR.finditer(file.text):
        opening = match[0]
        if opening in _OPENING and (opening != "/" or file.text.startswith("/*", match.start())):
            return _diagnostic(file, match.start(), f"{_OPENING[opening]} begins here and does not end")
    return file.diagnostic(1, 1, "this is no SQL")


def _diagnostic(
    file: ContractFile, offset: int, message: str, *, hint: str | None = None, length: int = 1
) -> Diagnostic:
    line, column = _line_and_column(file, offset)
    return file.diagnostic(line, column, message, hint=hint, length=length)


def _line_and_column(file: ContractFile, offset: int) -> tuple[int, int]:
    return file.text.count("\n", 0, offset) + 1, offset - file.text.rfind("\n", 0, offset)
