"""Random statements of people give the same rows on every database, or are refused."""

from __future__ import annotations

import asyncio
import decimal
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.model.places import KINDS, new_source
from zero_codegen import model as contracts
from zero_codegen.diagnostics import ContractError
from zero_codegen.model.queries import Query
from zero_codegen.model.queries.values import Kind, kind_of
from zero_codegen.model.settings import DIALECTS
from zero_codegen.model.sql import ddl
from zero_codegen.source import ContractFile
from zero_runtime import model

TABLE = """
CREATE TABLE `item` (
  `id` int NOT NULL PRIMARY KEY,
  `tiny` tinyint NOT NULL,
  `count` int unsigned NOT NULL,
  `big` bigint NULL,
  `price` decimal(8,2) NOT NULL,
  `rate` decimal(5,3) NULL,
  `weight` double NOT NULL,
  `size` float NULL,
  `name` varchar(20) NOT NULL,
  `code` varchar(20) COLLATE utf8mb4_bin NULL,
  `state` enum('open', 'done') NOT NULL,
  `flag` bool NOT NULL,
  `born` date NULL,
  `at` datetime(3) NOT NULL
);
"""
_COLUMNS = "id tiny count big price rate weight size name code state flag born at".split()
_INSERT = f"""
-- name: add :exec
INSERT INTO item ({", ".join(_COLUMNS)}) VALUES ({", ".join(f":{name}" for name in _COLUMNS)});
"""
ROWS: Sequence[tuple[model.Value, ...]] = (
    (
        1,
        0,
        0,
        None,
        "0.00",
        "0.000",
        0.0,
        0.0,
        "",
        "",
        "open",
        False,
        "2024-02-29",
        "2024-02-29 12:00:00.000",
    ),
    (
        2,
        -128,
        7,
        -5,
        "-0.05",
        None,
        1.5,
        0.5,
        "apple",
        "Apple",
        "done",
        True,
        None,
        "2024-02-29 12:00:00.500",
    ),
    (
        3,
        127,
        4294967295,
        1,
        "10.00",
        "9.999",
        -2.25,
        None,
        "apple",
        "apple",
        "open",
        True,
        "1999-12-31",
        "1970-01-02 00:00:00.000",
    ),
    (
        4,
        1,
        3,
        9000000000,
        "9.90",
        "-10.500",
        3.0,
        -1.5,
        "50%",
        "a*b",
        "open",
        False,
        "2024-03-01",
        "2030-01-01 00:00:00.001",
    ),
    (
        5,
        -1,
        1,
        0,
        "123456.78",
        "0.010",
        0.125,
        2.0,
        "x_y",
        "[z]",
        "done",
        False,
        None,
        "2024-02-29 12:00:00.000",
    ),
    (
        6,
        5,
        2,
        -1,
        "-99.99",
        None,
        -0.5,
        64.0,
        "zoo",
        None,
        "open",
        True,
        "2000-01-01",
        "2001-01-01 10:20:30.400",
    ),
)

Execute: TypeAlias = Callable[[Query], list[list[tuple[Any, ...]]]]


@pytest.fixture(scope="module")
def execute(request: pytest.FixtureRequest) -> Iterator[Execute]:
    """Runs a statement without parameters on every database."""
    contract = contracts.read(ContractFile("shop/item.sql", "", TABLE + _INSERT))
    (table,), (add,) = contract.tables, contract.queries
    made = {dialect: ddl.definition(contract, table, dialect) for dialect in DIALECTS}
    schema = model.Schema((model.TableSchema("item", made["sqlite"], made["mysql"], made["postgresql"]),))

    async def prepare(stack: AsyncExitStack, kind: str) -> model.Database:
        database = await stack.enter_async_context(model.open_database(new_source(kind, request)))
        await database.create(schema)
        for row in ROWS:
            assert await database.execute(_statement(add), row) == 1
        return database

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        databases = [runner.run(prepare(stack, kind)) for kind in KINDS]
        try:
            yield lambda query: [
                [tuple(row) for row in runner.run(database.fetch_all(_statement(query)))]
                for database in databases
            ]
        finally:
            runner.run(stack.aclose())


def _statement(query: Query) -> model.Statement:
    texts = query.texts
    return model.Statement(query.name, texts.sqlite, texts.mysql, texts.postgresql, writes=query.writes)


def _binary(operators: Sequence[str], parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda left, operator, right: f"({left} {operator} {right})", parts, st.sampled_from(operators), parts
    )


def _extended(
    leaves: Sequence[str], more: Callable[[st.SearchStrategy[str]], st.SearchStrategy[str]]
) -> st.SearchStrategy[str]:
    return st.recursive(st.sampled_from(leaves), more, max_leaves=4)


