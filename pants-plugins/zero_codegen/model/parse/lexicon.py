"""How each dialect writes words: what is reserved, what quotes mean, what comments look like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.sqlite import SQLite

from zero_codegen.model.settings import Dialect

_TEXT = r"'(?:[^']|'')*'"
_BACKSLASHED_TEXT = r"'(?:[^'\\]|\\.)*'"
_COMMENTS = r"--[^\n]*|/\*.*?\*/"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of one dialect.

    `quote` stands around names, `closed` matches a whole text, quoted name or comment, or any one character.
    `folds` says that names without quotes are the same in lower case.
    """

    dialect: Dialect
    title: str
    sqlglot: type[SqlglotDialect]
    reserved: frozenset[str]
    quote: str
    closed: re.Pattern[str]
    openings: Mapping[str, str]
    folds: bool = False

    def quoted(self, name: str) -> str:
        return f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}"


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join((*alternatives, _COMMENTS, ".")), re.DOTALL)


_POSTGRESQL_RESERVED = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else
    end except false fetch for foreign freeze from full grant group having ilike in initially inner
    intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not
    notnull null offset on only or order outer overlaps placing primary references returning right select
    session_user similar some symmetric system_user table tablesample then to trailing true union unique
    user using variadic verbose when where window with
"""
"""Those of PostgreSQL 16: pg_get_keywords() calls them R or T."""

_SQLITE_RESERVED = """
    add all alter and as autoincrement between case cast check collate commit constraint create default
    deferrable delete distinct drop else escape except exists foreign from group having if in index insert
    intersect into is isnull join limit not nothing notnull null on or order primary raise references
    returning select set table then to transaction union unique update using values when where
"""
"""The words that SQLite 3.40 takes for no name."""

_NAME_OR_COMMENT = {'"': "a name", "/": "a comment"}

LEXICONS: Mapping[Dialect, Lexicon] = {
    "mysql": Lexicon(
        "mysql",
        "MySQL",
        MySQL,
        frozenset(MySQL.generator_class.RESERVED_KEYWORDS),
        "`",
        _pattern(_BACKSLASHED_TEXT, r'"(?:[^"\\]|\\.)*"', r"`[^`]*`", r"\#[^\n]*"),
        {"'": "a text", '"': "a text", "`": "a name", "/": "a comment"},
    ),
    "postgresql": Lexicon(
        "postgresql",
        "PostgreSQL",
        Postgres,
        frozenset(_POSTGRESQL_RESERVED.split()),
        '"',
        _pattern(rf"\b[eE]{_BACKSLASHED_TEXT}", _TEXT, r'"[^"]*"', r"(\$\w*\$).*?\1"),
        {"'": "a text", "$": "a text", **_NAME_OR_COMMENT},
        folds=True,
    ),
    "sqlite": Lexicon(
        "sqlite",
        "SQLite",
        SQLite,
        frozenset(_SQLITE_RESERVED.split()),
        '"',
        _pattern(_TEXT, r'"[^"]*"', r"`[^`]*`", r"\[[^\]]*\]"),
        {"'": "a text", "`": "a name", "[": "a name", **_NAME_OR_COMMENT},
    ),
}
