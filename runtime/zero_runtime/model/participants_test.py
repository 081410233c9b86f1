"""What takes part in transactions."""

from __future__ import annotations

import asyncio

import pytest

from tests.servers.accounts import insert, names, with_database
from zero_runtime import errors, model


class Diary:
    """What takes part in transactions and notes down what it is told."""

    def __init__(self) -> None:
        self.notes: list[object] = []
        self.refuses = False

    async def before_commit(self) -> None:
        self.notes.append("before")
        if self.refuses:
            raise errors.FailedPrecondition

    async def ended(self, committed: bool | None) -> None:
        await asyncio.sleep(0.01)
        self.notes.append(committed)


def test_what_takes_part_in_a_transaction_hears_of_its_end(source: str) -> None:
    async def test(database: model.Database) -> None:
        assert database.enlist(Diary) is None
        async with database.transaction():
            diary = database.enlist(Diary)
            assert diary is not None and database.in_transaction
            with pytest.raises(KeyError):
                async with database.transaction():
                    assert database.enlist(Diary) is diary
                    raise KeyError
            assert diary.notes == []
        assert diary.notes == ["before", True]

        with pytest.raises(KeyError):
            async with database.transaction():
                diary = database.enlist(Diary)
                raise KeyError
        assert diary is not None and diary.notes == [False]

        with pytest.raises(errors.FailedPrecondition):
            async with database.transaction():
                await insert(database, "a")
                diary = database.enlist(Diary)
                assert diary is not None
                diary.refuses = True
        assert diary is not None and diary.notes == ["before", False]
        assert await names(database) == []

    with_database(source, test)


def test_whoever_takes_part_hears_of_the_end_though_the_task_is_cancelled(source: str) -> None:
    async def test(database: model.Database) -> None:
        diary, inside = Diary(), asyncio.Event()

        async def work() -> None:
            async with database.transaction():
                database.enlist(lambda: diary)
                inside.set()
                await asyncio.sleep(10)

        task = asyncio.create_task(work())
        await inside.wait()
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert diary.notes == [False]

    with_database(source, test)