conditions: st.SearchStrategy[str] = st.deferred(lambda: _conditions)
integers = _extended(
    ("id", "tiny", "count", "big", "0", "1", "-3", "7", "CHAR_LENGTH(name)"),
    lambda parts: st.one_of(
        _binary(("+", "-"), parts),
        st.builds("({} * tiny)".format, parts),
        st.builds("COALESCE({}, {})".format, parts, parts),
        st.builds("(-{})".format, parts),
        st.builds("ABS({})".format, parts),
        st.builds("({} % 3)".format, parts),
        st.builds("NULLIF({}, {})".format, parts, parts),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, conditions, parts, parts),
    ),
)
decimals = _extended(
    ("price", "rate", "0.5", "-1.25", "10", "tiny"),
    lambda parts: st.one_of(
        _binary(("+", "-"), parts),
        st.builds("({} * {})".format, parts, st.sampled_from(("2", "tiny", "0.1", "rate"))),
        st.builds("COALESCE({}, {})".format, parts, parts),
        st.builds("(-{})".format, parts),
        st.builds("ABS({})".format, parts),
        st.builds("CASE WHEN {} THEN {} END".format, conditions, parts),
    ),
)
floats = _extended(
    ("weight", "size", "1.5e0", "CAST(tiny AS DOUBLE)", "CAST(price AS DOUBLE)"),
    lambda parts: st.one_of(
        _binary(("+", "-", "*"), parts),
        st.builds("({} / NULLIF({}, 0))".format, parts, parts),
        st.builds("COALESCE({}, {})".format, parts, parts),
    ),
)
texts = _extended(
    ("name", "code", "'apple'", "'x'", "'it''s'", "''"),
    lambda parts: st.one_of(
        st.builds("CONCAT({}, {})".format, parts, parts),
        st.builds("COALESCE({}, {})".format, parts, parts),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, conditions, parts, parts),
    ),
)
numbers = st.one_of(integers, decimals, floats)
_comparisons = ("=", "<>", "<", "<=", ">", ">=")
_conditions: st.SearchStrategy[str] = _extended(
    ("flag", "TRUE", "state = 'open'", "born < '2000-01-01'", "born IS NULL", "at >= '2024-02-29 12:00:00'"),
    lambda parts: st.one_of(
        _binary(("AND", "OR"), parts),
        st.builds("(NOT {})".format, parts),
        _binary(_comparisons, numbers),
        _binary(("=", "<>"), texts),
        st.builds("{} BETWEEN {} AND {}".format, numbers, numbers, numbers),
        st.builds("{} IN ({}, {})".format, numbers, numbers, numbers),
        st.builds("{} IS NOT NULL".format, st.sampled_from(("rate", "big", "code", "size"))),
        # PostgreSQL compares texts exactly, whatever their collation in MySQL: `name` has no capitals.
        st.builds("name LIKE {}".format, st.sampled_from(("'a%'", "'a____'", "'%zo%'"))),
        st.builds("code LIKE {}".format, st.sampled_from(("'a%'", "'A____'", "'%*%'", "'[%'"))),
        st.builds(
            "{} LIKE {} ESCAPE '!'".format, st.just("name"), st.sampled_from(("'50!%'", "'x!_y'", "'x_y'"))
        ),
    ),
)
expressions = st.one_of(numbers, texts, conditions)

quietly = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


@quietly
@given(expressions, conditions)
@example("price * tiny - rate", "price > 9.9")
@example("COALESCE(code, name)", "CONCAT(name, code) <> 'appleapple'")
@example("-rate", "-rate < price")
@example("id", "CASE WHEN COALESCE(price, price) > 0.5 THEN name ELSE 'x' END = name")
def test_rows_are_the_same(execute: Execute, expression: str, condition: str) -> None:
    _compare(execute, f"SELECT id, {expression} AS value FROM item WHERE {condition} ORDER BY id")


@quietly
@given(
    st.sampled_from(("SUM({})", "AVG({})", "MIN({})", "MAX({})", "COUNT({})", "COUNT(DISTINCT {})")),
    st.one_of(integers, decimals, floats),
    conditions,
    st.sampled_from(("flag", "state", "name", "rate")),
)
@example("MAX({})", "price", "TRUE", "flag")
def test_aggregates_are_the_same(
    execute: Execute, aggregate: str, expression: str, condition: str, group: str
) -> None:
    text = aggregate.format(expression)
    _compare(execute, f"SELECT {text} AS value FROM item WHERE {condition}")
    _compare(
        execute,
        f"SELECT {group}, {text} AS value FROM item WHERE {condition} GROUP BY {group}",
        ordered=False,
    )


@quietly
@given(
    numbers,
    st.sampled_from(("ASC", "DESC")),
    st.sampled_from(("code", "rate", "born", "big", "price")),
    conditions,
)
def test_orders_are_the_same(
    execute: Execute, first: str, direction: str, second: str, condition: str
) -> None:
    query = f"SELECT id, {second} FROM item WHERE {condition}"
    _compare(execute, f"{query} ORDER BY {second} {direction}, id")
    _compare(execute, f"{query} ORDER BY {first} {direction}, {second} DESC, id DESC")
    _compare(
        execute, f"SELECT id, {first} AS first FROM item ORDER BY first {direction}, id LIMIT 3 OFFSET 1"
    )


def _compare(execute: Execute, text: str, *, ordered: bool = True) -> None:
    try:
        contract = contracts.read(ContractFile("shop/item.sql", "", f"{TABLE}\n-- name: ask :many\n{text};"))
    except ContractError:
        assume(False)
    (query,) = contract.queries
    kinds = [kind_of(member.type) for member in query.members]
    nullable = [member.nullable for member in query.members]
    found = []
    for rows in execute(query):
        decoded = [tuple(map(_decoded, row, kinds)) for row in rows]
        assert all(
            value is not None
            for row in decoded
            for value, none in zip(row, nullable, strict=True)
            if not none
        )
        found.append(decoded if ordered else sorted(decoded, key=repr))
    sqlite, mysql, postgresql = found
    assert sqlite == mysql == postgresql, query.texts


def _decoded(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.DECIMAL:
            assert isinstance(value, str)
            return decimal.Decimal(value)
        case Kind.FLOAT:
            assert isinstance(value, float | int), value
            return float(f"{value:.9g}") if math.isfinite(value) else str(value)
        case Kind.BOOLEAN:
            return value != 0
        case _:
            assert isinstance(value, int | str) and not isinstance(value, bool)
            return value
