"""Tables as the generator understands them: what is read from DDL and what everything else is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlglot import exp

from zero_codegen import naming
from zero_codegen.model.settings import Dialect
from zero_codegen.model.types import ColumnType, Constant

if TYPE_CHECKING:
    from zero_codegen.model.queries import Query

Action: TypeAlias = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL"]
"""What happens to a row when the row goes or changes that its foreign key refers to."""


class Now(Enum):
    """The default CURRENT_TIMESTAMP."""

    NOW = "CURRENT_TIMESTAMP"


class NewUuid(Enum):
    """The default that is a new random UUID: `gen_random_uuid()` of PostgreSQL, `(uuid())` of MySQL."""

    NEW_UUID = "gen_random_uuid()"


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression over the columns of a table: its tree, and `text` as the contract has it."""

    text: str
    tree: exp.Expr = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    `default` is what is stored when a value is left out (None: NULL, or it is required), `stamped` says
    that updates set the time (ON UPDATE CURRENT_TIMESTAMP), `exact` that texts are compared byte by byte.
    `generated` is what the database computes it from, at each write (`is_stored`) or at each read.
    `written` is what stands behind its name, for its own dialect: the type and what is said of the column
    but keys, references and checks, which are the table's. `version` and `soft_delete` say what BUILD
    files make of it.
    """

    name: str
    python_name: str
    type: ColumnType
    nullable: bool = True
    default: Constant | Now | NewUuid | None = None
    stamped: bool = False
    auto_increment: bool = False
    exact: bool = False
    comment: str = ""
    generated: Expression | None = None
    is_stored: bool = False
    written: str = ""
    version: bool = False
    soft_delete: bool = False

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
    """A unique or plain index.

    `name` is the one that a database of its dialect knows it by. `written` is what stands behind the name (in
    CREATE INDEX behind the table): the columns in parentheses, with lengths and directions, and its options.
    `is_constraint` says that it was declared as one, not by CREATE INDEX: PostgreSQL tells them apart.
    """

    name: str
    columns: tuple[Column, ...]
    unique: bool
    written: str = ""
    is_constraint: bool = True

    @property
    def finder(self) -> str:
        """The method that looks rows up by it."""
        names = "_".join(column.python_name.strip("_") for column in self.columns)
        return f"find_one_by_{names}" if self.unique else f"find_many_by_{names}"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to the row of a table, of this contract or of another of its folder.

    `name` is the one that a database of its dialect knows it by. `referred` are the names of columns
    there, as that table writes them where it is known.
    """

    name: str
    columns: tuple[Column, ...]
    table: str
    referred: tuple[str, ...]
    on_delete: Action = "NO ACTION"
    on_update: Action = "NO ACTION"


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that every row meets. `name` is the one that a database of its dialect knows it by."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class EnumClass:
    """An enum class of the generated module.

    `members` are its names with their values. `type_name` is the type of PostgreSQL that it is made of,
    None for one that stands in its column.
    """

    name: str
    members: tuple[tuple[str, str], ...]
    type_name: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its names in generated source.

    `options` is what stands behind its columns as it is written (`ENGINE=InnoDB …`), for its own dialect;
    `line` and `column` are its place. `cached` says that its rows are, `version` and `soft_delete` are
    the columns of these purposes. `key_name` is what a database of its dialect calls the primary key.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    comment: str = ""
    options: str = ""
    line: int = 1
    column: int = 1
    cached: bool = False
    version: Column | None = None
    soft_delete: Column | None = None
    key_name: str = "PRIMARY"

    @property
    def row_class(self) -> str:
        return naming.pascal(self.name)

    @property
    def model_class(self) -> str:
        return f"{self.row_class}Model"

    @property
    def new_class(self) -> str:
        """What is inserted in numbers."""
        return f"New{self.row_class}"

    @property
    def columns_class(self) -> str:
        return f"{self.row_class}Columns"

    @property
    def references(self) -> tuple[str, ...]:
        """The other tables that foreign keys refer to, each once."""
        return tuple(dict.fromkeys(key.table for key in self.foreign_keys if key.table != self.name))

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
        return tuple(
            column
            for column in self.columns
            if not (column.auto_increment or column.soft_delete) and column.generated is None
        )

    @property
    def updated(self) -> tuple[Column, ...]:
        """What an update says: all but the key and what the database keeps."""
        return tuple(
            column
            for column in self.columns
            if column not in self.key
            and not (column.is_kept or column.stamped or column.version or column.soft_delete)
            and column.generated is None
        )


@dataclass(frozen=True, slots=True)
class Contract:
    """What a file of DDL declares, in its order, in the `dialect` that it is written in."""

    dialect: Dialect
    tables: tuple[Table, ...]
    enums: tuple[EnumClass, ...] = ()
    queries: tuple[Query, ...] = ()
