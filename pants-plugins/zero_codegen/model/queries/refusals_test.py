"""What is wrong with a statement is told with its place, what databases do differently with the reason."""

from __future__ import annotations

import pytest

from zero_codegen import model
from zero_codegen.model.schema import Contract
from zero_codegen.model.settings import Settings
from zero_codegen.source import ContractFile
from zero_codegen.testing import Expected, assert_refused

TABLES = """
CREATE TABLE product (
  sku varchar(32) NOT NULL PRIMARY KEY, name varchar(255) NOT NULL,
  code varchar(8) COLLATE utf8mb4_bin NOT NULL, price decimal(12,2) NOT NULL, stock int NOT NULL,
  paid bool NOT NULL, note varchar(10) NULL, data json NOT NULL, state enum('open', 'done') NOT NULL,
  at datetime NOT NULL, at3 datetime(3) NOT NULL, big decimal(30,2) NOT NULL
);
CREATE TABLE line (id int NOT NULL PRIMARY KEY, sku varchar(32) NOT NULL, pieces int NOT NULL);
"""
POSTGRESQL = "CREATE TABLE t (id int PRIMARY KEY, name varchar(9), n int);"


def _refused(
    statement: str, *expected: Expected, tables: str = TABLES, settings: Settings | None = None
) -> None:
    def read(file: ContractFile) -> Contract:
        return model.read(file, settings or Settings())

    assert_refused(read, f"{tables}\n{statement};\n", *expected, path="shop/shop.sql")


def _ask(query: str, message: str, hint: str | None = None, *, command: str = "many") -> None:
    _refused(f"-- name: ask :{command}\n{query}", (message, hint))


def test_names_that_are_not_there_are_told_with_the_nearest() -> None:
    _refused(
        "-- name: ask :many\nSELECT «nmae», «prise» FROM product WHERE «stokc» > 1 ORDER BY «skuu»",
        ("there is no column `nmae`", "did you mean `name`?"),
        ("there is no column `prise`", "did you mean `price`?"),
        ("there is no column `stokc`", "did you mean `stock`?"),
        ("there is no column `skuu`", "did you mean `sku`?"),
    )
    _ask("SELECT * FROM «prodcut»", "there is no table `prodcut`", "did you mean `product`?")
    _ask(
        "SELECT «produkt».sku FROM product", "there is no table `produkt` in FROM", "did you mean `product`?"
    )
    _ask("SELECT p.«nam» FROM product p", "`p` has no column `nam`", "did you mean `name`?")
    _ask(
        "SELECT «product».sku FROM product p", "there is no table `product` in FROM", "it is called `p` here"
    )


def test_ambiguous_names() -> None:
    _ask(
        "SELECT pieces FROM line l JOIN product p ON p.sku = l.sku WHERE «sku» = :sku",
        "`sku` is a column of several tables",
        "write `l.sku` or `p.sku`",
    )


@pytest.mark.parametrize(
    ("heading", "message", "hint"),
    [
        ("-- name: ask «:may»", "`:may` does not say what the statement gives", "did you mean `:many`?"),
        ("-- name: «Ask» :many", "`Ask` is no name for a method", "write `ask`"),
        ("-- name: ask «many»", "`many` does not say what the statement gives", "did you mean `:many`?"),
    ],
)
def test_headings(heading: str, message: str, hint: str) -> None:
    _refused(f"{heading}\nSELECT sku FROM product", (message, hint))


def test_statements_and_names_go_together() -> None:
    _refused(
        "«SELECT» 1",
        (
            "a statement has a name",
            "write `-- name: take :exec` above it; a dump is made without rows (mysqldump --no-data, "
            "pg_dump --schema-only)",
        ),
    )
    _refused(
        "«-- name: lost :many»\n\nCREATE TABLE other (id int PRIMARY KEY)",
        ("no statement follows this name", "it stands right above its statement"),
    )
    _refused(
        "«-- name: insert :exec»\nDELETE FROM line",
        ("`LineModel` has a method `insert` already", "call it another"),
    )
    _refused(
        "-- name: ask :exec\n«SELECT sku FROM product»",
        ("this gives rows, `:exec` does not", "say :one, :many or :stream"),
    )
    _refused(
        "-- name: ask :one\n«DELETE FROM line»",
        ("this gives no rows", "say :exec, which gives how many rows it found"),
    )


