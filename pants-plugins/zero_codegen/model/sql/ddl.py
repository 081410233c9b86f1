"""The statements that make a table, for each database.

In the dialect of the contract columns, indexes and options stand as they are written; for the other databases
they are written anew. SQLite's are always: its types have to be those of STRICT tables, or it would make
floats of decimals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from zero_codegen.model.queries import transpile
from zero_codegen.model.schema import (
    Check,
    Column,
    Contract,
    ForeignKey,
    Index,
    NewUuid,
    Now,
    Table,
)
from zero_codegen.model.settings import Dialect
from zero_codegen.model.sql.names import (
    constraint_name,
    index_name,
    key_name,
    of_table,
    quoted_name,
    quoted_names,
)
from zero_codegen.model.types import (
    DECIMAL_COLLATION,
    Char,
    Constant,
    DateTime,
    Decimal,
    Enum,
    Json,
    Text,
    mysql_quoted,
    quoted,
)

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Parts:
    """A table in pieces, as one database has it: a piece that changes is what a migration changes.

    The texts depend on the table alone. `columns` have what stands behind their quoted names, in order.
    `key` is "" where it stands in its column. `constraints` are the other clauses of CREATE TABLE by name
    (MySQL's indexes too) without `foreign_keys`, `indexes` finished statements, `types` those that make the
    enum types that the columns have.
    """

    name: str
    columns: Mapping[str, str]
    key: str
    constraints: Mapping[str, str]
    foreign_keys: Mapping[str, str]
    indexes: Mapping[str, str]
    options: str
    comments: tuple[str, ...]
    types: Mapping[str, str]


def definition(contract: Contract, table: Table, dialect: Dialect) -> tuple[str, ...]:
    """The statements that make a table and all that belongs to it."""
    return created(parts(contract, table, dialect), dialect)


def created(parts: Parts, dialect: Dialect) -> tuple[str, ...]:
    """The statements that make a table of its pieces."""
    columns = [f"{quoted_name(name, dialect)} {text}" for name, text in parts.columns.items()]
    clauses = [*columns, parts.key, *parts.constraints.values(), *parts.foreign_keys.values()]
    body = f",\n{_INDENT}".join(filter(None, clauses))
    options = f" {parts.options}" if parts.options else ""
    create = f"CREATE TABLE {quoted_name(parts.name, dialect)} (\n{_INDENT}{body}\n){options}"
    return (*parts.types.values(), create, *parts.indexes.values(), *parts.comments)


def parts(contract: Contract, table: Table, dialect: Dialect) -> Parts:
    """A table of a contract, as a database is to have it."""
    inline = [index for index in table.indexes if _is_inline(contract, index, dialect)]
    indexes = [index for index in table.indexes if index not in inline]
    constraints = {
        index_name(contract, table, index, dialect): _inline_index(contract, table, index, dialect)
        for index in inline
    }
    if dialect == "mysql" != contract.dialect:
        constraints |= dict(_mysql_type_checks(table))
    for check in table.checks:
        name = constraint_name(contract, table, check.name, dialect)
        constraints[name] = _check(contract, table, check, dialect)
    return Parts(
        name=table.name,
        columns={
            column.name: column_definition(contract, table, column, dialect) for column in table.columns
        },
        key="" if _is_key_inline(table, dialect) else _primary_key(contract, table, dialect),
        constraints=constraints,
        foreign_keys={
            constraint_name(contract, table, key.name, dialect): _foreign_key(contract, table, key, dialect)
            for key in table.foreign_keys
        },
        indexes={
            index_name(contract, table, index, dialect): _index(contract, table, index, dialect)
            for index in indexes
        },
        options=_options(contract, table, dialect),
        comments=tuple(_comments(contract, table, dialect)),
        types=dict(_enum_types(contract, table, dialect)),
    )


def now(column: Column, dialect: Dialect) -> str:
    """The current time with the fractional digits of a column."""
    type_ = column.type.stored
    assert isinstance(type_, DateTime), "CURRENT_TIMESTAMP is a default of times alone"
    return type_.now(dialect)


def column_definition(contract: Contract, table: Table, column: Column, dialect: Dialect) -> str:
    """What stands behind the name of a column, as CREATE TABLE and ADD COLUMN take it."""
    if dialect == contract.dialect != "sqlite" and column.written:
        return column.written
    write = {"sqlite": _sqlite_column, "mysql": _mysql_column, "postgresql": _postgresql_column}[dialect]
    return " ".join(write(contract, table, column))


def _primary_key(contract: Contract, table: Table, dialect: Dialect) -> str:
    key = f"PRIMARY KEY ({quoted_names(table.key, dialect)})"
    if dialect != "postgresql":
        return key
    return f"CONSTRAINT {quoted_name(key_name(contract, table), dialect)} {key}"


def _index(contract: Contract, table: Table, index: Index, dialect: Dialect) -> str:
    name = quoted_name(index_name(contract, table, index, dialect), dialect)
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    return f"CREATE {kind} {name} ON {quoted_name(table.name, dialect)} {_indexed(contract, index, dialect)}"


def _foreign_key(contract: Contract, table: Table, key: ForeignKey, dialect: Dialect) -> str:
    name = quoted_name(constraint_name(contract, table, key.name, dialect), dialect)
    referred = ", ".join(quoted_name(column, dialect) for column in key.referred)
    actions = "".join(
        f" ON {event} {action}"
        for event, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update))
        if action != "NO ACTION"
    )
    return (
        f"CONSTRAINT {name} FOREIGN KEY ({quoted_names(key.columns, dialect)})"
        f" REFERENCES {quoted_name(key.table, dialect)} ({referred}){actions}"
    )


def _check(contract: Contract, table: Table, check: Check, dialect: Dialect) -> str:
    text = transpile.texts(check.expression, table.columns, contract.dialect)[dialect]
    name = constraint_name(contract, table, check.name, dialect)
    return f"CONSTRAINT {quoted_name(name, dialect)} CHECK ({text})"


def _enum_types(contract: Contract, table: Table, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """PostgreSQL's own enum types; another table may have made them already."""
    if dialect != "postgresql":
        return
    used = {type_.class_name for column in table.columns if isinstance(type_ := column.type.stored, Enum)}
    for enum in contract.enums:
        if enum.name in used and enum.type_name:
            values = ", ".join(quoted(value) for _, value in enum.members)
            create = f"CREATE TYPE {quoted_name(enum.type_name, dialect)} AS ENUM ({values})"
            yield enum.type_name, f"DO $$ BEGIN {create}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"


def _comments(contract: Contract, table: Table, dialect: Dialect) -> Iterator[str]:
    if dialect != "postgresql" or contract.dialect != "postgresql":
        return
    name = quoted_name(table.name, dialect)
    if table.comment:
        yield f"COMMENT ON TABLE {name} IS {quoted(table.comment)}"
    for column in table.columns:
        if column.comment:
            yield f"COMMENT ON COLUMN {name}.{quoted_name(column.name, dialect)} IS {quoted(column.comment)}"


def _sqlite_column(contract: Contract, table: Table, column: Column) -> Iterator[str]:
    type_ = column.type.stored
    yield type_.sql("sqlite")
    if _is_key_inline(table, "sqlite") and column in table.key:
        yield "PRIMARY KEY AUTOINCREMENT" if column.auto_increment else "PRIMARY KEY"
    if column.auto_increment:
        return
    if not column.nullable:
        yield "NOT NULL"
    if column.generated:
        yield _generated(contract, table, column, "sqlite", is_stored=column.is_stored)
    elif column.default is Now.NOW:
        yield f"DEFAULT ({now(column, 'sqlite')})"
    elif isinstance(column.default, Constant):
        yield f"DEFAULT {column.default.sqlite}"
    if isinstance(type_, Char | Text) and not column.exact:
        yield "COLLATE NOCASE"  # MySQL's collations compare letters, not bytes
    elif isinstance(type_, Decimal):
        yield f"COLLATE {DECIMAL_COLLATION}"
    yield from _type_check(column, "sqlite")


def _mysql_column(contract: Contract, table: Table, column: Column) -> Iterator[str]:
    type_ = column.type.stored
    yield type_.sql("mysql")
    if isinstance(type_, Char | Text) and not column.exact:
        yield "COLLATE utf8mb4_general_ci"
    if column.generated:
        yield _generated(contract, table, column, "mysql", is_stored=column.is_stored)
    if not column.nullable:
        yield "NOT NULL"
    if column.auto_increment:
        yield "AUTO_INCREMENT"
    elif column.default is Now.NOW:
        yield f"DEFAULT {now(column, 'mysql')}"
    elif isinstance(column.default, Constant):
        # Of the long types MySQL takes a default as an expression alone.
        default = column.default.mysql
        yield f"DEFAULT ({default})" if isinstance(type_, Text | Json) else f"DEFAULT {default}"
    if column.comment:
        yield f"COMMENT {mysql_quoted(column.comment)}"


def _postgresql_column(contract: Contract, table: Table, column: Column) -> Iterator[str]:
    yield column.type.stored.sql("postgresql")
    if not column.nullable:
        yield "NOT NULL"
    if column.auto_increment:
        yield "GENERATED BY DEFAULT AS IDENTITY"
    elif column.generated:
        yield _generated(contract, table, column, "postgresql", is_stored=True)  # it has no others
    elif column.default is Now.NOW:
        yield "DEFAULT CURRENT_TIMESTAMP"
    elif column.default is NewUuid.NEW_UUID:
        yield "DEFAULT gen_random_uuid()"
    elif isinstance(column.default, Constant):
        yield f"DEFAULT {column.default.postgresql}"
    yield from _type_check(column, "postgresql")


def _type_check(column: Column, dialect: Dialect) -> Iterator[str]:
    name = quoted_name(column.name, dialect)
    if (condition := column.type.stored.check(name, dialect)) and not column.generated:
        yield f"CONSTRAINT {name} CHECK ({condition})"  # its name is what an error message shows


def _mysql_type_checks(table: Table) -> Iterator[tuple[str, str]]:
    """Conditions of the columns' types: MariaDB gives none in a column a name."""
    for column in table.columns:
        condition = column.type.stored.check(quoted_name(column.name, "mysql"), "mysql")
        if condition and not column.generated:
            name = of_table(table, column.name)
            yield name, f"CONSTRAINT {quoted_name(name, 'mysql')} CHECK ({condition})"


def _generated(contract: Contract, table: Table, column: Column, dialect: Dialect, *, is_stored: bool) -> str:
    assert column.generated is not None
    texts = transpile.texts(column.generated, table.columns, contract.dialect, into=column)
    return f"GENERATED ALWAYS AS ({texts[dialect]}) {'STORED' if is_stored else 'VIRTUAL'}"


def _is_key_inline(table: Table, dialect: Dialect) -> bool:
    return dialect == "sqlite" and len(table.key) == 1


def _is_inline(contract: Contract, index: Index, dialect: Dialect) -> bool:
    """Whether CREATE TABLE makes an index: MySQL's makes all of them."""
    if dialect == "postgresql" == contract.dialect:
        return index.unique and index.is_constraint
    return index.unique or dialect == "mysql"


def _inline_index(contract: Contract, table: Table, index: Index, dialect: Dialect) -> str:
    columns = _indexed(contract, index, dialect)
    name = quoted_name(index_name(contract, table, index, dialect), dialect)
    if dialect == "mysql":
        return f"{'UNIQUE KEY' if index.unique else 'KEY'} {name} {columns}"
    return f"CONSTRAINT {name} UNIQUE {columns}"


def _indexed(contract: Contract, index: Index, dialect: Dialect) -> str:
    """The columns of an index in parentheses, with what belongs to them."""
    if dialect == contract.dialect != "sqlite" and index.written:
        return index.written
    long = [column for column in index.columns if not column.type.stored.is_indexable]
    if long and dialect == "postgresql":
        # Its ordered indexes refuse values of more than a third of a page.
        short = [column for column in index.columns if column not in long]
        if not short:
            return f"USING hash ({quoted_names(index.columns[:1], dialect)})"
        return f"({quoted_names(short, dialect)})"
    return f"({quoted_names(index.columns, dialect)})"


def _options(contract: Contract, table: Table, dialect: Dialect) -> str:
    if dialect == "sqlite":
        return "STRICT"
    if dialect == contract.dialect:
        return table.options
    if dialect == "postgresql":
        return ""
    # The other databases compare texts exactly.
    comment = f" COMMENT={mysql_quoted(table.comment)}" if table.comment else ""
    return f"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin{comment}"
