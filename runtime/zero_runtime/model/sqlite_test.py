from __future__ import annotations

import asyncio
import contextvars
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.servers.accounts import insert, names, with_database
from zero_runtime import config, errors, model
from zero_runtime.config.durations import Duration
from zero_runtime.deadline import served_until


def test_in_memory() -> None:
    async def test(database: model.Database) -> None:
        await insert(database, "a")
        assert await names(database) == ["a"]
        async with model.open_database("sqlite:///:memory:") as other:
            assert await other.fetch_all(model.Statement("schema", "SELECT * FROM sqlite_schema")) == []

    with_database("sqlite://", test)


def test_what_was_written_is_there_after_a_kill(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'data.db'}"
    code = (
        "import asyncio, os, signal, sys\n"
        "from tests.servers.accounts import insert, with_database\n"
        "async def test(database):\n"
        "    await insert(database, 'kept')\n"
        "    async with database.transaction():\n"
        "        await insert(database, 'lost')\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "with_database(sys.argv[1], test)\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run([sys.executable, "-c", code, source], env=environment).returncode == -9

    async def test(database: model.Database) -> None:
        assert await names(database) == ["kept"]

    with_database(source, test)


NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
SLOW = model.Statement(
    "slow",
    f"{NUMBERS.format(10**8)} INSERT INTO account (name, create_time) SELECT 'slow', max(i) FROM n",
    writes=True,
)
SLOW_READ = model.Statement("slow_read", f"{NUMBERS.format(10**8)} SELECT max(i) FROM n")


def test_a_savepoint_that_is_cancelled_before_it_is_made(tmp_path: Path) -> None:
    async def test(database: model.Database) -> None:
        async def work() -> None:
            async with database.transaction():
                await insert(database, "a")
                busy = asyncio.create_task(database.execute(SLOW))
                await asyncio.sleep(0.02)
                busy.cancel()
                async with database.transaction():
                    await insert(database, "b")

        task = asyncio.create_task(work())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises((asyncio.CancelledError, errors.Aborted)):
            await task
        assert await names(database) == []

    with_database(f"sqlite:///{tmp_path / 'data.db'}", test)


def test_what_a_transaction_has_read_is_not_outdated_when_it_writes(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'data.db'}"

    async def test(database: model.Database) -> None:
        async with model.open_database(source) as other:
            async with database.transaction():
                assert await names(database) == []
                waiting = asyncio.create_task(insert(other, "b"))
                await asyncio.sleep(0.05)
                await insert(database, "a")
            await waiting
            assert await names(database) == ["a", "b"]

    with_database(source, test)


def test_a_cancelled_statement_is_ended_before_the_next_begins(tmp_path: Path) -> None:
    async def test(database: model.Database) -> None:
        task = asyncio.create_task(database.execute(SLOW))
        await asyncio.sleep(0.05)
        dropped = asyncio.create_task(insert(database, "dropped"))
        await asyncio.sleep(0)
        task.cancel()
        dropped.cancel()
        await insert(database, "next")
        assert await names(database) == ["next"]
        assert await asyncio.gather(task, dropped, return_exceptions=True)

    with_database(f"sqlite:///{tmp_path / 'data.db'}", test)


def test_a_write_that_is_cancelled_takes_the_transaction_with_it(tmp_path: Path) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.Aborted, match="rolled the transaction back"):
            async with database.transaction():
                await insert(database, "a")
                busy = asyncio.create_task(database.execute(SLOW))
                await asyncio.sleep(0.02)
                busy.cancel()
                # Asked for before SQLite has rolled back: it must not be done outside of the transaction.
                async with database.transaction():
                    await insert(database, "b")
        assert await names(database) == []
        await insert(database, "c")
        assert await names(database) == ["c"]

    with_database(f"sqlite:///{tmp_path / 'data.db'}", test)


@pytest.mark.parametrize("place", ["sqlite://", "file"])
def test_a_statement_has_but_so_much_time(tmp_path: Path, place: str) -> None:
    async def test(database: model.Database) -> None:
        for slow in (SLOW, SLOW_READ):
            with pytest.raises(errors.DeadlineExceeded, match="took too long"):
                await database.fetch_all(slow)
        assert await names(database) == []

    source = place if place != "file" else f"sqlite:///{tmp_path / 'data.db'}"
    with_database(source, test, config.DatabaseConf(statement_timeout=Duration(0.1)))


def test_a_read_ends_with_the_time_of_the_call_that_is_served() -> None:
    async def test(database: model.Database) -> None:
        served_until.set(asyncio.get_running_loop().time() + 0.1)
        with pytest.raises(errors.DeadlineExceeded):
            await database.fetch_all(SLOW_READ)

    with_database("sqlite://", test)


def test_readers_do_not_wait_for_a_transaction(tmp_path: Path) -> None:
    async def test(database: model.Database) -> None:
        await insert(database, "a")
        async with database.transaction():
            await insert(database, "b")
            outside = contextvars.Context()
            task = asyncio.create_task(names(database), context=outside)
            assert await asyncio.wait_for(task, 1) == ["a"]
            busy = [asyncio.create_task(database.fetch_all(SLOW_READ), context=outside) for _ in range(3)]
            task = asyncio.create_task(names(database), context=outside)
            assert await asyncio.wait_for(task, 1) == ["a"]
            for each in busy:
                each.cancel()
        assert await names(database) == ["a", "b"]

    with_database(f"sqlite:///{tmp_path / 'data.db'}", test)


def test_a_write_that_pretends_to_read_is_refused(tmp_path: Path) -> None:
    wrong = model.Statement("wrong", "DELETE FROM account RETURNING id")

    async def test(database: model.Database) -> None:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await database.fetch_all(wrong)

    with_database(f"sqlite:///{tmp_path / 'data.db'}", test)


def test_processes_that_write_at_once(tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path / 'data.db'}"
    code = (
        "import asyncio, sys\n"
        "from tests.servers.accounts import insert, names, with_database\n"
        "async def test(database):\n"
        "    for number in range(10):\n"
        "        async with database.transaction():\n"
        "            before = len(await names(database))\n"
        "            await insert(database, f'{sys.argv[2]}{number}')\n"
        "            await asyncio.sleep(0.001)\n"
        "            assert len(await names(database)) == before + 1\n"
        "with_database(sys.argv[1], test)\n"
    )
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    started = [
        subprocess.Popen([sys.executable, "-c", code, source, name], env=environment) for name in "abc"
    ]
    assert [process.wait(60) for process in started] == [0] * 3

    async def test(database: model.Database) -> None:
        assert len(await names(database)) == 30

    with_database(source, test)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "data.db"
    with pytest.raises(errors.Unavailable) as caught:
        asyncio.run(_open(f"sqlite:///{path}"))
    assert caught.value.message == f"cannot open sqlite:///{path}: unable to open database file"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(errors.Unavailable, match="file is not a database"):
        asyncio.run(_open(f"sqlite:///{path}"))


def test_closing_ends_its_thread() -> None:
    before = {*threading.enumerate()}
    asyncio.run(_open("sqlite://"))
    assert {*threading.enumerate()} <= before


async def _open(source: str) -> None:
    async with model.open_database(source):
        pass
