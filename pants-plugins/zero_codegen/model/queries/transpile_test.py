"""CHECK constraints and generated columns in the words of each database."""

from __future__ import annotations

import pytest
import sqlglot

from zero_codegen.model.queries import transpile
from zero_codegen.model.schema import Column, Expression
from zero_codegen.model.settings import Dialect
from zero_codegen.model.types import Boolean, Char, DateTime, Decimal, Enum, Float, Integer

COLUMNS = (
    Column("id", "id", Integer(64), False),
    Column("price", "price", Decimal(8, 2), False),
    Column("total", "total", Decimal(9, 3)),
    Column("name", "name", Char(20), False),
    Column("code", "code", Char(20), False, exact=True),
    Column("state", "state", Enum("State", (("OPEN", "open"), ("DONE", "done"))), False),
    Column("at", "at", DateTime(3)),
    Column("paid", "paid", Boolean(), False),
    Column("weight", "weight", Float()),
)


def _texts(text: str, dialect: Dialect = "mysql", into: Column | None = None) -> transpile.Texts:
    tree = sqlglot.parse_one(text, read="postgres" if dialect == "postgresql" else dialect)
    return transpile.texts(Expression(text, tree), COLUMNS, dialect, into=into)


@pytest.mark.parametrize(
    ("text", "sqlite", "mysql", "postgresql"),
    [
        ("price >= 0", "\"price\" >= '0'", "`price` >= 0", '"price" >= 0'),
        ("id = price", 'CAST("id" AS TEXT) COLLATE decimal = "price"', "`id` = `price`", '"id" = "price"'),
        ("paid = 1", '"paid" = 1', "`paid` = 1", '"paid" = TRUE'),
        (
            "at > '2024-01-01'",
            "\"at\" > '2024-01-01 00:00:00.000'",
            "`at` > '2024-01-01 00:00:00.000'",
            "\"at\" > '2024-01-01 00:00:00.000+00'",
        ),
        ("code LIKE 'a*_%'", "\"code\" GLOB 'a[*]?*'", "`code` LIKE 'a*_%'", "\"code\" LIKE 'a*_%'"),
        (
            "CONCAT(name, 'x') = 'ax'",
            "(\"name\" || 'x') COLLATE NOCASE = 'ax'",
            "(CONCAT(`name`, 'x')) = 'ax'",
            "(\"name\" || 'x') = 'ax'",
        ),
        (
            "id = 1 AND (id = 2 OR NOT paid)",
            '"id" = 1 AND ("id" = 2 OR NOT ("paid"))',
            "`id` = 1 AND (`id` = 2 OR NOT (`paid`))",
            '"id" = 1 AND ("id" = 2 OR NOT ("paid"))',
        ),
        ("id > -(-3)", '"id" > 3', "`id` > 3", '"id" > 3'),
        ("name = 'it\\\\s'", "\"name\" = 'it\\s'", "`name` = 'it\\\\s'", "\"name\" = 'it\\s'"),
    ],
)
def test_conditions(text: str, sqlite: str, mysql: str, postgresql: str) -> None:
    assert _texts(text) == transpile.Texts(sqlite, mysql, postgresql)


@pytest.mark.parametrize(
    ("dumped", "written"),
    [
        (
            "(((name)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
            "name IN ('a', 'b')",
        ),
        ("((name)::text <> ALL (ARRAY['a'::text, 'b'::text]))", "name NOT IN ('a', 'b')"),
        ("((price * (2)::numeric) < (100)::numeric)", "price * 2 < 100"),
        ("(state = 'open'::order_state)", "state = 'open'"),
        ("((code)::text ~~ 'a%'::text)", "code LIKE 'a%'"),
    ],
)
def test_what_pg_dump_writes(dumped: str, written: str) -> None:
    assert _texts(dumped, "postgresql") == _texts(written, "postgresql")


def test_a_generated_decimal_is_text_in_sqlite() -> None:
    texts = _texts("price * 2", into=COLUMNS[2])
    assert texts.mysql == "(`price` * 2)" and texts.postgresql == '("price" * 2)'
    assert texts.sqlite.startswith("CASE WHEN") and "|| '.' ||" in texts.sqlite


@pytest.mark.parametrize(
    ("text", "marked", "message"),
    [
        ("id > 1 AND nmae = 'x'", "nmae", "there is no column `nmae`"),
        ("at > CURRENT_TIMESTAMP", "at", "the current time is another one at each look"),
        ("id IN (SELECT 1)", "1", "a query is not supported here"),
        ("COUNT(id) > 1", "COUNT(id", "this is about one row: there are no aggregates"),
        ("id = :id", "id", "there are no parameters here"),
        ("foo(id) = 1", "foo(id", "the function `foo` is not known to all databases"),
        ("id", "id", "`id` (an integer) is no condition"),
    ],
)
def test_refusals(text: str, marked: str, message: str) -> None:
    with pytest.raises(transpile.Refused) as raised:
        _texts(text)
    span = raised.value.span
    assert str(raised.value) == message
    assert (text[span[0] : span[1] + 1] if span else None) == marked
