"""Columns, from tokens to syntax."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sqlglot import Token, TokenType

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.parse import defaults, keys
from zero_codegen.model.parse.tokens import Cursor, Mistake
from zero_codegen.model.syntax import (
    Attribute,
    AttributeKind,
    ColumnSyntax,
    EnumSyntax,
    GeneratedSyntax,
    KeyKind,
    KeyPart,
    KeySyntax,
    TableSyntax,
    TypeName,
    Value,
)
from zero_codegen.model.types.names import SERIALS, TYPE_NAMES

_SECOND_WORDS = {"DOUBLE": "PRECISION", "CHARACTER": "VARYING", "CHAR": "VARYING", "BIT": "VARYING"}
_OF_MYSQL = ("ON UPDATE", "AUTO_INCREMENT", "COMMENT", "CHARACTER SET")
_OF_TEXTS = (AttributeKind.CHARACTER_SET, AttributeKind.COLLATE)
_ON_CONFLICT = {"ON CONFLICT": "ON CONFLICT is not supported: only SQLite has it"}


class ColumnReader:
    """Reads a column; keys, references and conditions that stand in it are added to its table.

    `enums` are the types that PostgreSQL's CREATE TYPE has made, by their names in lower case.
    """

    def __init__(self, cursor: Cursor, table: TableSyntax, enums: Mapping[str, EnumSyntax]) -> None:
        self._cursor = cursor
        self._table = table
        self._enums = enums

    def column(self) -> ColumnSyntax:
        """A column up to the comma or parenthesis that ends it."""
        cursor = self._cursor
        begin = cursor.index
        name = cursor.name("a column")
        if cursor.is_at_end_of_part:
            raise Mistake([name], f"column `{name.text}` has no type")
        start = cursor.index
        type_name = self._type()
        column = ColumnSyntax(name, type_name, [], cursor.written(start))
        while not cursor.is_at_end_of_part:
            self.attribute(column)
        if cursor.dialect == "postgresql" and type_name.name in SERIALS:
            column.attributes.append(Attribute(AttributeKind.AUTO_INCREMENT, "", type_name.tokens))
        if cursor.dialect == "sqlite" and (remarks := cursor.remarks(begin)):
            # SQLite has no other place for what is said to people.
            column.attributes.append(Attribute(AttributeKind.COMMENT, remarks, cursor.since(begin)))
        return self._json_of_mariadb(column)

    def attribute(self, column: ColumnSyntax) -> None:
        """One thing that is said of a column."""
        cursor = self._cursor
        constraint = None
        if cursor.take("CONSTRAINT"):
            constraint = cursor.name("a constraint")
        start = cursor.index
        if kind := self._key(column, constraint):
            column.attributes.append(Attribute(kind, "", cursor.since(start)))
        elif cursor.take("REFERENCES"):
            self._table.foreign_keys.append(keys.references(cursor, constraint, (column.name,), start))
        elif cursor.take("CHECK"):
            self._table.checks.append(keys.check(cursor, constraint, column.name))
        else:
            in_parentheses = cursor.at("DEFAULT (")
            kind, value = self._said()
            column.attributes.append(
                Attribute(kind, value, cursor.since(start), cursor.written(start), in_parentheses)
            )
        cursor.refuse(_ON_CONFLICT)

    def _json_of_mariadb(self, column: ColumnSyntax) -> ColumnSyntax:
        """MariaDB's JSON is another name for `longtext … CHECK (json_valid(…))`, which its dumps have."""
        checks = self._table.checks
        if column.type.name != "LONGTEXT" or not checks or checks[-1].column is not column.name:
            return column
        expression = "".join(token.text for token in checks[-1].expression)
        if expression.casefold() != f"json_valid({column.name.text})".casefold():
            return column
        checks.pop()
        attributes = [said for said in column.attributes if said.kind not in _OF_TEXTS]
        return ColumnSyntax(column.name, replace(column.type, name="JSON"), attributes, "json")

    def _type(self) -> TypeName:
        cursor = self._cursor
        if cursor.dialect == "postgresql":
            if enum := self._enum():
                return enum
            cursor.take("PG_CATALOG .")
        start = cursor.index
        if not cursor.word:
            cursor.fail("expected a type")
        if cursor.dialect == "mysql" and cursor.take("ENUM"):
            return TypeName("ENUM", cursor.since(start), values=texts(cursor))
        name = self._type_words()
        if refusal := TYPE_NAMES[cursor.dialect].refusal(name):
            raise Mistake(cursor.since(start), *refusal)
        sizes = self._sizes()
        if cursor.dialect == "postgresql" and name in ("TIME", "TIMESTAMP"):
            zone = self._zone()
            name = f"{name} {zone}" if zone else name
            if refusal := TYPE_NAMES[cursor.dialect].refusal(name):
                raise Mistake(cursor.since(start), *refusal)
        unsigned = False
        signs = {"mysql": ("UNSIGNED", "SIGNED", "ZEROFILL"), "sqlite": ("UNSIGNED",)}.get(cursor.dialect, ())
        while cursor.word in signs:
            unsigned |= not cursor.at("SIGNED")  # ZEROFILL makes a column UNSIGNED
            cursor.advance()
        self._refuse_arrays()
        return TypeName(name, cursor.since(start), sizes, unsigned)

    def _refuse_arrays(self) -> None:
        if self._cursor.at("[") or self._cursor.at("ARRAY"):
            self._cursor.fail("arrays are not supported", "write JSONB, or a table of its own")

    def _type_words(self) -> str:
        cursor = self._cursor
        name = cursor.word
        cursor.advance()
        second = _SECOND_WORDS.get(name)
        return f"{name} {second}" if second and cursor.take(second) else name

    def _sizes(self) -> tuple[int, ...]:
        cursor = self._cursor
        sizes: list[int] = []
        if cursor.take("("):
            while not cursor.at(")"):
                number = cursor.take_type(TokenType.NUMBER)
                if number is None or not re.fullmatch(r"[0-9]{1,9}", number.text):
                    cursor.fail("expected a number")
                sizes.append(int(number.text))
                if not cursor.take(","):
                    break
            cursor.expect(")")
        return tuple(sizes)

    def _zone(self) -> str:
        for zone in ("WITH TIME ZONE", "WITHOUT TIME ZONE"):
            if self._cursor.take(zone):
                return zone
        return ""

    def _enum(self) -> TypeName | None:
        """A type that CREATE TYPE has made."""
        cursor = self._cursor
        start = cursor.index
        cursor.take("PUBLIC .")
        token = cursor.token
        if token is None:
            return None
        name = token.text if token.token_type is TokenType.IDENTIFIER else token.text.lower()
        enum = self._enums.get(name)
        if enum is None:
            if cursor.index > start or token.token_type is TokenType.IDENTIFIER:
                cursor.fail(f"unknown type `{token.text}`", did_you_mean(name, self._enums))
            return None
        cursor.advance()
        self._refuse_arrays()
        return TypeName("ENUM", cursor.since(start), values=enum.values, native=enum.name.text)

    def _key(self, column: ColumnSyntax, name: Token | None) -> AttributeKind | None:
        """PRIMARY KEY and UNIQUE."""
        cursor = self._cursor
        start = cursor.index
        is_mysql = cursor.dialect == "mysql"
        if cursor.take("PRIMARY KEY") or (is_mysql and cursor.take("KEY")):
            kind, attribute = KeyKind.PRIMARY, AttributeKind.PRIMARY_KEY
            if cursor.dialect == "sqlite" and not cursor.take("ASC"):
                cursor.take("DESC")
        elif cursor.take("UNIQUE"):
            kind, attribute = KeyKind.UNIQUE, AttributeKind.UNIQUE
            if is_mysql:
                cursor.take("KEY")
        else:
            return None
        if cursor.at("("):
            raise Mistake(cursor.since(start), "a `,` is missing before this key")
        cursor.refuse(_ON_CONFLICT)
        keys.behind_key(cursor)
        written = f"({cursor.lexicon.quoted(column.name.text)})"
        parts = (KeyPart(column.name),)
        self._table.keys.append(KeySyntax(kind, name, parts, cursor.since(start), written))
        return attribute

    def _said(self) -> tuple[AttributeKind, Value]:
        cursor = self._cursor
        if cursor.take("NOT"):
            cursor.expect("NULL")
            return AttributeKind.NOT_NULL, ""
        if cursor.take("NULL"):
            return AttributeKind.NULL, ""
        if cursor.take("DEFAULT"):
            return AttributeKind.DEFAULT, defaults.default(cursor)
        if cursor.take("COLLATE"):
            return AttributeKind.COLLATE, collation(cursor)
        if cursor.take("GENERATED"):
            return self._generated()
        if cursor.dialect != "postgresql" and cursor.at("AS"):
            return AttributeKind.GENERATED, self._computed()
        if cursor.dialect == "sqlite" and cursor.take("AUTOINCREMENT"):
            return AttributeKind.AUTO_INCREMENT, ""
        if cursor.dialect == "mysql" and (said := self._said_in_mysql()):
            return said
        known = [*(kind.value for kind in AttributeKind), "CHECK", "REFERENCES", "CONSTRAINT"]
        if cursor.dialect == "mysql":
            known.append("UNSIGNED")
        else:
            known = [word for word in known if word not in _OF_MYSQL]
        cursor.fail_here(did_you_mean(cursor.word, known))

    def _said_in_mysql(self) -> tuple[AttributeKind, Value] | None:
        cursor = self._cursor
        if cursor.take("ON UPDATE"):
            now = defaults.now(cursor)
            if now is None:
                cursor.fail("expected `CURRENT_TIMESTAMP`")
            return AttributeKind.ON_UPDATE, now
        if cursor.take("AUTO_INCREMENT"):
            return AttributeKind.AUTO_INCREMENT, ""
        if cursor.take("COMMENT"):
            return AttributeKind.COMMENT, cursor.expect_text()
        if cursor.take("CHARACTER SET") or cursor.take("CHARSET"):
            return AttributeKind.CHARACTER_SET, character_set(cursor)
        return None

    def _generated(self) -> tuple[AttributeKind, Value]:
        """What stands behind GENERATED: an expression or PostgreSQL's IDENTITY."""
        cursor = self._cursor
        if cursor.dialect == "postgresql" and (
            cursor.take("BY DEFAULT AS IDENTITY") or cursor.take("ALWAYS AS IDENTITY")
        ):
            if cursor.at("("):
                cursor.parenthesized()  # where the sequence begins and what it is called
            return AttributeKind.AUTO_INCREMENT, ""
        cursor.expect("ALWAYS")
        return AttributeKind.GENERATED, self._computed()

    def _computed(self) -> GeneratedSyntax:
        cursor = self._cursor
        cursor.expect("AS")
        expression = cursor.parenthesized()
        is_stored = cursor.take("STORED") or (cursor.dialect == "mysql" and cursor.take("PERSISTENT"))
        if not is_stored:
            cursor.take("VIRTUAL")
        return GeneratedSyntax(expression, is_stored)


def texts(cursor: Cursor) -> tuple[str, ...]:
    """The values of an ENUM in parentheses."""
    cursor.expect("(")
    values = [cursor.expect_text()]
    while cursor.take(","):
        start = cursor.index
        value = cursor.expect_text()
        if value in values:
            raise Mistake(cursor.since(start), f"the value `{value}` is there twice")
        values.append(value)
    cursor.expect(")")
    return tuple(values)


def collation(cursor: Cursor) -> str:
    """The name of a collation."""
    if (text := cursor.take_text()) is not None:
        return text
    if cursor.take("BINARY"):
        return "binary"
    cursor.take("PG_CATALOG .")
    return cursor.name("a collation").text


def character_set(cursor: Cursor) -> str:
    """The name of a character set, not of MySQL's for bytes."""
    if cursor.at("BINARY"):
        cursor.fail("texts without a character set are bytes", "write BINARY, VARBINARY or BLOB as the type")
    text = cursor.take_text()
    return cursor.name("a character set").text if text is None else text
