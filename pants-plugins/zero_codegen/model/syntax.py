"""What a file of DDL says, word for word: the outcome of parsing, not yet checked for sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from sqlglot import Token

from zero_codegen.model.schema import Action


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
    GENERATED = "GENERATED"


@dataclass(frozen=True, slots=True)
class CurrentTimestamp:
    """A call of CURRENT_TIMESTAMP or of another name of it; without `digits` those of the column count."""

    digits: int | None


class RandomUuid(Enum):
    """A call that makes a new UUID."""

    CALL = auto()


class NextValue(Enum):
    """A call that takes the next number of a sequence."""

    CALL = auto()


@dataclass(frozen=True, slots=True)
class GeneratedSyntax:
    """The expression of a generated column."""

    expression: Sequence[Token]
    is_stored: bool


Value: TypeAlias = str | bool | CurrentTimestamp | RandomUuid | NextValue | GeneratedSyntax | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """What is said of a column.

    `value` is a text (of numbers too), a truth value, a call, an expression, or None for NULL; "" where
    none fits. `written` is how a column's definition says it, "" for what is a key, reference or check of
    the table. `in_parentheses` says that the value of a default stands in some: MySQL takes it for an
    expression.
    """

    kind: AttributeKind
    value: Value
    tokens: Sequence[Token]
    written: str = ""
    in_parentheses: bool = False


@dataclass(frozen=True, slots=True)
class TypeName:
    """`BIGINT(20) UNSIGNED`: the name in upper case, the numbers in parentheses.

    `values` are those of an ENUM. `native` is the name of the type that PostgreSQL's CREATE TYPE makes of
    them.
    """

    name: str
    tokens: Sequence[Token]
    sizes: tuple[int, ...] = ()
    unsigned: bool = False
    values: tuple[str, ...] = ()
    native: str = ""


@dataclass(slots=True)
class ColumnSyntax:
    """A column; `written` is its type as written."""

    name: Token
    type: TypeName
    attributes: list[Attribute]
    written: str


class KeyKind(Enum):
    PRIMARY = auto()
    UNIQUE = auto()
    PLAIN = auto()


@dataclass(frozen=True, slots=True)
class KeyPart:
    """A column of a key, and whether the key holds no more than the beginning of it."""

    column: Token
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class KeySyntax:
    """A key; `written` is what stands behind its name, `is_constraint` says that no CREATE INDEX makes it."""

    kind: KeyKind
    name: Token | None
    parts: tuple[KeyPart, ...]
    tokens: Sequence[Token]
    written: str
    is_constraint: bool = True


@dataclass(frozen=True, slots=True)
class ForeignKeySyntax:
    """A foreign key; without `referred` it refers to the primary key."""

    name: Token | None
    columns: tuple[Token, ...]
    table: Token
    referred: tuple[Token, ...]
    on_delete: Action
    on_update: Action
    tokens: Sequence[Token]


@dataclass(frozen=True, slots=True)
class CheckSyntax:
    """A CHECK; `column` is the one that it stands behind."""

    name: Token | None
    column: Token | None
    expression: Sequence[Token]


@dataclass(slots=True)
class TableSyntax:
    """A CREATE TABLE with what later statements add to it.

    `unread` are the columns with a mistake in them, which keys may name all the same.
    """

    name: Token
    columns: list[ColumnSyntax] = field(default_factory=list)
    keys: list[KeySyntax] = field(default_factory=list)
    foreign_keys: list[ForeignKeySyntax] = field(default_factory=list)
    checks: list[CheckSyntax] = field(default_factory=list)
    unread: list[Token] = field(default_factory=list)
    comment: str = ""
    collation: str = ""
    options: str = ""
    has_rowid: bool = True


@dataclass(frozen=True, slots=True)
class EnumSyntax:
    """A CREATE TYPE … AS ENUM."""

    name: Token
    values: tuple[str, ...]


@dataclass(slots=True)
class FileSyntax:
    """A file: its tables by their names as they are compared, and the statements that are not DDL."""

    tables: dict[str, TableSyntax] = field(default_factory=dict)
    enums: dict[str, EnumSyntax] = field(default_factory=dict)
    queries: list[Sequence[Token]] = field(default_factory=list)
    unknown: list[Token] = field(default_factory=list)
    """Names of tables that statements were about and that no statement above has declared."""
