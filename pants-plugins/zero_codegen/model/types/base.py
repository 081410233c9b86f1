"""What all column types have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from zero_codegen.model.settings import Dialect
from zero_codegen.python import Piece


class Unsupported(ValueError):
    """What the DDL says cannot be served; the text says why."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant default: as Python source and as each database's SQL.

    `is_hoisted` says that the Python source is no literal, which the default of a parameter had better be:
    the generated module gives it a name.
    """

    python: str
    sqlite: str
    mysql: str
    postgresql: str
    is_hoisted: bool = False

    def sql(self, dialect: Dialect) -> str:
        return {"sqlite": self.sqlite, "mysql": self.mysql, "postgresql": self.postgresql}[dialect]


@dataclass(frozen=True, slots=True)
class ColumnType(ABC):
    """A column type. The defaults here suit what every driver takes and gives as it is."""

    is_indexable: ClassVar[bool] = True
    """Whether MySQL takes whole values into a key."""
    is_ordered: ClassVar[bool] = True
    """Whether all databases put its values into the same order."""

    @property
    @abstractmethod
    def annotation(self) -> str:
        """The Python type as generated source writes it."""

    @property
    def stored(self) -> ColumnType:
        """The type as databases know it, whatever it is in Python."""
        return self

    @property
    def imports(self) -> frozenset[tuple[str, str]]:
        """Modules and names in them that the annotation needs beside the standard library's."""
        return frozenset()

    @abstractmethod
    def sql(self, dialect: Dialect) -> str:
        """The type of the column in a database (in a STRICT table of SQLite)."""

    def constant(self, value: str | bool) -> Constant:
        """The constant default that the DDL writes as `value`.

        Raises Unsupported, or ValueError when the value is none of this type at all.
        """
        raise Unsupported("a column of this type cannot have a default")

    def check(self, column: str, dialect: Dialect) -> str | None:
        """The condition that a database holds a (quoted) column to, where its own type does not."""
        return None

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        """A Python expression that makes a parameter of the Python expression `value`, None of None."""
        return value

    def decode(self, value: str, *, nullable: bool) -> Piece:
        """A Python expression that makes a row's member of the Python expression `value`, None of None."""
        return value

    def operand(self, dialect: Dialect) -> str:
        """What stands for the placeholder `{}` in a comparison with the column."""
        return "{}"

    def selected(self, column: str, dialect: Dialect) -> str:
        """The (quoted) column as it is selected."""
        return column


def quoted(text: str) -> str:
    """A string literal of standard SQL."""
    return "'" + text.replace("'", "''") + "'"


def mysql_quoted(text: str) -> str:
    """A string literal of MySQL, where a backslash escapes."""
    return quoted(text.replace("\\", "\\\\"))


def plain_constant(text: str) -> Constant:
    return Constant(text, text, text, text)


def text_constant(python: str, text: str) -> Constant:
    return Constant(python, quoted(text), mysql_quoted(text), quoted(text))


def number_text(value: str | bool) -> str:
    return matching(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", value if isinstance(value, str) else str(int(value)))


def matching(pattern: str, value: str | bool) -> str:
    """The value if it is written as SQL has it: Python's constructors know more forms. Raises ValueError."""
    if not (isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII)):
        raise ValueError(value)
    return value
