"""The statements of a file, from tokens to syntax.

Every word is either understood or a mistake with a place. After a mistake reading goes on at the next
column, key or statement, so that one run shows them all. What dumps have around their tables and what
changes nothing about these is passed over; it is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlglot import Token

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.parse.columns import texts
from zero_codegen.model.parse.keys import table_name
from zero_codegen.model.parse.lexicon import LEXICONS
from zero_codegen.model.parse.tables import TableReader
from zero_codegen.model.parse.tokens import Cursor, Mistake, executed_comments, statements
from zero_codegen.model.settings import Dialect
from zero_codegen.model.syntax import Attribute, AttributeKind, EnumSyntax, FileSyntax, TableSyntax
from zero_codegen.source import ContractFile

_QUERIES = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "REPLACE", "VALUES")
_DROPPED = ("TABLE", "TYPE", "SEQUENCE", "INDEX")
_NAME_COMMENT = re.compile(r"\s*name:")
_KINDS = "a contract declares tables and indexes: CREATE TABLE, CREATE INDEX"
_ELSEWHERE = "run other statements where the database is set up"
_REFUSED_STATEMENTS = {
    "OR": "CREATE OR REPLACE would drop the rows of the table",
    "TEMPORARY": "temporary tables are not supported",
    "TEMP": "temporary tables are not supported",
    "UNLOGGED": "tables that lose their rows in a crash are not supported",
    "VIRTUAL": "virtual tables are not supported: only SQLite has them",
    "FULLTEXT": "full text indexes are not supported",
    "SPATIAL": "spatial indexes are not supported",
    "EXTENSION": "extensions are not supported: what is served needs none",
    "DOMAIN": "domains are not supported: write their type and CHECK in the columns",
}
_PASSED_OVER: Mapping[Dialect, tuple[str, ...]] = {
    "mysql": ("SET", "LOCK TABLES", "UNLOCK TABLES", "START TRANSACTION", "BEGIN", "COMMIT"),
    "postgresql": (
        "SET",
        "SELECT PG_CATALOG . SET_CONFIG",
        "SELECT PG_CATALOG . SETVAL",
        "BEGIN",
        "COMMIT",
        "GRANT",
        "REVOKE",
        "CREATE SCHEMA PUBLIC",
        "CREATE SCHEMA IF NOT EXISTS PUBLIC",
        "COMMENT ON SCHEMA",
        "COMMENT ON EXTENSION",
        "COMMENT ON INDEX",
        "COMMENT ON CONSTRAINT",
        "COMMENT ON SEQUENCE",
        "COMMENT ON TYPE",
        "ALTER DEFAULT PRIVILEGES",
        "ALTER SCHEMA",
        "ALTER SEQUENCE",
        "CREATE SEQUENCE",
    ),
    "sqlite": ("PRAGMA", "BEGIN", "COMMIT", "CREATE TABLE SQLITE_SEQUENCE"),
}
"""What a dump says to the session that loads it, of rights, and of sequences: these belong to the columns
whose defaults name them."""


def parse(file: ContractFile, dialect: Dialect) -> tuple[FileSyntax, list[Mistake]]:
    """What a file declares, as far as it can be read, and every mistake in it.

    Raises ContractError when the file is not even made of words.
    """
    lexicon = LEXICONS[dialect]
    mistakes = list(executed_comments(file, lexicon))
    parser = _FileParser(mistakes)
    for tokens in statements(file, lexicon):
        try:
            parser.read(tokens, Cursor(tokens, file, lexicon))
        except Mistake as mistake:
            mistakes.append(mistake)
    if not mistakes:
        mistakes += map(parser.unknown_table, parser.syntax.unknown)
    return parser.syntax, mistakes


class _FileParser:
    """Reads statements in order. Mistakes in columns and keys are added to `mistakes`, others are raised."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.syntax = FileSyntax()
        self._mistakes = mistakes

    def read(self, tokens: Sequence[Token], cursor: Cursor) -> None:
        """Read one statement."""
        is_named = any(map(_NAME_COMMENT.match, tokens[0].comments))
        if not is_named and any(map(cursor.at, _PASSED_OVER[cursor.dialect])):
            return
        if is_named or cursor.word in _QUERIES:
            self.syntax.queries.append(tokens)
        elif cursor.take("CREATE"):
            self._create(cursor, tokens)
        elif cursor.take("ALTER TABLE"):
            self._alter(cursor)
        elif cursor.dialect == "postgresql" and cursor.take("ALTER TYPE"):
            table_name(cursor)
            cursor.expect("OWNER TO")
        elif cursor.dialect == "postgresql" and cursor.take("COMMENT ON"):
            self._comment(cursor)
        elif cursor.take("DROP") and any(cursor.take(f"{kind} IF EXISTS") for kind in _DROPPED):
            self._drop(cursor)
        elif cursor.dialect == "postgresql" and cursor.at("COPY"):
            raise Mistake(
                tokens[:1], "rows are no part of a contract", "leave them out: pg_dump --schema-only"
            )
        else:
            hint = did_you_mean(tokens[0].text.upper(), ("CREATE", "ALTER")) or _ELSEWHERE
            raise Mistake(tokens[:1], _KINDS, hint)

    def unknown_table(self, name: Token) -> Mistake:
        """What is said of a name when no mistake above explains why the table is not known."""
        hint = did_you_mean(name.text, [table.name.text for table in self.syntax.tables.values()])
        return Mistake([name], f"table `{name.text}` is not declared above", hint)

    def _create(self, cursor: Cursor, tokens: Sequence[Token]) -> None:
        cursor.refuse(_REFUSED_STATEMENTS)
        reader = TableReader(cursor, self.syntax.enums, self._mistakes)
        if cursor.take("TABLE"):
            table = reader.create()
            if table.name.text.casefold() in self.syntax.tables:
                raise Mistake([table.name], f"table `{table.name.text}` is declared twice")
            self.syntax.tables[table.name.text.casefold()] = table
        elif cursor.at("INDEX") or cursor.at("UNIQUE INDEX"):
            name, index = reader.create_index()
            if known := self._table(name):
                known.keys.append(index)
        elif cursor.dialect == "postgresql" and cursor.take("TYPE"):
            self._create_type(cursor)
        else:
            raise Mistake(tokens[:1], _KINDS, _ELSEWHERE)

    def _create_type(self, cursor: Cursor) -> None:
        name = table_name(cursor)
        if not cursor.take("AS ENUM"):
            cursor.fail("only types that are an ENUM are supported")
        if name.text in self.syntax.enums:
            raise Mistake([name], f"type `{name.text}` is declared twice")
        self.syntax.enums[name.text] = EnumSyntax(name, texts(cursor))
        if cursor.token is not None:
            cursor.fail_here()

    def _alter(self, cursor: Cursor) -> None:
        is_careful = cursor.take("IF EXISTS")
        if cursor.dialect == "postgresql":
            cursor.take("ONLY")
        name = table_name(cursor)
        if is_careful and name.text.casefold() not in self.syntax.tables:
            return  # what `pg_dump --clean` says of a table before it makes it
        if cursor.dialect == "postgresql" and cursor.at("OWNER TO"):
            return  # said of sequences, too
        if table := self._table(name):
            TableReader(cursor, self.syntax.enums, self._mistakes).alter(table)

    def _comment(self, cursor: Cursor) -> None:
        """COMMENT ON of PostgreSQL."""
        if cursor.take("TABLE"):
            name = table_name(cursor)
            text = self._comment_text(cursor)
            if table := self._table(name):
                table.comment = text
            return
        start = cursor.index
        cursor.expect("COLUMN")
        cursor.take("PUBLIC .")
        name = cursor.name("a table")
        cursor.expect(".")
        column_name = cursor.name("a column")
        text = self._comment_text(cursor)
        table = self._table(name)
        if table is None:
            return
        for column in table.columns:
            if column.name.text == column_name.text:
                comment = Attribute(AttributeKind.COMMENT, text, cursor.since(start))
                others = [said for said in column.attributes if said.kind is not AttributeKind.COMMENT]
                column.attributes = [*others, comment]
                return
        if not table.unread:
            hint = did_you_mean(column_name.text, [column.name.text for column in table.columns])
            raise Mistake([column_name], f"table `{name.text}` has no column `{column_name.text}`", hint)

    def _comment_text(self, cursor: Cursor) -> str:
        cursor.expect("IS")
        text = "" if cursor.take("NULL") else cursor.expect_text()
        if cursor.token is not None:
            cursor.fail_here()
        return text

    def _drop(self, cursor: Cursor) -> None:
        """What dumps write before the CREATE TABLE of the same name."""
        name = table_name(cursor)
        if name.text.casefold() in self.syntax.tables:
            raise Mistake([name], f"table `{name.text}` is declared above")

    def _table(self, name: Token) -> TableSyntax | None:
        table = self.syntax.tables.get(name.text.casefold())
        if table is None:
            self.syntax.unknown.append(name)
        return table
