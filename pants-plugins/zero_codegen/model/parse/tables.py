"""CREATE TABLE, CREATE INDEX and what ALTER TABLE adds, from tokens to syntax.

Mistakes in columns and keys are collected, and reading goes on behind them; any other one is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import Token

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.parse import keys
from zero_codegen.model.parse.columns import ColumnReader, character_set, collation
from zero_codegen.model.parse.keys import table_name
from zero_codegen.model.parse.tokens import Cursor, Mistake
from zero_codegen.model.syntax import ColumnSyntax, EnumSyntax, KeyKind, KeySyntax, TableSyntax

_TABLE_OPTIONS = frozenset(
    {"ENGINE", "AUTO_INCREMENT", "ROW_FORMAT", "KEY_BLOCK_SIZE", "AVG_ROW_LENGTH", "MAX_ROWS", "MIN_ROWS"}
    | {
        "CHECKSUM",
        "COMPRESSION",
        "ENCRYPTION",
        "PACK_KEYS",
        "DELAY_KEY_WRITE",
        "PAGE_CHECKSUM",
        "TRANSACTIONAL",
    }
    | {"STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES"}
)
"""How a server of MySQL is to store the table: no difference to anyone who reads or writes rows."""
_REFUSED_TABLES = {
    "LIKE": "a table made like another is not supported: write its columns",
    "AS": "a table made by a query is not supported: write its columns",
    "SELECT": "a table made by a query is not supported: write its columns",
    "PARTITION BY": "partitions are not supported",
    "PARTITION OF": "partitions are not supported",
    "INHERITS": "tables that inherit columns are not supported: write them",
    "OF": "a table made of a type is not supported: write its columns",
}
_STATEMENTS = ("CREATE", "ALTER", "DROP", "INSERT")
_DECLARED = "a contract declares what is: write it so in CREATE TABLE, and `zero-migrate` writes the change"
_REFUSED_ALTERATIONS = {
    **dict.fromkeys(("DROP", "RENAME", "CHANGE"), _DECLARED),
    "ATTACH PARTITION": "partitions are not supported",
    "PARTITION BY": "partitions are not supported",
}


class TableReader:
    """Reads one statement about a table."""

    def __init__(self, cursor: Cursor, enums: Mapping[str, EnumSyntax], mistakes: list[Mistake]) -> None:
        self._cursor = cursor
        self._comment = cursor.remarks(0)
        self._enums = enums
        self._mistakes = mistakes

    def create(self) -> TableSyntax:
        """What stands behind CREATE TABLE."""
        cursor = self._cursor
        cursor.take("IF NOT EXISTS")
        table = TableSyntax(table_name(cursor))
        cursor.refuse(_REFUSED_TABLES)
        cursor.expect("(")
        while True:
            self._part(table, self._item, is_listed=True)
            comma = cursor.index
            if not cursor.take(","):
                break
            if cursor.at(")"):
                self._mistakes.append(
                    Mistake(cursor.since(comma), "nothing follows this `,`", "leave it out")
                )
                break
        cursor.expect(")")
        if cursor.dialect == "sqlite":
            table.comment = self._comment
        options = cursor.index
        while cursor.token is not None:
            self._option(table)
        table.options = cursor.written(options)
        return table

    def create_index(self) -> tuple[Token, KeySyntax]:
        """What stands behind CREATE: the table and its index."""
        cursor = self._cursor
        kind = KeyKind.UNIQUE if cursor.take("UNIQUE") else KeyKind.PLAIN
        cursor.expect("INDEX")
        if cursor.dialect == "postgresql":
            cursor.take("CONCURRENTLY")
        cursor.take("IF NOT EXISTS")
        name = None
        if not (cursor.dialect == "postgresql" and cursor.at("ON")):
            name = table_name(cursor) if cursor.dialect == "sqlite" else cursor.name("an index")
        if cursor.dialect == "mysql" and cursor.take("USING") and not cursor.take("BTREE"):
            cursor.expect("HASH")
        cursor.expect("ON")
        if cursor.dialect == "postgresql":
            cursor.take("ONLY")
        table = table_name(cursor)
        index = keys.key(cursor, kind, name, cursor.index, is_constraint=False)
        if cursor.token is not None:
            cursor.fail_here()
        return table, index

    def alter(self, table: TableSyntax) -> None:
        """What stands behind ALTER TABLE and the name of `table`."""
        cursor = self._cursor
        while True:
            self._part(table, self._alteration, is_listed=False)
            if not cursor.take(","):
                return

    def _part(self, table: TableSyntax, read: Callable[[TableSyntax], None], *, is_listed: bool) -> None:
        """A column, key or change; `is_listed` says that all of them stand in parentheses.

        A mistake in it ends with it.
        """
        cursor = self._cursor
        start = cursor.index
        try:
            read(table)
            if not (cursor.at(",") or (cursor.at(")") if is_listed else cursor.token is None)):
                cursor.fail("expected `,` or `)`" if is_listed else "expected `,`")
        except Mistake as mistake:
            cursor.skip_part(start)
            if cursor.token is None and is_listed:
                raise
            self._mistakes.append(mistake)
            table.unread.append(cursor.since(start)[0])

    def _item(self, table: TableSyntax) -> None:
        if not keys.constraint(self._cursor, table):
            table.columns.append(self._column(table))

    def _alteration(self, table: TableSyntax) -> None:
        cursor = self._cursor
        cursor.refuse(_REFUSED_ALTERATIONS)
        if cursor.take("ADD"):
            if not keys.constraint(cursor, table):
                self._add_column(table)
        elif cursor.dialect == "mysql" and cursor.take("MODIFY"):
            self._modify_column(table)
        elif cursor.dialect == "mysql" and (cursor.take("DISABLE KEYS") or cursor.take("ENABLE KEYS")):
            return
        elif cursor.dialect == "mysql":
            self._option(table)
        elif cursor.dialect == "postgresql" and cursor.take("OWNER TO"):
            cursor.advance()
        elif cursor.dialect == "postgresql" and cursor.take("ALTER"):
            self._alter_column(table)
        else:
            cursor.fail_here(did_you_mean(cursor.word, ("ADD", "ALTER")))

    def _add_column(self, table: TableSyntax) -> None:
        cursor = self._cursor
        cursor.take("COLUMN")
        cursor.take("IF NOT EXISTS")
        table.columns.append(self._column(table))

    def _modify_column(self, table: TableSyntax) -> None:
        """MySQL's, as phpMyAdmin writes AUTO_INCREMENT."""
        self._cursor.take("COLUMN")
        column = self._column(table)
        for index, known in enumerate(table.columns):
            if known.name.text.casefold() == column.name.text.casefold():
                table.columns[index] = column
                return
        raise _unknown_column(table, column.name)

    def _alter_column(self, table: TableSyntax) -> None:
        """PostgreSQL's, as pg_dump writes the defaults of sequences."""
        cursor = self._cursor
        cursor.take("COLUMN")
        name = cursor.name("a column")
        if cursor.at("SET DEFAULT") or cursor.at("SET NOT NULL"):
            cursor.advance()
        elif not cursor.take("ADD"):
            cursor.fail_here(did_you_mean(cursor.word, ("SET DEFAULT", "SET NOT NULL", "ADD")))
        column = next((column for column in table.columns if column.name.text == name.text), None)
        if column is None:
            raise _unknown_column(table, name)
        ColumnReader(cursor, table, self._enums).attribute(column)

    def _column(self, table: TableSyntax) -> ColumnSyntax:
        return ColumnReader(self._cursor, table, self._enums).column()

    def _option(self, table: TableSyntax) -> None:
        cursor = self._cursor
        cursor.refuse(_REFUSED_TABLES)
        if cursor.word in _STATEMENTS:
            cursor.fail("a `;` is missing before this statement")
        if cursor.dialect == "mysql":
            cursor.take(",")
            cursor.refuse(_REFUSED_TABLES)
            self._mysql_option(table)
        elif cursor.dialect == "postgresql":
            self._postgresql_option()
        else:
            cursor.take(",")
            if cursor.take("WITHOUT ROWID"):
                table.has_rowid = False
            elif not cursor.take("STRICT"):
                cursor.fail_here(did_you_mean(cursor.word, ("STRICT", "WITHOUT ROWID")))

    def _mysql_option(self, table: TableSyntax) -> None:
        cursor = self._cursor
        is_default = cursor.take("DEFAULT")
        if cursor.take("COMMENT"):
            cursor.take("=")
            table.comment = cursor.expect_text()
        elif cursor.take("COLLATE"):
            cursor.take("=")
            table.collation = collation(cursor)
        elif cursor.take("CHARACTER SET") or cursor.take("CHARSET"):
            cursor.take("=")
            characters = character_set(cursor)
            table.collation = table.collation or characters
        elif not is_default and cursor.word in _TABLE_OPTIONS:
            cursor.advance()
            cursor.take("=")
            if cursor.token is None:
                cursor.fail("expected a value")
            cursor.advance()
        else:
            cursor.fail_here(did_you_mean(cursor.word, [*_TABLE_OPTIONS, "COMMENT", "COLLATE", "CHARSET"]))

    def _postgresql_option(self) -> None:
        cursor = self._cursor
        if cursor.take("WITH"):
            cursor.parenthesized()
        elif cursor.take("TABLESPACE"):
            cursor.name("a tablespace")
        elif cursor.take("USING"):
            cursor.name("an access method")
        elif not cursor.take("WITHOUT OIDS"):
            cursor.fail_here()


def _unknown_column(table: TableSyntax, name: Token) -> Mistake:
    hint = did_you_mean(name.text, [column.name.text for column in table.columns])
    return Mistake([name], f"table `{table.name.text}` has no column `{name.text}`", hint)
