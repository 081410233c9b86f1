"""Tables as the generator understands them: what is read from DDL and what everything else is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from zero_codegen import naming
from zero_codegen.model.column_types import ColumnType, Constant


class Now(Enum):
    """The default CURRENT_TIMESTAMP."""

    NOW = "CURRENT_TIMESTAMP"


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    `default` is what is stored when a value is left out (None: NULL, or it is required), `stamped` says
    that updates set the time (ON UPDATE CURRENT_TIMESTAMP), `exact` that texts are compared byte by byte.
    """

    name: str
    python_name: str
    type: ColumnType
    nullable: bool = True
    default: Constant | Now | None = None
    stamped: bool = False
    auto_increment: bool = False
    exact: bool = False
    comment: str = ""

    @property
    def optional(self) -> bool:
        """Whether an insert can do without it."""
        return self.nullable or self.default is not None

    @property
    def annotation(self) -> str:
        return f"{self.type.annotation} | None" if self.nullable else self.type.annotation

    @property
    def is_kept(self) -> bool:
        """Whether updates leave it as it was made: a generated key, or the time of creation."""
        return self.auto_increment or (self.default is Now.NOW and not self.stamped)


@dataclass(frozen=True, slots=True)
class Index:
    """A unique or plain index. `name` is the one that MySQL knows it by."""

    name: str
    columns: tuple[Column, ...]
    unique: bool

    @property
    def finder(self) -> str:
        """The method that looks rows up by it."""
        names = "_".join(column.python_name.strip("_") for column in self.columns)
        return f"find_one_by_{names}" if self.unique else f"find_many_by_{names}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its names in generated source.

    `mysql` is its CREATE TABLE as people wrote it, made conditional; `line` and `column` are its place.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    indexes: tuple[Index, ...]
    comment: str
    mysql: str
    line: int
    column: int

    @property
    def row_class(self) -> str:
        return naming.pascal(self.name)

    @property
    def model_class(self) -> str:
        return f"{self.row_class}Model"

    @property
    def generated_key(self) -> Column | None:
        """The AUTO_INCREMENT column."""
        return next((column for column in self.columns if column.auto_increment), None)

    @property
    def finders(self) -> tuple[Index, ...]:
        """The indexes to look rows up by: one for each list of columns, a unique one where there is one."""
        by_columns = {index.columns: index for index in sorted(self.indexes, key=lambda index: index.unique)}
        by_columns.pop(self.key, None)
        return tuple(index for index in self.indexes if by_columns.get(index.columns) is index)

    @property
    def inserted(self) -> tuple[Column, ...]:
        """What an insert says."""
        return tuple(column for column in self.columns if not column.auto_increment)

    @property
    def updated(self) -> tuple[Column, ...]:
        """What an update says: all but the key and the times that the database keeps."""
        return tuple(
            column
            for column in self.columns
            if column not in self.key and not column.is_kept and not column.stamped
        )
