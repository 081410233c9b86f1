"""Pieces of generated source that several of its parts have: parameters, and values made of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zero_codegen import naming
from zero_codegen.model.schema import Column, NewUuid, Now, Table
from zero_codegen.model.types import Constant
from zero_codegen.python import WIDTH, Bracketed, Piece, tuple_literal


class Names:
    """What belongs to a table in a generated module. The suffixes keep those of several tables apart."""

    def __init__(self, table: Table) -> None:
        snake = naming.snake(table.name)
        self.sql = f"_{table.row_class}Sql"
        self.defaults = f"_{table.row_class}Defaults"
        self.constant = f"_{snake.upper()}_TABLE"
        self.decoder = f"_{snake}_row"
        self.encoder = f"_{snake}_values"


def is_updated(table: Table) -> bool:
    """Whether a row can change at all."""
    return bool(table.updated or table.version or any(column.stamped for column in table.columns))


def upsert_name(table: Table, columns: Sequence[Column]) -> str:
    """The method that inserts a row or updates the one with its values in some columns."""
    names = "_".join(column.python_name.strip("_") for column in columns)
    return "upsert" if columns == table.key else f"upsert_by_{names}"


def declared(name: str, annotation: str, default: str) -> Piece:
    """A parameter with a default, on a line of its own."""
    flat = f"{name}: {annotation} = {default}"
    if len("        ") + len(flat) + len(",") <= WIDTH:
        return flat
    return Bracketed(f"{name}: (", (annotation,), f") = {default}")


def default(names: Names, column: Column) -> tuple[str, str | None]:
    """The annotation of a column as a parameter of an insert, and its default, if it has one."""
    if column.default is Now.NOW or column.default is NewUuid.NEW_UUID:
        return f"{column.type.annotation} | None", "None"
    if isinstance(column.default, Constant):
        hoisted = f"{names.defaults}.{column.python_name}"
        return column.annotation, hoisted if column.default.is_hoisted else column.default.python
    return column.annotation, "None" if column.nullable else None


def value(column: Column, prefix: str = "") -> Piece:
    """What a statement takes of a value, which may be None where the column may."""
    return column.type.encode(f"{prefix}{column.python_name}", nullable=column.nullable)


def new_value(column: Column, prefix: str = "") -> Piece:
    """The same of a new row; the database knows the current time, Python makes UUIDs."""
    name = f"{prefix}{column.python_name}"
    if column.default is NewUuid.NEW_UUID:
        return column.type.encode(f"{new_uuid(column)} if {name} is None else {name}", nullable=False)
    return column.type.encode(name, nullable=column.nullable or column.default is Now.NOW)


def new_uuid(column: Column) -> str:
    """A new UUID, as the column has it in Python."""
    return "str(uuid.uuid4())" if column.type.annotation == "str" else "uuid.uuid4()"


def values(columns: Sequence[Column]) -> Piece:
    """What a statement takes of values by which rows are found."""
    return tuple_literal([column.type.encode(column.python_name, nullable=False) for column in columns])


def row_values(columns: Sequence[Column]) -> Piece:
    """The same of the row that is called `row`."""
    piece = tuple_literal([value(column, "row.") for column in columns])
    return Bracketed(f"lambda row: {piece.head}", piece.items, piece.tail)


def change(column: Column) -> Piece:
    """Whether a column changes, and to what, of a parameter that may be UNSET."""
    encode = encoder(column, nullable=column.nullable)
    arguments = (column.python_name, encode) if encode else (column.python_name,)
    return Bracketed("*model.change(", arguments, ")")


def encoder(column: Column, *, nullable: bool = False) -> str | None:
    """A function that makes of a value what a statement takes; None where that is the same."""
    call = str(column.type.encode("value", nullable=nullable))
    if call == "value":
        return None
    plain = re.fullmatch(r"([\w.]+)\(value\)", call)
    return plain.group(1) if plain else f"lambda value: {call}"
