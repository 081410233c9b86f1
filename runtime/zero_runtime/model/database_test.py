"""What holds for every kind of database."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.accounts import ADD, DELETE, FIND, NAMES, RENAME, SCHEMA, insert, names, with_database
from zero_runtime import errors, model


def test_rows_come_back_as_they_were_stored(source: str) -> None:
    async def test(database: model.Database) -> None:
        row = await insert(
            database,
            "王'; DROP -- 100%s\\\"",
            area=255,
            mobile="186",
            photo=bytes(range(256)),
            balance="-12345678.90",
            rate=0.1,
            create_time="2026-02-28 23:59:59.000001",
        )
        assert row == (
            1,
            "王'; DROP -- 100%s\\\"",
            255,
            "186",
            bytes(range(256)),
            "-12345678.90",
            0.1,
            "2026-02-28 23:59:59.000001",
            None,
        )
        assert await database.fetch_one(FIND, (1,)) == row
        assert await database.fetch_one(FIND, (2,)) is None

    with_database(source, test)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            # PostgreSQL's texts have no NUL.
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
            st.binary(max_size=50),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_value_survives(source: str, values: list[tuple[str, bytes, float]]) -> None:
    async def test(database: model.Database) -> None:
        async with database.transaction():
            for area, (name, photo, rate) in enumerate(values):
                row = await insert(database, name, area=area, photo=photo, rate=rate)
                assert (row[1], row[4], row[6]) == (name, photo, rate)
                await database.execute(DELETE, (row[0],))

    with_database(source, test)


def test_the_clock_of_the_database_is_in_utc(source: str) -> None:
    async def test(database: model.Database) -> None:
        before = datetime.now(UTC).replace(microsecond=0)
        stored = model.decode_datetime((await insert(database, "now"))[7])
        assert before <= stored <= datetime.now(UTC)

    with_database(source, test)


def test_keys_are_generated_or_given(source: str) -> None:
    async def test(database: model.Database) -> None:
        assert (await insert(database, "a"))[0] == 1
        assert (await insert(database, "b", id=2**62))[0] == 2**62
        # PostgreSQL goes on where it generated the last one.
        assert (await insert(database, "c"))[0] == (2 if database.dialect == "postgresql" else 2**62 + 1)

    with_database(source, test)


def test_execute_counts_the_rows_it_finds(source: str) -> None:
    async def test(database: model.Database) -> None:
        await insert(database, "a")
        assert await database.execute(RENAME, ("a", 1)) == 1  # found, though it had that name
        assert await database.execute(RENAME, ("b", 1)) == 1
        assert await database.execute(RENAME, ("c", 2)) == 0
        assert await database.execute(DELETE, (1,)) == 1
        assert await database.execute(DELETE, (1,)) == 0

    with_database(source, test)


def test_creating_tables_twice_keeps_what_is_in_them(source: str) -> None:
    async def test(database: model.Database) -> None:
        await insert(database, "a")
        await database.create(SCHEMA)
        assert await names(database) == ["a"]

    with_database(source, test)


def test_a_violated_unique_index_is_named(source: str) -> None:
    async def test(database: model.Database) -> None:
        first = await insert(database, "a", mobile="186")
        with pytest.raises(model.DuplicateKey) as caught:
            await insert(database, "b", mobile="186")
        assert (caught.value.index, caught.value.columns) == ("uniq_mobile", ("mobile",))
        assert caught.value.code is errors.Code.ALREADY_EXISTS
        assert caught.value.message == "there is a row with the same mobile"
        with pytest.raises(model.DuplicateKey) as caught:
            await insert(database, "a" if database.dialect == "postgresql" else "A")
        assert (caught.value.index, caught.value.columns) == ("uniq_name_area", ("name", "area"))
        with pytest.raises(model.DuplicateKey) as caught:
            await insert(database, "c", id=first[0])
        assert (caught.value.index, caught.value.columns) == ("PRIMARY", ("id",))
        second = await insert(database, "b")
        with pytest.raises(model.DuplicateKey) as caught:
            await database.execute(RENAME, ("a", second[0]))
        assert caught.value.index == "uniq_name_area"
        assert await names(database) == ["a", "b"]

    with_database(source, test)


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"name": "x" * 21}, "name"),
        ({"name": None}, "name"),
        ({"name": "x", "area": 256}, "area"),
        ({"name": "x", "area": -1}, "area"),
        ({"name": "x", "area": "many"}, "area"),
    ],
)
def test_values_that_do_not_fit_are_the_callers_fault(
    source: str, values: dict[str, model.Value], column: str
) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.InvalidArgument) as caught:
            await insert(database, **values)
        unnamed = "unacceptable value" if database.dialect == "postgresql" else ""  # it does not always say
        assert caught.value.message in (f"unacceptable value for `{column}`", unnamed)
        assert caught.value.__cause__ is not None
        assert await names(database) == []

    with_database(source, test)


def test_integers_beyond_64_bits_do_not_fit(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.InvalidArgument):
            await insert(database, "x", id=2**64)

    with_database(source, test)


class Escapes(str):
    """A text that says how it is to be escaped: not at all."""

    def translate(self, table: object) -> str:
        return str(self)

    def replace(self, *_: object) -> str:
        return str(self)


@pytest.mark.parametrize(
    "value", [["a"], {"' OR 1=1 --": "x"}, ("a", "b"), {1}, object(), "\ud800", "\udc80"]
)
def test_what_is_no_value_gets_nowhere(source: str, value: Any) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.InvalidArgument):
            await insert(database, "a", mobile=value)
        with pytest.raises(errors.InvalidArgument):
            await database.execute_many(ADD, [(value, 1)])
        with pytest.raises(errors.InvalidArgument):
            async with database.stream(FIND, (value,)):
                pass
        assert await names(database) == []

    with_database(source, test)


class Name(enum.StrEnum):
    ADA = "ada"


class Area(enum.IntEnum):
    HERE = 7


def test_members_of_enums_are_what_they_stand_for(source: str) -> None:
    async def test(database: model.Database) -> None:
        row = await insert(database, Name.ADA, area=Area.HERE, mobile=None)
        assert row[1:4] == ("ada", 7, None)

    with_database(source, test)


def test_a_text_that_escapes_itself(source: str) -> None:
    async def test(database: model.Database) -> None:
        with contextlib.suppress(errors.InvalidArgument):
            row = await insert(database, Escapes("x', 1), (2, 'y"))
            assert row[1] == "x', 1), (2, 'y"
        assert len(await names(database)) <= 1

    with_database(source, test)


def test_a_violated_foreign_key(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.FailedPrecondition):
            await insert(database, "a", parent=7)
        parent = await insert(database, "a")
        await insert(database, "b", parent=parent[0])
        with pytest.raises(errors.FailedPrecondition):
            await database.execute(DELETE, (parent[0],))

    with_database(source, test)


_NOWHERE = "SELECT * FROM nowhere"
NOWHERE = model.Statement("nowhere", sqlite=_NOWHERE, mysql=_NOWHERE, postgresql=_NOWHERE)


def test_defects_of_a_statement_pass_as_they_are(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(Exception, match="nowhere") as caught:
            await database.fetch_all(NOWHERE)
        assert not isinstance(caught.value, errors.ZeroError)
        assert await names(database) == []  # and the connection goes on working

    with_database(source, test)


def test_statements_of_many_tasks_at_once(source: str) -> None:
    async def test(database: model.Database) -> None:
        rows = await asyncio.gather(*(insert(database, f"n{i}") for i in range(50)))
        assert sorted(row[1] for row in rows) == sorted(f"n{i}" for i in range(50))
        assert len(await names(database)) == 50

    with_database(source, test)


def test_an_insert_whose_row_is_gone_at_once(source: str) -> None:
    nothing = model.Statement("nothing", mysql="SELECT 1 FROM DUAL WHERE %s = 0")
    nowhere = model.Statement(
        "nowhere",
        sqlite="INSERT INTO account (name, create_time) SELECT ?, 1 WHERE 1 = 0 RETURNING id",
        mysql="INSERT INTO account (name, create_time) VALUES (%s, NOW())",
        postgresql="INSERT INTO account (name, create_time) SELECT $1, now() WHERE 1 = 0 RETURNING id",
        writes=True,
    )

    async def test(database: model.Database) -> None:
        with pytest.raises(errors.Aborted):
            await database.insert(nowhere, ("a",), nothing)

    with_database(source, test)


def test_many_rows_at_once(source: str) -> None:
    async def test(database: model.Database) -> None:
        drawn = 0

        def rows() -> Iterator[model.Parameters]:
            nonlocal drawn
            for number in range(2500):
                drawn += 1
                yield f"n'{number}%s", number % 256

        assert await database.execute_many(ADD, rows()) == drawn == 2500
        assert await names(database) == [f"n'{number}%s" for number in range(2500)]
        assert await database.execute_many(ADD, []) == 0
        assert await database.execute_many(RENAME, [("x", 1), ("y", 2), ("z", 9999)]) == 3
        assert (await names(database))[:2] == ["x", "y"]

    with_database(source, test)


def test_many_rows_are_all_stored_or_none(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(model.DuplicateKey):
            await database.execute_many(ADD, [*((f"n{number}", 0) for number in range(1500)), ("n7", 0)])
        assert await names(database) == []
        async with database.transaction():
            await insert(database, "before")
            with pytest.raises(errors.InvalidArgument):
                await database.execute_many(ADD, [("a", 0), ("b", 256)])
            assert await database.execute_many(ADD, [("c", 0), ("d", 1)]) == 2
        assert await names(database) == ["before", "c", "d"]

    with_database(source, test)


def test_a_stream_of_rows(source: str) -> None:
    async def test(database: model.Database) -> None:
        await database.execute_many(ADD, ((f"n{number}", 0) for number in range(1200)))
        async with database.stream(NAMES) as rows:
            assert [name async for (name,) in rows] == [f"n{number}" for number in range(1200)]
        async with database.stream(FIND, (9999,)) as rows:
            assert [row async for row in rows] == []
        async with database.stream(NAMES) as rows:
            async for _ in rows:  # whoever has seen enough goes, and may do other things meanwhile
                await insert(database, "within")
                break
        assert len(await names(database)) == 1201
        with pytest.raises(Exception, match="nowhere"):
            async with database.stream(NOWHERE):
                pass
        assert len(await names(database)) == 1201

    with_database(source, test)


def test_a_stream_of_more_rows_than_any_memory_holds(source: str) -> None:
    endless = model.Statement(
        "endless",
        sqlite="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        mysql="SELECT seq FROM seq_1_to_1000000000000",
        postgresql="SELECT generate_series(1, 1000000000000)",
    )

    async def test(database: model.Database) -> None:
        async with database.stream(endless) as rows:
            for number in range(1, 2000):
                assert await anext(rows) == (number,)
        assert await names(database) == []

    with_database(source, test)


def test_a_stream_inside_of_a_transaction(source: str) -> None:
    async def test(database: model.Database) -> None:
        async with database.transaction():
            await database.execute_many(ADD, ((f"n{number}", 0) for number in range(1200)))
            async with database.stream(NAMES) as rows:
                assert await anext(rows) == ("n0",)
                with pytest.raises(RuntimeError, match="read the stream to its end"):
                    await insert(database, "within")
            await insert(database, "after")
            async with database.stream(NAMES) as rows:
                assert len([row async for row in rows]) == 1201
        assert len(await names(database)) == 1201

    with_database(source, test)
