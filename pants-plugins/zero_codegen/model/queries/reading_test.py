"""Statements of people: their texts for each database, their types, and where NULL may be."""

from __future__ import annotations

import textwrap

import black
import pytest

from zero_codegen import model
from zero_codegen.model.emit import module
from zero_codegen.model.queries import Query
from zero_codegen.model.queries.emit import View
from zero_codegen.model.schema import Contract
from zero_codegen.model.settings import Settings
from zero_codegen.source import ContractFile

TABLES = """
CREATE TABLE product (
  sku varchar(32) NOT NULL PRIMARY KEY, name varchar(255) NOT NULL, price decimal(12,2) NOT NULL,
  stock int unsigned NOT NULL DEFAULT 0, note varchar(10) NULL, version int NOT NULL DEFAULT 1,
  update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);
CREATE TABLE line (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, sku varchar(32) NOT NULL, pieces int NOT NULL,
  state enum('open', 'done') NOT NULL DEFAULT 'open', weight float NULL, UNIQUE KEY uniq_sku (sku)
);
"""


def _read(statement: str, settings: Settings | None = None) -> Query:
    file = ContractFile("shop/shop.sql", "", f"{TABLES}\n{statement};\n")
    (query,) = model.read(file, settings or Settings()).queries
    return query


def _ask(text: str) -> Query:
    return _read(f"-- name: ask :many\n{text}")


def test_the_three_texts() -> None:
    query = _read(
        "-- Takes pieces from the stock,\n-- if there are as many.\n-- name: take :exec\n"
        "UPDATE product SET stock = stock - :quantity WHERE sku = :sku AND stock >= :quantity"
    )
    assert query.comment == "Takes pieces from the stock,\nif there are as many."
    assert query.texts.sqlite == (
        'UPDATE "product" SET "stock" = "stock" - ?, "update_time" = CURRENT_TIMESTAMP '
        'WHERE "sku" = ? AND "stock" >= ?'
    )
    assert query.texts.mysql == (
        "UPDATE `product` SET `stock` = CAST(`stock` AS SIGNED) - %s, `update_time` = CURRENT_TIMESTAMP "
        "WHERE `sku` = %s AND `stock` >= %s"
    )
    assert query.texts.postgresql == (
        'UPDATE "product" SET "stock" = CAST("stock" AS bigint) - $1, "update_time" = statement_timestamp() '
        'WHERE "sku" = $2 AND "stock" >= $3'
    )
    assert [name for name, _ in query.values] == ["quantity", "sku", "quantity"]
    assert [(each.name, each.type.annotation, each.nullable) for each in query.parameters] == [
        ("quantity", "int", False),
        ("sku", "str", False),
    ]
    assert query.writes and query.table.name == "product"


def test_a_literal_percent_is_doubled_for_mysql_alone() -> None:
    texts = _ask("SELECT sku FROM product WHERE name LIKE '50%'").texts
    assert texts.mysql.endswith("LIKE '50%%'")
    assert texts.sqlite.endswith("LIKE '50%'") and texts.postgresql.endswith("LIKE '50%'")


def test_a_parameter_that_sqlite_needs_several_times_is_one_value() -> None:
    query = _read("-- name: ask :exec\nUPDATE product SET price = price + :more WHERE sku = :sku")
    assert "?1" in query.texts.sqlite and query.texts.sqlite.endswith('"sku" = ?2')
    assert [name for name, _ in query.values] == ["more", "sku"]


def test_words_of_sql_are_names_of_parameters() -> None:
    query = _ask("SELECT sku FROM product WHERE sku = :key AND name = :order AND note = :date LIMIT :limit")
    assert [parameter.name for parameter in query.parameters] == ["key", "order", "date", "limit"]


@pytest.mark.parametrize(
    ("text", "row_of"),
    [
        ("SELECT * FROM product", "product"),
        ("SELECT p.* FROM line l JOIN product p ON p.sku = l.sku", "product"),
        ("SELECT id, sku, pieces, state, weight FROM line", "line"),
        ("SELECT l.*, p.name FROM line l JOIN product p ON p.sku = l.sku", None),
        ("SELECT id, sku, pieces FROM line", None),
        ("SELECT sku, id, pieces, state, weight FROM line", None),
        ("SELECT p.* FROM line l LEFT JOIN product p ON p.sku = l.sku", None),
    ],
)
def test_rows_of_a_table(text: str, row_of: str | None) -> None:
    query = _ask(text)
    assert (query.row_of.name if query.row_of else None) == row_of
    assert bool(query.members) == (row_of is None)


