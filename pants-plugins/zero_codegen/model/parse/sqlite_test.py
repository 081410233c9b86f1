"""What the DDL of SQLite is understood to say, and what it is refused for."""

from collections.abc import Sequence

import pytest

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model import read
from zero_codegen.model.schema import Column, Now, Table
from zero_codegen.model.settings import Settings
from zero_codegen.model.types import (
    Blob,
    Boolean,
    Char,
    ColumnType,
    Date,
    DateTime,
    Decimal,
    Float,
    Integer,
    Json,
    Text,
    Time,
    Uuid,
)
from zero_codegen.source import ContractFile


def table(text: str) -> Table:
    (only,) = read(ContractFile("shop/shop.sql", "", text), Settings(dialect="sqlite")).tables
    return only


def columns(declared: str) -> dict[str, Column]:
    found = table(f"create table t (id integer primary key, {declared})").columns
    return {column.name: column for column in found[1:]}


def refused(text: str) -> Sequence[Diagnostic]:
    with pytest.raises(ContractError) as error:
        table(text)
    return error.value.diagnostics


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("INTEGER", Integer(64)),
        ("INT", Integer(64)),
        ("BIGINT", Integer(64)),
        ("SMALLINT", Integer(16)),
        ("BOOLEAN", Boolean()),
        ("REAL", Float()),
        ("DOUBLE PRECISION", Float()),
        ("NUMERIC(12, 2)", Decimal(12, 2)),
        ("VARCHAR(80)", Char(80)),
        ("CHAR(2)", Char(2)),
        ("TEXT", Text(None)),
        ("BLOB", Blob(None)),
        ("JSON", Json()),
        ("UUID", Uuid()),
        ("DATE", Date()),
        ("TIME", Time(0)),
        ("DATETIME", DateTime(0)),
        ("TIMESTAMP(3)", DateTime(3)),
    ],
)
def test_types(written: str, type_: ColumnType) -> None:
    assert columns(f"a {written}")["a"].type == type_


@pytest.mark.parametrize(
    ("declared", "counts"),
    [
        ("id INTEGER PRIMARY KEY", True),
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", True),
        ("id INTEGER NOT NULL, PRIMARY KEY (id)", True),
        ("id INT PRIMARY KEY", False),
        ("id INTEGER DEFAULT 1 PRIMARY KEY", False),
        ("id INTEGER, b INTEGER, PRIMARY KEY (id, b)", False),
    ],
)
def test_keys_that_count(declared: str, counts: bool) -> None:
    found = table(f"create table t ({declared})")
    assert (found.generated_key is not None, found.columns[0].nullable) == (counts, False)
    assert table("create table t (id integer primary key) without rowid").generated_key is None


def test_names_in_any_quotes() -> None:
    found = table('create table [my_order] ("a" integer primary key, `from` text, [select] text)')
    assert (found.name, [column.name for column in found.columns]) == ("my_order", ["a", "from", "select"])


def test_texts_are_exact_unless_they_say_otherwise() -> None:
    found = columns("a text, b text collate nocase, c text collate binary")
    assert [name for name, column in found.items() if column.exact] == ["a", "c"]


def test_defaults_and_generated_columns() -> None:
    found = columns(
        "a datetime default current_timestamp, b datetime default (datetime('now')),"
        " c numeric(5,2) default 1.5,"
        " d integer not null default -1, e integer as (d + 1) virtual"
    )
    assert [column.default for column in found.values()] == [
        Now.NOW,
        Now.NOW,
        Decimal(5, 2).constant("1.5"),
        Integer(64).constant("-1"),
        None,
    ]
    assert found["e"].generated is not None and found["e"].generated.text == "d + 1"


def test_remarks_are_comments() -> None:
    found = table("""
        -- People who
        -- have an account.
        create table t (
          id integer primary key, -- given by us
          -- what they are called
          name text not null, email text, /* to read */ phone text /* to call */
        )
        """)
    assert found.comment == "People who have an account."
    remarks = ["given by us", "what they are called", "to read", "to call"]
    assert [column.comment for column in found.columns] == remarks


def test_a_dump() -> None:
    found = table("""PRAGMA foreign_keys=OFF;
        BEGIN TRANSACTION;
        CREATE TABLE IF NOT EXISTS "t" (
          id INTEGER PRIMARY KEY AUTOINCREMENT, a INTEGER REFERENCES t(id), UNIQUE (a)
        ) STRICT;
        CREATE TABLE sqlite_sequence(name,seq);
        CREATE INDEX main.i ON t (a DESC);
        COMMIT;""")
    assert [(index.name, index.written) for index in found.indexes] == [("t_a_key", "(a)"), ("i", "(a DESC)")]
    assert [(key.name, key.referred) for key in found.foreign_keys] == [("t_a_fkey", ("id",))]
    assert found.options == "STRICT"


ON_CONFLICT = "ON CONFLICT is not supported: only SQLite has it"
NO_DEFAULT = "a default is a constant or CURRENT_TIMESTAMP: expressions are not supported"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("a", "column `a` has no type"),
        ("a strng", "unknown type `STRNG`"),
        ('a text default "x"', NO_DEFAULT),
        ("a text default (lower('x'))", NO_DEFAULT),
        ("a int unique on conflict replace", ON_CONFLICT),
        ("a int not null on conflict ignore", ON_CONFLICT),
        ("a int comment 'x'", "`comment` is not understood here"),
        ("a varchar(9) autoincrement", "AUTO_INCREMENT column `a` is no integer"),
        ("order text", "`order` is a reserved word of SQLite"),
        ("[a integer", "a name begins here and does not end"),
    ],
)
def test_refused_columns(column: str, message: str) -> None:
    assert message in [each.message for each in refused(f"create table t (id integer primary key, {column})")]


OTHER_DATABASE = "a table is named without its database, which comes with the DataSource"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("create virtual table t using fts5(a)", "virtual tables are not supported: only SQLite has them"),
        ("create table t (id integer primary key) without rowids", "`without` is not understood here"),
        ("create table other.t (id integer primary key)", OTHER_DATABASE),
    ],
)
def test_refused_statements(text: str, message: str) -> None:
    assert [each.message for each in refused(text)] == [message]


def test_keys_as_db_browser_writes_them() -> None:
    found = table(
        'create table t ("id" INTEGER NOT NULL, "a" integer unsigned not null,'
        ' PRIMARY KEY("id" AUTOINCREMENT))'
    )
    assert found.generated_key == found.columns[0]
    assert found.columns[1].type == Integer(64, unsigned=True)
