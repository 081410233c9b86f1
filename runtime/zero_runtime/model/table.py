"""What generated code tells a repository of its table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from zero_runtime.model.columns import Column
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Row, Value

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Index(Generic[R]):
    """The primary key or a unique index: what single rows are found by."""

    name: str
    """``PRIMARY`` or the name in the contract."""
    find: Statement
    find_for_update: Statement
    """The same, and locks the row. SQLite locks the whole database when a transaction begins."""
    values: Callable[[R], tuple[Value, ...]]
    """What the columns of a row hold, encoded. A row with None among them is not found by the index."""
    folded: tuple[int, ...] = ()
    """Which of the values are texts that a database may compare without regard to case, accents and trailing
    blanks."""
    computed: bool = False
    """Whether the database itself makes one of the values at each write, so that writers do not know it."""


@dataclass(frozen=True, kw_only=True)
class Table(Generic[R]):
    """A table as its repository uses it."""

    name: str
    decode: Callable[[Row], R]
    """Makes a row of what the statements select."""
    key: Index[R]
    unique: tuple[Index[R], ...] = ()
    """The other unique indexes."""
    key_columns: tuple[Column[R, Any], ...]
    """The columns of the primary key: what lists are ordered by in the end."""
    select: Statement
    """``SELECT … FROM …`` without a condition."""
    count: Statement
    """``SELECT COUNT(*) FROM …`` without a condition."""
    present: Statement | None = None
    """The condition under which a row counts as there, where rows are deleted softly: ``deleted_at IS NULL``.
    Only its texts are used."""
    version: Column[R, int] | None = None
    """The column that each update counts up, and that tells whether somebody else was first."""
    cached: bool = False
    """Whether rows are kept in the cache."""
    layout: str = ""
    """Tells the layout of rows: a cached row of another one is not used."""
