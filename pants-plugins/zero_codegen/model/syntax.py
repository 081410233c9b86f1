"""What a file of DDL says, word for word: the outcome of parsing, not yet checked for sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from sqlglot import Token


class AttributeKind(Enum):
    """What can be said of a column behind its type."""

    NOT_NULL = "NOT NULL"
    NULL = "NULL"
    DEFAULT = "DEFAULT"
    ON_UPDATE = "ON UPDATE"
    AUTO_INCREMENT = "AUTO_INCREMENT"
    PRIMARY_KEY = "PRIMARY KEY"
    UNIQUE = "UNIQUE"
    COMMENT = "COMMENT"
    COLLATE = "COLLATE"
    CHARACTER_SET = "CHARACTER SET"


@dataclass(frozen=True, slots=True)
class CurrentTimestamp:
    """A call of CURRENT_TIMESTAMP or of one of its other names."""

    digits: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """What is said of a column.

    `value` is a text (of numbers too), a truth value, the current time, or None for NULL; "" where none fits.
    """

    kind: AttributeKind
    value: str | bool | CurrentTimestamp | None
    tokens: Sequence[Token]


@dataclass(frozen=True, slots=True)
class TypeName:
    """`BIGINT(20) UNSIGNED`: the name in upper case, the numbers in parentheses."""

    name: str
    sizes: tuple[int, ...]
    unsigned: bool
    tokens: Sequence[Token]


@dataclass(frozen=True, slots=True)
class ColumnSyntax:
    name: Token
    type: TypeName
    attributes: tuple[Attribute, ...]


class KeyKind(Enum):
    PRIMARY = auto()
    UNIQUE = auto()
    PLAIN = auto()


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A column of a key, and whether the key holds no more than the beginning of it."""

    column: Token
    is_prefix: bool


@dataclass(frozen=True, slots=True)
class KeySyntax:
    kind: KeyKind
    name: Token | None
    parts: tuple[KeyPart, ...]
    tokens: Sequence[Token]


@dataclass(slots=True)
class TableSyntax:
    """A CREATE TABLE.

    `unread` are the columns with a mistake in them, which keys may name all the same; `close` is the index in
    `tokens` of the parenthesis that ends the columns.
    """

    name: Token
    is_conditional: bool
    columns: list[ColumnSyntax] = field(default_factory=list)
    keys: list[KeySyntax] = field(default_factory=list)
    unread: list[Token] = field(default_factory=list)
    close: int = 0
    comment: str = ""
    collation: str = ""
    tokens: Sequence[Token] = ()


@dataclass(frozen=True, slots=True)
class IndexSyntax:
    """A CREATE INDEX."""

    table: Token
    key: KeySyntax
