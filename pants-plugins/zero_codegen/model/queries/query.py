"""Own statements, as the generator understands them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from zero_codegen.model.queries.parameters import Parameter
from zero_codegen.model.queries.texts import Texts
from zero_codegen.model.schema import Table
from zero_codegen.model.types import ColumnType

Command: TypeAlias = Literal["one", "many", "stream", "exec"]


@dataclass(frozen=True, slots=True)
class Member:
    """A column of a result: its name in Python and its type."""

    name: str
    type: ColumnType
    nullable: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A named statement.

    `table` is the one whose repository has it as the method `name`. `values` are what a call binds, in the
    order of the texts: parameters by name with the type that they are encoded by. `row_of` is the table whose
    rows it gives, `members` what it gives otherwise; both are empty where it gives how many rows it found.
    `is_sure` says that there is always a row. `key` are the parameters that tell the one row it changes of a
    cached table, `unique` the unique indexes that it may violate, with their columns.
    """

    name: str
    command: Command
    comment: str
    table: Table
    texts: Texts
    parameters: tuple[Parameter, ...]
    values: tuple[tuple[str, ColumnType], ...]
    row_of: Table | None = None
    members: tuple[Member, ...] = ()
    is_sure: bool = False
    writes: bool = False
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, tuple[str, ...]], ...] = ()
    line: int = 1
    column: int = 1