@pytest.mark.parametrize(
    ("expression", "annotation"),
    [
        ("stock", "int"),
        ("note", "str | None"),
        ("COUNT(*)", "int"),
        ("COUNT(note)", "int"),
        ("SUM(stock)", "int | None"),
        ("SUM(price)", "decimal.Decimal | None"),
        ("AVG(stock)", "float | None"),
        ("MAX(update_time)", "dt.datetime | None"),
        ("COALESCE(SUM(price), 0)", "decimal.Decimal"),
        ("COALESCE(note, '-')", "str"),
        ("NULLIF(stock, 0)", "int | None"),
        ("price * stock", "decimal.Decimal"),
        ("stock > 3", "bool"),
        ("note = 'x'", "bool | None"),
        ("note IS NULL", "bool"),
        ("CASE WHEN stock > 3 THEN 1 END", "int | None"),
        ("CASE WHEN stock > 3 THEN 1 ELSE 0 END", "int"),
        ("(SELECT MAX(pieces) FROM line)", "int | None"),
        ("(SELECT COUNT(*) FROM line)", "int"),
        ("EXISTS (SELECT 1 FROM line)", "bool"),
        ("CAST(:day AS DATE)", "dt.date"),
        ("CONCAT(sku, name)", "str"),
    ],
)
def test_types(expression: str, annotation: str) -> None:
    (member,) = _ask(f"SELECT {expression} FROM product").members
    assert member.type.annotation + (" | None" if member.nullable else "") == annotation


def test_where_null_comes_from() -> None:
    query = _ask(
        "SELECT l.id, p.name, p.note, l.weight FROM line l LEFT JOIN product p ON p.sku = l.sku "
        "WHERE l.weight IS NOT NULL"
    )
    assert [(member.name, member.nullable) for member in query.members] == [
        ("id", False),
        ("name", True),
        ("note", True),
        ("weight", False),
    ]
    grouped = _ask("SELECT name, MAX(stock) AS most, MAX(note) AS last FROM product GROUP BY name")
    assert [member.nullable for member in grouped.members] == [False, False, True]
    derived = _ask("SELECT t.most FROM (SELECT MAX(stock) AS most FROM product) AS t")
    assert [member.nullable for member in derived.members] == [True]


@pytest.mark.parametrize(
    ("condition", "annotation"),
    [
        ("state = :p", "LineState"),
        ("pieces BETWEEN 1 AND :p", "int"),
        (":p IS NULL OR state = :p", "LineState | None"),
        ("sku = COALESCE(:p, sku)", "str | None"),
        ("sku IN (:p, 'x')", "str"),
        ("weight > :p", "float"),
        ("pieces = (SELECT MAX(stock) FROM product WHERE price > :p)", "decimal.Decimal"),
    ],
)
def test_parameters(condition: str, annotation: str) -> None:
    (parameter,) = _ask(f"SELECT id FROM line WHERE {condition}").parameters
    assert parameter.type.annotation + (" | None" if parameter.nullable else "") == annotation


def test_a_parameter_that_is_stored_may_be_null_where_the_column_may() -> None:
    query = _read(
        "-- name: add :exec\nINSERT INTO line (sku, pieces, weight) VALUES (:sku, :pieces, :weight)"
    )
    assert [parameter.nullable for parameter in query.parameters] == [False, False, True]
    assert query.unique == (("uniq_sku", ("sku",)),)


def test_every_update_changes_the_version() -> None:
    settings = Settings(version_column="version")
    query = _read("-- name: move :exec\nUPDATE product SET stock = :stock WHERE sku = :sku", settings)
    assert '"version" = "version" + 1' in query.texts.postgresql


def test_of_a_cached_table_the_row_is_known() -> None:
    settings = Settings(cached=("product",))
    query = _read(
        "-- name: take :exec\nUPDATE product SET stock = 0 WHERE :sku = sku AND stock > 5", settings
    )
    assert query.key == ("sku",)
    contract = Contract("mysql", (query.table,), queries=(query,))
    assert "self._execute(_ProductQueries.take, (sku,), (sku,))" in View(contract).methods(query.table)


def test_generated_source() -> None:
    contract = model.read(
        ContractFile(
            "shop/shop.sql",
            "",
            TABLES + textwrap.dedent("""
                -- How much there is.
                -- name: amounts :stream
                SELECT name, SUM(stock) AS pieces FROM product WHERE price > :price GROUP BY name;
                -- name: number :one
                SELECT COUNT(*) FROM product;
                """),
        )
    )
    source = module.source("shop.sql", contract)
    assert "from contextlib import AbstractAsyncContextManager" in source
    assert "class Amounts(msgspec.Struct, kw_only=True):" in source
    assert "AbstractAsyncContextManager[AsyncIterator[Amounts]]:" in source
    assert '"""How much there is.' in source
    assert "    async def number(self) -> int:" in source
    assert black.format_str(source, mode=black.Mode(line_length=100)) == source
