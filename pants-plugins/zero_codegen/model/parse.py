"""MySQL's CREATE TABLE and CREATE INDEX, from tokens to syntax.

Every word is either understood or a mistake with a place. After a mistake reading goes on at the next column
or key, so that one run shows them all.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import Token, TokenType

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model import type_names
from zero_codegen.model.syntax import (
    Attribute,
    AttributeKind,
    ColumnSyntax,
    CurrentTimestamp,
    IndexSyntax,
    KeyKind,
    KeyPart,
    KeySyntax,
    TableSyntax,
    TypeName,
)
from zero_codegen.model.tokens import Cursor, Mistake, executed_comments, statements
from zero_codegen.source import ContractFile

_NOW = ("CURRENT_TIMESTAMP", "NOW", "LOCALTIMESTAMP", "LOCALTIME")
_VALUE_TYPES = (TokenType.STRING, TokenType.NUMBER)
_TABLE_OPTIONS = frozenset(
    {"ENGINE", "AUTO_INCREMENT", "ROW_FORMAT", "KEY_BLOCK_SIZE", "AVG_ROW_LENGTH", "MAX_ROWS", "MIN_ROWS"}
    | {"CHECKSUM", "COMPRESSION", "ENCRYPTION", "PACK_KEYS", "DELAY_KEY_WRITE"}
    | {"STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES"}
)
"""How a server is to store the table: no difference to anyone who reads or writes rows."""
_REFUSED_STATEMENTS = {
    "OR": "CREATE OR REPLACE would drop the rows of the table",
    "TEMPORARY": "temporary tables are not supported",
    "FULLTEXT": "full text indexes are not supported",
    "SPATIAL": "spatial indexes are not supported",
}
_REFUSED_TABLES = {
    "LIKE": "a table made like another is not supported: write its columns",
    "AS": "a table made by a query is not supported: write its columns",
    "SELECT": "a table made by a query is not supported: write its columns",
    "PARTITION BY": "partitions are not supported",
}
_REFUSED_PARTS = {
    "FULLTEXT": "full text indexes are not supported",
    "SPATIAL": "spatial indexes are not supported",
    "FOREIGN KEY": "foreign keys are not supported",
    "REFERENCES": "foreign keys are not supported",
    "CHECK": "CHECK constraints are not supported: logic checks values",
    "GENERATED": "generated columns are not supported",
    "AS": "generated columns are not supported",
    "LIKE": "a table made like another is not supported: write its columns",
}


def parse(file: ContractFile) -> tuple[list[TableSyntax | IndexSyntax], list[Mistake]]:
    """What a file declares, as far as it can be read, and every mistake in it.

    Raises ContractError when the file is not even made of words.
    """
    declarations: list[TableSyntax | IndexSyntax] = []
    mistakes = list(executed_comments(file))
    for tokens in statements(file):
        parser = _Parser(tokens, mistakes)
        try:
            declarations.append(parser.statement())
        except Mistake as mistake:
            mistakes.append(mistake)
    return declarations, mistakes


class _Parser:
    """Reads one statement. Mistakes in columns and keys are added to `mistakes`; any other one is raised."""

    def __init__(self, tokens: list[Token], mistakes: list[Mistake]) -> None:
        self._tokens = tokens
        self._cursor = Cursor(tokens)
        self._mistakes = mistakes

    def statement(self) -> TableSyntax | IndexSyntax:
        cursor = self._cursor
        if cursor.take("CREATE"):
            self._refuse(_REFUSED_STATEMENTS)
            if cursor.take("TABLE"):
                return self._table()
            if cursor.at("INDEX") or cursor.at("UNIQUE INDEX"):
                return self._create_index()
        hint = "run other statements where the database is set up"
        raise Mistake(
            self._tokens[:1], "a contract declares tables and indexes: CREATE TABLE, CREATE INDEX", hint
        )

    def _table(self) -> TableSyntax:
        cursor = self._cursor
        is_conditional = cursor.take("IF NOT EXISTS")
        table = TableSyntax(self._table_name(), is_conditional, tokens=self._tokens)
        self._refuse(_REFUSED_TABLES)
        cursor.expect("(")
        while True:
            self._item(table)
            if not cursor.take(","):
                break
        table.close = cursor.index
        cursor.expect(")")
        while cursor.token is not None:
            self._table_option(table)
        return table

    def _table_name(self) -> Token:
        name = self._cursor.name("a table")
        if self._cursor.take("."):
            raise Mistake([name], "a table is named without its database, which comes with the DataSource")
        return name

    def _item(self, table: TableSyntax) -> None:
        """A column or key. A mistake in it ends with it."""
        cursor = self._cursor
        start = cursor.index
        try:
            self._refuse(_REFUSED_PARTS)
            key = self._key()
            if key is not None:
                table.keys.append(key)
            else:
                table.columns.append(self._column())
            if not (cursor.at(",") or cursor.at(")")):
                cursor.fail("expected `,` or `)`")
        except Mistake as mistake:
            cursor.skip_part(start)
            if cursor.token is None:
                raise
            self._mistakes.append(mistake)
            table.unread.append(cursor.since(start)[0])

    def _column(self) -> ColumnSyntax:
        cursor = self._cursor
        name = cursor.name("a column")
        if cursor.token is None or cursor.at(",") or cursor.at(")"):
            raise Mistake([name], f"column `{name.text}` has no type")
        type_name = self._type()
        attributes = []
        while not (cursor.token is None or cursor.at(",") or cursor.at(")")):
            attributes.append(self._attribute())
        return ColumnSyntax(name, type_name, tuple(attributes))

    def _type(self) -> TypeName:
        cursor = self._cursor
        start = cursor.index
        name = cursor.word()
        if not name:
            cursor.fail("expected a type")
        if refusal := type_names.refusal(name):
            cursor.fail(*refusal)
        cursor.advance()
        sizes: list[int] = []
        if cursor.take("("):
            while not cursor.at(")"):
                number = cursor.take_type(TokenType.NUMBER)
                if number is None or not number.text.isdecimal():
                    cursor.fail("expected a number")
                sizes.append(int(number.text))
                if not cursor.take(","):
                    break
            cursor.expect(")")
        unsigned = False
        while cursor.at("UNSIGNED") or cursor.at("SIGNED") or cursor.at("ZEROFILL"):
            unsigned |= not cursor.at("SIGNED")  # ZEROFILL makes a column UNSIGNED
            cursor.advance()
        return TypeName(name, tuple(sizes), unsigned, cursor.since(start))

    def _attribute(self) -> Attribute:
        cursor = self._cursor
        self._refuse(_REFUSED_PARTS)
        start = cursor.index
        value: str | bool | CurrentTimestamp | None = ""
        if cursor.take("NOT NULL"):
            kind = AttributeKind.NOT_NULL
        elif cursor.take("NULL"):
            kind = AttributeKind.NULL
        elif cursor.take("DEFAULT"):
            kind, value = AttributeKind.DEFAULT, self._default()
        elif cursor.take("ON UPDATE"):
            kind, value = AttributeKind.ON_UPDATE, self._now()
            if value is None:
                cursor.fail("expected `CURRENT_TIMESTAMP`")
        elif cursor.take("AUTO_INCREMENT"):
            kind = AttributeKind.AUTO_INCREMENT
        elif cursor.take("PRIMARY KEY") or cursor.take("KEY"):
            kind = AttributeKind.PRIMARY_KEY
        elif cursor.take("UNIQUE KEY") or cursor.take("UNIQUE"):
            kind = AttributeKind.UNIQUE
        elif cursor.take("COMMENT"):
            kind, value = AttributeKind.COMMENT, self._text()
        elif cursor.take("COLLATE"):
            kind, value = AttributeKind.COLLATE, self._collation()
        elif cursor.take("CHARACTER SET") or cursor.take("CHARSET"):
            kind, value = AttributeKind.CHARACTER_SET, self._character_set()
        else:
            known = [kind.value for kind in AttributeKind]
            cursor.fail(f"`{_shown(cursor)}` is not understood here", did_you_mean(cursor.word(), known))
        return Attribute(kind, value, cursor.since(start))

    def _default(self) -> str | bool | CurrentTimestamp | None:
        cursor = self._cursor
        if now := self._now():
            return now
        if cursor.take("NULL"):
            return None
        for word, truth in (("TRUE", True), ("FALSE", False)):
            if cursor.take(word):
                return truth
        if text := cursor.take_type(TokenType.STRING):
            return text.text
        sign = "-" if cursor.take("-") else "+" if cursor.take("+") else ""
        if number := cursor.take_type(TokenType.NUMBER):
            return sign.removeprefix("+") + number.text
        cursor.fail("a default is a constant or CURRENT_TIMESTAMP: expressions are not supported")

    def _now(self) -> CurrentTimestamp | None:
        cursor = self._cursor
        if not any(cursor.take(word) for word in _NOW):
            return None
        digits = None
        if cursor.take("("):
            digits = cursor.take_type(TokenType.NUMBER)
            cursor.expect(")")
        return CurrentTimestamp(int(digits.text) if digits else 0)

    def _key(self) -> KeySyntax | None:
        cursor = self._cursor
        start = cursor.index
        name = None
        if cursor.take("CONSTRAINT"):
            if not any(cursor.at(word) for word in ("PRIMARY KEY", "UNIQUE", "FOREIGN KEY", "CHECK")):
                name = cursor.name("a constraint")
            self._refuse(_REFUSED_PARTS)
        if cursor.take("PRIMARY KEY"):
            kind = KeyKind.PRIMARY
        elif cursor.take("UNIQUE KEY") or cursor.take("UNIQUE INDEX") or cursor.take("UNIQUE"):
            kind = KeyKind.UNIQUE
        elif cursor.index == start and (cursor.take("KEY") or cursor.take("INDEX")):
            kind = KeyKind.PLAIN
        elif cursor.index > start:
            cursor.fail("expected `PRIMARY KEY` or `UNIQUE`")
        else:
            return None
        if not (cursor.at("(") or cursor.at("USING")):
            name = cursor.name("an index")
        return self._key_parts(kind, name, start)

    def _create_index(self) -> IndexSyntax:
        cursor = self._cursor
        kind = KeyKind.UNIQUE if cursor.take("UNIQUE") else KeyKind.PLAIN
        cursor.expect("INDEX")
        cursor.take("IF NOT EXISTS")
        name = cursor.name("an index")
        self._index_options()
        cursor.expect("ON")
        table = self._table_name()
        index = IndexSyntax(table, self._key_parts(kind, name, cursor.index))
        if cursor.token is not None:
            cursor.fail(f"`{_shown(cursor)}` is not understood here")
        return index

    def _key_parts(self, kind: KeyKind, name: Token | None, start: int) -> KeySyntax:
        cursor = self._cursor
        self._index_options()
        cursor.expect("(")
        parts = [self._key_part()]
        while cursor.take(","):
            parts.append(self._key_part())
        cursor.expect(")")
        self._index_options()
        return KeySyntax(kind, name, tuple(parts), cursor.since(start))

    def _key_part(self) -> KeyPart:
        cursor = self._cursor
        if cursor.at("("):
            cursor.fail("an index over an expression is not supported")
        column = cursor.name("a column")
        is_prefix = cursor.take("(")
        if is_prefix:
            if not cursor.take_type(TokenType.NUMBER):
                cursor.fail("an index over an expression is not supported")
            cursor.expect(")")
        cursor.take("ASC")
        cursor.take("DESC")
        return KeyPart(column, is_prefix)

    def _index_options(self) -> None:
        """How a server is to keep an index: no difference to anyone else."""
        cursor = self._cursor
        while True:
            if cursor.take("USING"):
                if not (cursor.take("BTREE") or cursor.take("HASH")):
                    cursor.fail("expected `BTREE` or `HASH`")
            elif cursor.take("COMMENT"):
                self._text()
            elif cursor.take("KEY_BLOCK_SIZE"):
                cursor.take("=")
                cursor.take_type(TokenType.NUMBER)
            elif not (cursor.take("VISIBLE") or cursor.take("INVISIBLE")):
                return

    def _table_option(self, table: TableSyntax) -> None:
        cursor = self._cursor
        cursor.take(",")
        self._refuse(_REFUSED_TABLES)
        is_default = cursor.take("DEFAULT")
        if cursor.take("COMMENT"):
            cursor.take("=")
            table.comment = self._text()
        elif cursor.take("COLLATE"):
            cursor.take("=")
            table.collation = self._collation()
        elif cursor.take("CHARACTER SET") or cursor.take("CHARSET"):
            cursor.take("=")
            character_set = self._character_set()
            table.collation = table.collation or character_set
        elif not is_default and cursor.word() in _TABLE_OPTIONS:
            cursor.advance()
            cursor.take("=")
            if cursor.token is None:
                cursor.fail("expected a value")
            cursor.advance()
        else:
            hint = did_you_mean(cursor.word(), [*_TABLE_OPTIONS, "COMMENT", "COLLATE", "CHARSET"])
            cursor.fail(f"`{_shown(cursor)}` is not understood here", hint)

    def _text(self) -> str:
        token = self._cursor.take_type(TokenType.STRING)
        if token is None:
            self._cursor.fail("expected a text in quotes")
        return token.text

    def _collation(self) -> str:
        token = self._cursor.take_type(TokenType.STRING)
        if token is None and self._cursor.take("BINARY"):
            return "binary"
        return (token or self._cursor.name("a collation")).text

    def _character_set(self) -> str:
        if self._cursor.at("BINARY"):
            self._cursor.fail(
                "texts without a character set are bytes", "write BINARY, VARBINARY or BLOB as the type"
            )
        return (self._cursor.take_type(TokenType.STRING) or self._cursor.name("a character set")).text

    def _refuse(self, reasons: Mapping[str, str]) -> None:
        for words, reason in reasons.items():
            if self._cursor.at(words):
                self._cursor.fail(reason)


def _shown(cursor: Cursor) -> str:
    token = cursor.token
    return "" if token is None else token.text
