"""Names that a database would not take; the place is in guillemets."""

import pytest

from zero_codegen.model import read
from zero_codegen.model.settings import Dialect, Settings
from zero_codegen.source import ContractFile
from zero_codegen.testing import assert_refused

TOO_LONG = "the name is longer than the 63 octets that PostgreSQL takes"
RENAME = "give one of them another name"


def refused(marked: str, *messages: str, hint: str | None = None, dialect: Dialect = "mysql") -> None:
    def generate(file: ContractFile) -> object:
        return read(file, Settings(dialect=dialect))

    assert_refused(generate, marked, *((message, hint) for message in messages), path="shop.sql")


def test_names_that_are_too_long() -> None:
    table, column = "t" * 64, "c" * 100
    refused(f"create table «{table}» (id int primary key, «{column}» int)", TOO_LONG, TOO_LONG)
    refused(f"create table «{table}» (id integer primary key)", TOO_LONG, dialect="sqlite")
    index = f'create table t (id int primary key, a int); create index «"{"名" * 22}"» on t (a)'
    refused(index, TOO_LONG, dialect="postgresql")


def test_names_that_a_database_has_itself() -> None:
    message = "every table of PostgreSQL has a column `xmin` of its own"
    refused("create table t (id int primary key, «xmin» int)", message)
    message = "names of tables that begin with `sqlite_` are SQLite's own"
    refused("create table «sqlite_t» (id int primary key)", message)


@pytest.mark.parametrize(
    ("marked", "message", "dialect"),
    [
        (
            "create table t (id int primary key, a int, key k (a), constraint «k» check (a > 0))",
            "the index `k` of `t` and the condition `k` of `t` would both be `k` in MySQL",
            "mysql",
        ),
        (
            "create table user (id int primary key, a int, key user_log_x (a));"
            "create table user_log (id int primary key, a int, key «x» (a))",
            "the index `user_log_x` of `user` and the index `x` of `user_log`"
            " would both be `user_log_x` in PostgreSQL",
            "mysql",
        ),
        (
            "create table t (id int primary key, a int, key idx (a));"
            "create table «t_idx» (id int primary key)",
            "the index `idx` of `t` and the table `t_idx` would both be `t_idx` in PostgreSQL",
            "mysql",
        ),
        (
            "create table t (id int primary key, a int); create table u (id int primary key, a int);"
            "create index i on t (a); create index «i» on u (a)",
            "the index `i` of `t` and the index `i` of `u` would both be `i` in PostgreSQL",
            "postgresql",
        ),
        (
            "create table t (id int primary key, constraint c_d check (id > 0));"
            "create table t_c (id int primary key, constraint «d» check (id > 0))",
            "the condition `c_d` of `t` and the condition `d` of `t_c` would both be `t_c_d` in MySQL",
            "postgresql",
        ),
    ],
)
def test_names_that_would_be_there_twice(marked: str, message: str, dialect: Dialect) -> None:
    refused(marked, message, hint=RENAME, dialect=dialect)
