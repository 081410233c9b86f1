"""What generated code hands to a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Dialect: TypeAlias = Literal["sqlite", "mysql", "postgresql"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, finished for every database at build time."""

    name: str
    """What logs, metrics and spans call it: ``user.find_one``."""

    sqlite: str = ""
    """Text for SQLite; parameters are ``?``."""

    mysql: str = ""
    """Text for MySQL and MariaDB; parameters are ``%s``, and a literal ``%`` is doubled."""

    postgresql: str = ""
    """Text for PostgreSQL; parameters are ``$1``, ``$2`` ..."""

    writes: bool = False
    """Whether it changes anything, or locks what it reads: such a statement never goes to a replica."""

    unique: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The unique indexes that it may violate with their columns; the primary key is called ``PRIMARY``."""


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The statements that make one table and all that belongs to it, in order, for each database."""

    name: str
    sqlite: tuple[str, ...]
    mysql: tuple[str, ...]
    """A ``%`` is not doubled here."""
    postgresql: tuple[str, ...]
    references: tuple[str, ...] = ()
    """Other tables, of this contract or others, that foreign keys refer to: they have to be there first."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a contract."""

    tables: tuple[TableSchema, ...]
