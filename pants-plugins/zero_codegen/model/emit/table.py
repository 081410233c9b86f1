"""A table as the template of `_model.py` asks for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zero_codegen.model.emit import expressions
from zero_codegen.model.emit.methods import Method, methods
from zero_codegen.model.schema import Column, Contract, NewUuid, Table
from zero_codegen.model.settings import DIALECTS
from zero_codegen.model.sql import ddl
from zero_codegen.model.sql.statements import Statement, Statements, upsert_keys
from zero_codegen.model.types import Char, Constant, Enum, Json, Text
from zero_codegen.python import Bracketed, Piece, joined, layout, string, tuple_literal


@dataclass(frozen=True, slots=True)
class IndexView:
    """The primary key or a unique index: `find` is the statement that finds rows by it, `computed` says that
    the database makes one of its values at each write."""

    name: str
    find: str
    values: Piece
    folded: Piece | None
    computed: bool


class TableView:
    """A table with the pieces of source that are made of it."""

    def __init__(self, contract: Contract, table: Table) -> None:
        self.table = table
        self.names = expressions.Names(table)
        self.schema = {dialect: ddl.definition(contract, table, dialect) for dialect in DIALECTS}
        self.references = tuple_literal([string(name) for name in table.references])

    def used(self) -> Iterator[str]:
        """Every text that may name a module."""
        for column in self.table.columns:
            yield column.type.annotation
            yield str(column.type.encode("value", nullable=column.nullable))
            yield str(column.type.decode("value", nullable=column.nullable))
            if isinstance(column.default, Constant):
                yield column.default.python
            elif column.default is NewUuid.NEW_UUID:
                yield "uuid.uuid4()"

    @property
    def hoisted(self) -> list[tuple[str, str]]:
        """Defaults that are no literals, by the name of the column."""
        return [
            (column.python_name, column.default.python)
            for column in self.table.inserted
            if isinstance(column.default, Constant) and column.default.is_hoisted
        ]

    @property
    def new_members(self) -> list[str]:
        """The members of the class of new rows."""
        members = []
        for column in self.table.inserted:
            annotation, default = expressions.default(self.names, column)
            if isinstance(column.type.stored, Json) and isinstance(column.default, Constant):
                # It may be a list or a dictionary, which rows must not share.
                default = f"msgspec.field(default_factory=lambda: {default})"
            members.append(f"{column.python_name}: {annotation}" + (f" = {default}" if default else ""))
        return members

    @property
    def columns(self) -> list[str]:
        """The members of the class of columns."""
        return [member for column in self.table.columns if (member := self._column(column))]

    @property
    def layout(self) -> str:
        """Tells the layout of rows from any other."""
        members = [
            (column.name, column.python_name, column.annotation, column.type.sql("mysql"))
            for column in self.table.columns
        ]
        return hashlib.sha256(repr(members).encode()).hexdigest()[:12]

    @property
    def indexes(self) -> list[IndexView]:
        """The primary key, and one unique index for each list of columns."""
        found = [("PRIMARY", "find_one", self.table.key)]
        found += [(index.name, index.finder, index.columns) for index in self.table.finders if index.unique]
        return [
            IndexView(
                string(name),
                f"{self.names.sql}.{finder}",
                expressions.row_values(columns),
                _folded(columns),
                any(column.generated is not None or column.stamped for column in columns),
            )
            for name, finder, columns in found
        ]

    @property
    def key_columns(self) -> Piece:
        return tuple_literal(
            [f"{self.table.columns_class}.{column.python_name}" for column in self.table.key]
        )

    @property
    def unique(self) -> list[tuple[str, Piece]]:
        """The unique indexes by name, with their columns."""
        indexes = [("PRIMARY", self.table.key)]
        indexes += [(index.name, index.columns) for index in self.table.indexes if index.unique]
        return [
            (string(name), tuple_literal([string(column.name) for column in columns]))
            for name, columns in indexes
        ]

    @property
    def statements(self) -> Iterator[tuple[str, Statement]]:
        """Statements with the names that they are used by."""
        for statement in self._statements():
            yield statement.name.rpartition(".")[2], statement

    @property
    def members(self) -> list[str]:
        """The arguments of the row class, from a row of the database."""
        return [
            layout(joined(f"{column.python_name}=", self._decoded(column, index)), 8, ",")
            for index, column in enumerate(self.table.columns)
        ]

    @property
    def methods(self) -> Iterator[Method]:
        return methods(self.table, self.names)

    @property
    def new_values(self) -> str:
        """What an insert takes of a new row."""
        piece = tuple_literal([expressions.new_value(column, "row.") for column in self.table.inserted])
        return layout(Bracketed(f"return {piece.head}", piece.items, piece.tail), 4)

    @property
    def new_values_signature(self) -> str:
        head = f"def {self.names.encoder}("
        return layout(Bracketed(head, (f"row: {self.table.new_class}",), ") -> tuple[model.Value, ...]:"))

    @property
    def decoder_signature(self) -> str:
        return layout(
            Bracketed(f"def {self.names.decoder}(", ("row: model.Row",), f") -> {self.table.row_class}:")
        )

    def _statements(self) -> Iterator[Statement]:
        made, table = Statements(self.table), self.table
        yield made.select()
        yield made.count()
        if table.soft_delete:
            yield made.present()
        finders = [(index.finder, index.columns) for index in table.finders if index.unique]
        for name, columns in [("find_one", table.key), *finders]:
            yield made.find(name, columns)
            yield made.find(f"{name}_for_update", columns, locks=True)
        for index in table.finders:
            if not index.unique:
                yield made.find_many(index.finder, index.columns)
        yield made.insert()
        yield made.insert_many()
        for columns in upsert_keys(table):
            name = expressions.upsert_name(table, columns)
            yield made.upsert(name, columns)
            yield made.upsert_update(name, columns)
        if expressions.is_updated(table):
            yield made.update()
        if table.updated:
            yield made.update_columns()
        yield made.delete()
        if table.soft_delete:
            yield made.restore()
            yield made.purge()

    def _decoded(self, column: Column, index: int) -> Piece:
        return column.type.decode(f"row[{index}]", nullable=column.nullable)

    def _column(self, column: Column) -> str | None:
        """A member of the class of columns, if there is anything to ask of it."""
        stored = column.type.stored
        arguments: list[Piece] = [string(column.name), string(column.python_name)]
        if isinstance(stored, Json):
            if not column.nullable:
                return None
            kind, types = "OpaqueColumn", [self.table.row_class]
        else:
            kind = "NullableColumn" if column.nullable else "Column"
            types = [self.table.row_class, column.type.annotation]
            if encoder := expressions.encoder(column):
                arguments.append(f"encode={encoder}")
            if (operand := column.type.operand("mysql")) != "{}":
                arguments.append(f"mysql={string(operand.format('%s'))}")
            if isinstance(stored, Enum):
                arguments.append("order=model.ENUM_ORDER")
            if isinstance(stored, Char | Text) and not column.exact:
                arguments.append("folded=True")
        # A line that is too long before its parenthesis is broken in the bracket before that.
        head = layout(Bracketed(f"{column.python_name}: Final = model.{kind}[", tuple(types), "]("), 4)
        before, line_end, last = head.rpartition("\n")
        return f"{before}{line_end}{last[: len(last) - len(last.lstrip())]}" + layout(
            Bracketed(last.lstrip(), tuple(arguments), ")"), 4
        )


def _folded(columns: Sequence[Column]) -> Piece | None:
    """Which of the columns are texts: even MySQL's exact collations mind no blanks at their ends."""
    texts = [
        str(number) for number, column in enumerate(columns) if isinstance(column.type.stored, Char | Text)
    ]
    return tuple_literal(texts) if texts else None
