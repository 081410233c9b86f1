"""The expressions of CHECK and of generated columns: they have to mean the same in every database."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError, SqlglotError

from zero_codegen.model.parse.lexicon import LEXICONS
from zero_codegen.model.parse.tokens import Mistake, source
from zero_codegen.model.queries import transpile
from zero_codegen.model.schema import Column, Expression
from zero_codegen.model.settings import Dialect
from zero_codegen.source import ContractFile


def checked_expression(
    file: ContractFile,
    tokens: Sequence[Token],
    columns: Collection[Column],
    dialect: Dialect,
    *,
    into: Column | None = None,
) -> Expression:
    """The expression that `tokens` are: a condition, or what the generated column `into` holds.

    Raises Mistake.
    """
    for token in tokens:
        if (
            token.token_type is TokenType.DCOLON and dialect != "postgresql"
        ):  # sqlglot would take it everywhere
            raise Mistake([token], f"`::` is not {LEXICONS[dialect].title}'s", "write CAST(… AS …)")
    text = source(file, tokens)
    try:
        tree = sqlglot.parse_one(text, into=exp.Condition, read=LEXICONS[dialect].sqlglot)
        read = Expression(text, tree)
        transpile.texts(read, columns, dialect, into=into)
    except transpile.Refused as refused:
        raise Mistake(_at(tokens, refused.span), str(refused), refused.hint) from refused
    except (SqlglotError, RecursionError) as error:
        raise Mistake(_at(tokens, _span(error)), "the expression cannot be read from here on") from error
    return read


def _span(error: Exception) -> tuple[int, int] | None:
    """Where in the text sqlglot could not go on."""
    if not (isinstance(error, ParseError) and error.errors):
        return None
    before = len(error.errors[0].get("start_context") or "")
    return before, before


def _at(tokens: Sequence[Token], span: tuple[int, int] | None) -> Sequence[Token]:
    """The place of a part of the text that `tokens` are."""
    if span is None:
        return tokens
    start = tokens[0].start
    last = tokens[-1].end
    first, end = (min(start + index, last) for index in span)
    return [Token(tokens[0].token_type, "", start=first, end=max(first, end))]
