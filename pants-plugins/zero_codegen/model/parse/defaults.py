"""What stands behind DEFAULT, from tokens to syntax."""

from __future__ import annotations

import re

from sqlglot import TokenType

from zero_codegen.model.parse.tokens import Cursor, Mistake
from zero_codegen.model.syntax import CurrentTimestamp, NextValue, RandomUuid, Value
from zero_codegen.model.types import MAX_TIME_DIGITS

_MYSQL_NOW = ("CURRENT_TIMESTAMP", "NOW", "LOCALTIMESTAMP", "LOCALTIME")
_POSTGRESQL_NOW = ("CURRENT_TIMESTAMP", "LOCALTIMESTAMP")
_POSTGRESQL_NOW_CALLS = ("NOW", "TRANSACTION_TIMESTAMP", "STATEMENT_TIMESTAMP", "CLOCK_TIMESTAMP")
_DIGITS = tuple(map(str, range(MAX_TIME_DIGITS + 1)))
_NO_EXPRESSIONS = "a default is a constant or CURRENT_TIMESTAMP: expressions are not supported"
_EXTENSIONS = "a default of a function of an extension is not supported"


def default(cursor: Cursor) -> Value:
    """A constant, or one of the calls that are understood."""
    start = cursor.index
    cursor.refuse({"UUID_GENERATE_V4": f"{_EXTENSIONS}: write gen_random_uuid()"})
    try:
        return _value(cursor)
    except Mistake as mistake:
        raise Mistake(cursor.since(start)[:1], _NO_EXPRESSIONS) from mistake


def now(cursor: Cursor) -> CurrentTimestamp | None:
    """A call of CURRENT_TIMESTAMP or of one of its other names, if one comes next."""
    if cursor.dialect == "mysql":
        return _mysql_now(cursor)
    if cursor.dialect == "postgresql":
        return _postgresql_now(cursor)
    return _sqlite_now(cursor)


def _value(cursor: Cursor) -> Value:
    if cursor.take("("):
        value = _value(cursor)
        if isinstance(value, CurrentTimestamp) and cursor.take("AT TIME ZONE"):
            _utc(cursor)
        cursor.expect(")")
    else:
        value = _simple(cursor)
    while cursor.dialect == "postgresql" and cursor.take("::"):
        _skip_cast(cursor)
    return value


def _simple(cursor: Cursor) -> Value:
    if current := now(cursor):
        return current
    if cursor.take("NULL"):
        return None
    for word, truth in (("TRUE", True), ("FALSE", False)):
        if cursor.take(word):
            return truth
    if call := _call(cursor):
        return call
    if cursor.take_type(TokenType.INTRODUCER):  # the character set of the text that follows
        return cursor.expect_text()
    text = cursor.take_text()
    if text is not None:
        return text
    if cursor.dialect == "mysql" and (bits := cursor.take_type(TokenType.BIT_STRING)):
        if not re.fullmatch(r"[01]{1,64}", bits.text):
            cursor.fail(_NO_EXPRESSIONS)
        return str(int(bits.text, 2))
    sign = "-" if cursor.take("-") else "+" if cursor.take("+") else ""
    if number := cursor.take_type(TokenType.NUMBER):
        return sign.removeprefix("+") + number.text
    cursor.fail(_NO_EXPRESSIONS)


def _call(cursor: Cursor) -> RandomUuid | NextValue | None:
    if cursor.dialect == "mysql" and cursor.take("UUID ( )"):
        return RandomUuid.CALL
    if cursor.dialect != "postgresql":
        return None
    if not cursor.take("PUBLIC ."):
        cursor.take("PG_CATALOG .")
    if cursor.take("GEN_RANDOM_UUID ( )"):
        return RandomUuid.CALL
    if cursor.take("NEXTVAL ("):
        cursor.expect_text()
        if cursor.take("::"):
            cursor.expect("REGCLASS")
        cursor.expect(")")
        return NextValue.CALL
    return None


def _mysql_now(cursor: Cursor) -> CurrentTimestamp | None:
    if not any(cursor.take(word) for word in _MYSQL_NOW):
        return None
    if not cursor.take("(") or cursor.take(")"):
        return CurrentTimestamp(0)
    digits = cursor.take_type(TokenType.NUMBER)
    if digits is None or digits.text not in _DIGITS:
        cursor.fail(f"expected a number up to {MAX_TIME_DIGITS}")
    cursor.expect(")")
    return CurrentTimestamp(int(digits.text))


def _postgresql_now(cursor: Cursor) -> CurrentTimestamp | None:
    if any(cursor.take(word) for word in _POSTGRESQL_NOW):
        if cursor.take("("):
            cursor.take_type(TokenType.NUMBER)
            cursor.expect(")")
    elif cursor.take("TIMEZONE ("):
        _utc(cursor)
        cursor.expect(",")
        if _postgresql_now(cursor) is None:
            cursor.fail(_NO_EXPRESSIONS)
        cursor.expect(")")
    elif not any(cursor.take(f"{word} ( )") for word in _POSTGRESQL_NOW_CALLS):
        return None
    return CurrentTimestamp(None)


def _sqlite_now(cursor: Cursor) -> CurrentTimestamp | None:
    if cursor.take("CURRENT_TIMESTAMP"):
        return CurrentTimestamp(None)
    if not cursor.take("DATETIME ("):
        return None
    if cursor.take_text() != "now":
        cursor.fail(_NO_EXPRESSIONS)
    cursor.expect(")")
    return CurrentTimestamp(None)


def _utc(cursor: Cursor) -> None:
    zone = cursor.expect_text()
    if zone.upper() != "UTC":
        cursor.fail(_NO_EXPRESSIONS)
    while cursor.take("::"):
        _skip_cast(cursor)


def _skip_cast(cursor: Cursor) -> None:
    """The type that a constant is said to have; what it is to be, its column says."""
    cursor.name("a type")
    if cursor.take("."):
        cursor.name("a type")
    if not cursor.take("VARYING"):
        cursor.take("PRECISION")
    if cursor.at("("):
        cursor.parenthesized()
    if not cursor.take("WITHOUT TIME ZONE"):
        cursor.take("WITH TIME ZONE")
