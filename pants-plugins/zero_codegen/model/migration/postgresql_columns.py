"""A column's definition in PostgreSQL taken apart, since ALTER TABLE changes each property by itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import Token, TokenType
from sqlglot.dialects.postgres import Postgres

_SERIALS = {
    "SERIAL": "integer",
    "SERIAL4": "integer",
    "BIGSERIAL": "bigint",
    "SERIAL8": "bigint",
    "SMALLSERIAL": "smallint",
    "SERIAL2": "smallint",
}
"""The names that stand for a type, NOT NULL and a default from a sequence."""

_CLAUSES = frozenset({"NOT", "NULL", "DEFAULT", "GENERATED"})


@dataclass(frozen=True, slots=True)
class Definition:
    """What a column is: SQL texts, "" where there is nothing.

    `identity` is `BY DEFAULT` or `ALWAYS`, `generated` the expression in parentheses.
    """

    type: str
    is_not_null: bool = False
    default: str = ""
    is_serial: bool = False
    identity: str = ""
    generated: str = ""


def take_apart(text: str) -> Definition:
    """Reads what stands behind the name of a column."""
    tokens = Postgres().tokenize(text)
    words = [token.text.upper() for token in tokens]
    starts = [index for index in _at_top(tokens) if words[index] in _CLAUSES]
    type_, not_null, default, identity, generated = text, False, "", "", ""
    position = 0
    if starts:
        type_ = text[: tokens[starts[0]].start].strip()
    while position < len(starts):
        start = starts[position]
        position += 1
        word = words[start]
        if word == "NOT":
            not_null = True
            position += 1  # the NULL
        elif word == "DEFAULT":
            # Its first word belongs to it, whatever it is: DEFAULT NULL.
            while position < len(starts) and starts[position] <= start + 1:
                position += 1
            default = _between(text, tokens, start + 1, starts[position : position + 1])
        elif word == "GENERATED":
            is_always = words[start + 1] == "ALWAYS"
            if not is_always:
                position += 1  # the DEFAULT of BY DEFAULT
            rest = words[start:]
            if "IDENTITY" in rest:
                identity = "ALWAYS" if is_always else "BY DEFAULT"
            else:
                opening = next(
                    i for i in range(start, len(tokens)) if tokens[i].token_type is TokenType.L_PAREN
                )
                generated = text[tokens[opening].start : _closing(tokens, opening) + 1]
    serial = _SERIALS.get(type_.upper())
    if serial:
        return Definition(serial, True, is_serial=True)
    return Definition(type_, not_null or bool(identity), default, False, identity, generated)


def _at_top(tokens: list[Token]) -> list[int]:
    """The indexes of the tokens outside of all parentheses that are words."""
    found, depth = [], 0
    for index, token in enumerate(tokens):
        if token.token_type is TokenType.L_PAREN:
            depth += 1
        elif token.token_type is TokenType.R_PAREN:
            depth -= 1
        elif depth == 0 and token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER):
            found.append(index)
    return found


def _between(text: str, tokens: list[Token], first: int, following: list[int]) -> str:
    end = tokens[following[0]].start if following else len(text)
    return text[tokens[first].start : end].strip()


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for token in tokens[opening:]:
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth == 0:
            return token.end
    raise AssertionError("the contract was checked")