@pytest.mark.parametrize(
    ("condition", "message", "hint"),
    [
        ("«at = sku»", "`at` (a point in time) cannot be compared with `sku` (a text)", None),
        ("«stock»", "`stock` (an integer) is no condition", "write `stock <> 0`"),
        ("stock > «'x'»", "`x` is not an integer", None),
        ("state = «'opne'»", "`opne` is not a value of the enum", "did you mean `open`?"),
        ("«note» = NULL", "nothing is equal to NULL, nor unequal", "write IS NULL or IS NOT NULL"),
        ("«sku» IS NULL", "`sku` (a text) is never NULL", None),
        (
            "«sku IN (:skus)»",
            "a parameter is one value, not a list",
            "use list() with .in_(…), or `= :skus` for one value",
        ),
        ("«:a» IS NULL", "what `:a` is cannot be told from its use", "say it: CAST(:a AS BIGINT)"),
        ("«state > 'open'»", "databases compare an enum differently", "compare it in Python"),
        (
            "«at = at3»",
            "the times have different fractional digits: SQLite compares them as texts",
            "give both columns the same digits",
        ),
        (
            "«name = code»",
            "one of the texts is compared exactly, the other is not",
            "give both one collation",
        ),
        (
            "«stock / 2» > 1",
            "MySQL divides these into a fraction, the others cut it off",
            "divide floats: CAST(… AS DOUBLE)",
        ),
        (
            "stock / CAST(«stock» AS DOUBLE) > 1",
            "a division by 0 is an error in PostgreSQL and NULL in the others",
            "divide by NULLIF(…, 0)",
        ),
        (
            "«name» || code = 'x'",
            "`name` (a text) is no condition",
            "`||` is OR in MySQL: texts are joined by CONCAT(…)",
        ),
        ("«LENGTH(name)» > 1", "LENGTH counts bytes in MySQL", "write CHAR_LENGTH for characters"),
        (
            "«code LIKE :pattern»",
            "SQLite's LIKE does not tell small letters from capitals, this text does",
            "use list() with .startswith() or .contains()",
        ),
        ("«COUNT(*)» > 1", "aggregates belong to SELECT, HAVING and ORDER BY", None),
        (
            "stock > (SELECT «pieces FROM line»)",
            "of several rows SQLite takes the first, with the others it is an error",
            "take MIN or MAX, or say LIMIT 1",
        ),
        ("sku IN (SELECT «sku FROM line LIMIT 3»)", "MySQL has no LIMIT in a query behind IN", None),
        (
            "«big + 1» > 3",
            "SQLite has no exact numbers of more than 18 digits",
            "decimals of more digits can only be stored and compared by `=`",
        ),
    ],
)
def test_conditions(condition: str, message: str, hint: str | None) -> None:
    _ask(f"SELECT sku FROM product WHERE {condition}", message, hint)


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        (
            "SELECT name, «price» FROM product GROUP BY name",
            "`price` is neither grouped nor aggregated: which row's it is, databases choose",
            "add it to GROUP BY, or take MIN or MAX of it",
        ),
        (
            "SELECT «name», COUNT(*) AS n FROM product",
            "`name` is neither grouped nor aggregated: which row's it is, databases choose",
            "add it to GROUP BY, or take MIN or MAX of it",
        ),
        (
            "SELECT sku FROM product ORDER BY «state»",
            "databases order `state` (an enum) differently",
            "order it in Python",
        ),
        ("SELECT sku FROM product ORDER BY «1»", "what is ordered by has a name", "name the column"),
        (
            "SELECT sku, «stock + 1» FROM product",
            "this column of the result has no name",
            "give it one: AS …",
        ),
        ("SELECT «MAX(paid)» FROM product", "not every database has MAX of `paid` (a boolean)", None),
        (
            "SELECT «LOWER(name)» FROM product",
            "the function `LOWER` is not supported here",
            "SQLite changes the letters of ASCII alone: do it in Python",
        ),
        (
            "SELECT «sku FROM product UNION SELECT sku FROM line»",
            "UNION and its like are not supported",
            "write two statements",
        ),
        (
            "SELECT l.id FROM product p RIGHT JOIN «line l ON l.sku = p.sku»",
            "RIGHT JOIN is not in all databases",
            "turn it into a LEFT JOIN",
        ),
        ("SELECT FROM «WHERE»", "this cannot be read as SQL at `WHERE`", None),
    ],
)
def test_queries(query: str, message: str, hint: str | None) -> None:
    _ask(query, message, hint)


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        ("UPDATE product SET «nmae» = :name", "there is no column `nmae`", "did you mean `name`?"),
        (
            "UPDATE product SET stock = 1, price = «stock»",
            "MySQL would see the new value of `stock` here, the others see the old one",
            "assign `stock` last",
        ),
        (
            "UPDATE product SET stock = «note»",
            "column `stock` is NOT NULL, and this may be NULL",
            "write COALESCE(…)",
        ),
        ("UPDATE product SET «stock» = NULL", "column `stock` is NOT NULL", None),
        (
            "UPDATE product SET price = «price * 0.125»",
            "this has 5 fractional digits, column `price` has 2",
            "databases round differently: compute it in Python",
        ),
        (
            "UPDATE product SET price = «price * :rate»",
            "what a decimal is multiplied by has fractional digits of its own",
            "say it: CAST(… AS BIGINT), CAST(… AS DECIMAL(5, 4))",
        ),
        (
            "UPDATE product SET stock = «price»",
            "column `stock` is an integer, this is `price` (a decimal)",
            None,
        ),
        (
            "DELETE FROM line WHERE sku IN (SELECT sku FROM «line»)",
            "MySQL cannot read the table that it changes",
            None,
        ),
        ("INSERT INTO «line» (id, sku) VALUES (:id, :sku)", "`pieces` of `line` is missing", None),
        ("INSERT INTO line (id, sku, pieces) VALUES («:id, 'x'»)", "these are 2 values for 3 columns", None),
        (
            "INSERT INTO line (id, sku, «peices») VALUES (1, 'x', 2)",
            "`line` has no column `peices`",
            "did you mean `pieces`?",
        ),
        ("DELETE FROM line WHERE sku = «:self»", "`:self` makes no name for a parameter", "write `:self_`"),
    ],
)
def test_changes(change: str, message: str, hint: str | None) -> None:
    _ask(change, message, hint, command="exec")


