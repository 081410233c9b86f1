"""What holds for every kind of database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.servers.accounts import DELETE, FIND, INSERT, RENAME, SCHEMA, insert, names, with_database
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
            st.text(st.characters(codec="utf-8"), max_size=20),
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
        assert (await insert(database, "c"))[0] == 2**62 + 1

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
            await insert(database, "A")
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
        assert caught.value.message == f"unacceptable value for `{column}`"
        assert caught.value.__cause__ is not None
        assert await names(database) == []

    with_database(source, test)


def test_integers_beyond_64_bits_do_not_fit(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.InvalidArgument):
            await insert(database, "x", id=2**64)

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


def test_defects_of_a_statement_pass_as_they_are(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(Exception, match="nowhere") as caught:
            await database.fetch_all(model.Statement("SELECT * FROM nowhere", "SELECT * FROM nowhere"))
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
    nothing = model.Statement("SELECT 1 WHERE ? = 0", "SELECT 1 FROM DUAL WHERE %s = 0")

    async def test(database: model.Database) -> None:
        with pytest.raises(errors.Aborted):
            await database.insert(INSERT, (None, "a", 0, None, None, "0", 0, None, None), nothing)

    with_database(source, test)
