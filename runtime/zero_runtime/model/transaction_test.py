"""Transactions, for every kind of database."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.servers.accounts import FIND, LOCK, NAMES, insert, names, with_database
from zero_runtime import config, errors, model
from zero_runtime.config.durations import Duration


class Refused(Exception):
    """What a test raises inside of a transaction."""


def test_a_transaction_takes_effect_as_a_whole(source: str) -> None:
    async def test(database: model.Database) -> None:
        async with database.transaction():
            await insert(database, "a")
            await insert(database, "b")
            assert await names(database) == ["a", "b"]
        assert await names(database) == ["a", "b"]

    with_database(source, test)


def test_a_transaction_that_fails_leaves_nothing(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(Refused):
            async with database.transaction():
                await insert(database, "a")
                raise Refused
        assert await names(database) == []
        await insert(database, "b")
        assert await names(database) == ["b"]

    with_database(source, test)


def test_a_failed_statement_can_be_caught_inside(source: str) -> None:
    async def test(database: model.Database) -> None:
        async with database.transaction():
            await insert(database, "a")
            with pytest.raises(model.DuplicateKey):
                await insert(database, "a")
            await insert(database, "b")
        assert await names(database) == ["a", "b"]

    with_database(source, test)


def test_a_block_within_a_block_fails_alone(source: str) -> None:
    async def test(database: model.Database) -> None:
        async with database.transaction():
            await insert(database, "a")
            for name in ("b", "c"):
                with pytest.raises(Refused):
                    async with database.transaction():
                        await insert(database, name)
                        async with database.transaction():
                            await insert(database, name * 2)
                        raise Refused
            async with database.transaction():
                await insert(database, "d")
            await insert(database, "e")
        assert await names(database) == ["a", "d", "e"]

    with_database(source, test)


@pytest.mark.parametrize("moment", range(5))
def test_a_block_that_is_cancelled_takes_nothing_else_with_it(source: str, moment: int) -> None:
    async def test(database: model.Database) -> None:
        async def block() -> None:
            async with database.transaction():
                await insert(database, "c")
                await asyncio.sleep(10)

        with contextlib.suppress(errors.Aborted):  # the database may be unable to undo a part
            async with database.transaction():
                with pytest.raises(Refused):
                    async with database.transaction():
                        await insert(database, "a")
                        raise Refused
                await insert(database, "b")
                task = asyncio.create_task(block())
                for _ in range(moment):
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert await names(database) == ["b"]

    with_database(source, test)


def test_the_whole_fails_with_what_its_blocks_did(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(Refused):
            async with database.transaction():
                async with database.transaction():
                    await insert(database, "a")
                raise Refused
        assert await names(database) == []

    with_database(source, test)


def test_other_tasks_do_not_see_or_join_it(source: str) -> None:
    async def test(database: model.Database) -> None:
        inside, seen = asyncio.Event(), asyncio.Event()

        async def outsider() -> list[str]:
            await inside.wait()
            seen.set()
            return await names(database)

        other = asyncio.create_task(outsider())
        with pytest.raises(Refused):
            async with database.transaction():
                await insert(database, "a")
                inside.set()
                await seen.wait()
                await asyncio.sleep(0.05)
                raise Refused
        assert await other == []

    with_database(source, test)


def test_tasks_started_inside_take_part_one_statement_at_a_time(source: str) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(Refused):
            async with database.transaction():
                await asyncio.gather(*(insert(database, f"n{i}") for i in range(20)))
                assert len(await names(database)) == 20
                raise Refused
        assert await names(database) == []

    with_database(source, test)


def test_a_task_that_outlives_the_transaction_is_told(source: str) -> None:
    async def test(database: model.Database) -> None:
        over = asyncio.Event()

        async def straggler() -> None:
            await over.wait()
            await insert(database, "late")

        async with database.transaction():
            task = asyncio.create_task(straggler())
        over.set()
        with pytest.raises(RuntimeError, match="has ended"):
            await task
        assert await names(database) == []

    with_database(source, test)


def test_one_connection_is_enough_for_blocks_within_blocks(source: str) -> None:
    async def test(database: model.Database) -> None:
        async def work(number: int) -> None:
            async with database.transaction():
                await insert(database, f"a{number}")
                async with database.transaction():
                    await asyncio.gather(insert(database, f"b{number}"), names(database))
                    async with database.transaction():
                        await insert(database, f"c{number}")
                await database.fetch_one(FIND, (1,), primary=True)

        await asyncio.gather(*map(work, range(5)))
        assert len(await names(database)) == 15

    with_database(source, test, config.DatabaseConf(max_open=1))


def test_a_block_that_waits_for_a_task_which_waits_for_it(source: str) -> None:
    async def test(database: model.Database) -> None:
        inside = asyncio.Event()

        async def other() -> None:
            await inside.wait()
            await insert(database, "other")

        async with database.transaction():
            task = asyncio.create_task(other())
            async with database.transaction():
                inside.set()
                with pytest.raises(errors.Unavailable, match="in use by another task, or by a block"):
                    await task
                await insert(database, "a")
        assert await names(database) == ["a"]

    with_database(source, test, config.DatabaseConf(wait_timeout=Duration(0.1)))


@pytest.mark.parametrize("moment", range(12))
def test_cancelled_at_any_moment_it_leaves_nothing(source: str, moment: int) -> None:
    async def test(database: model.Database) -> None:
        async def work() -> None:
            async with database.transaction():
                await insert(database, "a")
                async with database.transaction():
                    await insert(database, "b")
                await insert(database, "c")
                await asyncio.sleep(10)

        task = asyncio.create_task(work())
        for _ in range(moment * 2):
            await asyncio.sleep(0.0002 * moment)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names(database) == []
        async with database.transaction():
            await insert(database, "d")
        assert await names(database) == ["d"]

    with_database(source, test)


def test_two_databases_have_transactions_of_their_own(source: str) -> None:
    async def test(database: model.Database) -> None:
        async with model.open_database("sqlite://") as other:
            with pytest.raises(Refused):
                async with database.transaction():
                    await insert(database, "a")
                    await other.execute(model.Statement("make", "CREATE TABLE t (x)"))
                    raise Refused
            assert await other.fetch_all(model.Statement("read", "SELECT * FROM t")) == []

    with_database(source, test)


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_a_deadlock_ends_one_of_two_transactions(request: pytest.FixtureRequest, kind: str) -> None:
    async def test(database: model.Database) -> None:
        first, second = (await insert(database, "a"))[0], (await insert(database, "b"))[0]
        ready = asyncio.Barrier(2)

        async def cross(one: int, other: int, name: str) -> None:
            async with database.transaction():
                await database.fetch_all(LOCK, (one,))
                await ready.wait()
                await insert(database, name)
                try:
                    await database.fetch_all(LOCK, (other,))
                except errors.Aborted:
                    # Whoever goes on in spite of it must not write outside of the transaction.
                    with pytest.raises(errors.Aborted, match="rolled the transaction back"):
                        await insert(database, name * 2)

        results = await asyncio.gather(
            cross(first, second, "x"), cross(second, first, "y"), return_exceptions=True
        )
        assert [type(result) for result in results if result is not None] == [errors.Aborted]
        assert len(await names(database)) == 3

    with_database(request.getfixturevalue(f"{kind}_source"), test)


def test_a_writer_of_another_process_is_waited_for_and_then_reported(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zero_runtime.model.sqlite._BUSY_TIMEOUT", 0.2)
    source = f"sqlite:///{tmp_path_factory.mktemp('busy') / 'data.db'}"

    async def test(database: model.Database) -> None:
        async with model.open_database(source) as other:
            async with other.transaction():
                await insert(other, "a")
                assert await names(database) == []  # readers do not wait
                with pytest.raises(errors.Aborted, match="another process"):
                    await insert(database, "b")
            await insert(database, "b")
            assert await database.fetch_all(NAMES) == [("a",), ("b",)]
            assert await other.fetch_one(FIND, (3,)) is None

    with_database(source, test)