def test_what_a_cache_could_not_know_of() -> None:
    cached = Settings(cached=("product",))
    tables = TABLES.replace("at datetime", "UNIQUE KEY uniq_name (name), at datetime")
    _refused(
        "-- name: ask :exec\n«UPDATE product SET stock = 0»",
        (
            "rows of `product` are cached, and this does not say which one it changes",
            "name the primary key: WHERE sku = :sku",
        ),
        settings=cached,
    )
    _refused(
        "-- name: ask :exec\n«UPDATE product SET name = :name WHERE sku = :sku»",
        (
            "rows of `product` are cached by the unique index `uniq_name`, which this changes",
            "use update() or update_columns()",
        ),
        tables=tables,
        settings=cached,
    )
    _refused(
        "-- name: ask :exec\nINSERT INTO «product» (sku) VALUES (:sku)",
        (
            "rows of `product` are cached, and which one is new only ProductModel.insert knows",
            "use insert() or insert_many()",
        ),
        settings=cached,
    )


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        (
            "SELECT «CONCAT(name, 'x')» AS x FROM t",
            "PostgreSQL's CONCAT leaves NULL out, with the others all becomes NULL",
            "write `||`, or COALESCE(…, '')",
        ),
        (
            "SELECT id FROM t WHERE «n / 2» = 1",
            "MySQL divides these into a fraction, the others cut it off",
            "divide floats: CAST(… AS DOUBLE)",
        ),
    ],
)
def test_postgresql(query: str, message: str, hint: str) -> None:
    settings = Settings(dialect="postgresql")
    _refused(f"-- name: ask :many\n{query}", (message, hint), tables=POSTGRESQL, settings=settings)
