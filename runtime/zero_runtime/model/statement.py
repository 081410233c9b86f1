"""What generated code hands to a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Dialect: TypeAlias = Literal["sqlite", "mysql"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, finished for every database at build time."""

    sqlite: str
    """Text for SQLite; parameters are ``?``."""

    mysql: str
    """Text for MySQL and MariaDB; parameters are ``%s``, and a literal ``%`` is doubled."""

    unique: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The unique indexes that it may violate with their columns; the primary key is called ``PRIMARY``."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a contract."""

    tables: tuple[str, ...]
    """Names of the tables."""

    sqlite: tuple[str, ...]
    """Statements that make what is missing, in order."""

    mysql: tuple[str, ...]
    """The same for MySQL and MariaDB; a ``%`` is not doubled here."""
