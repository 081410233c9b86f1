from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.servers.accounts import insert, names, with_database
from zero_runtime import errors, model


def test_in_memory() -> None:
    async def test(database: model.Database) -> None:
        await insert(database, "a")
        assert await names(database) == ["a"]
        async with model.open_database("sqlite:///:memory:") as other:
            assert await other.fetch_all(model.Statement("SELECT * FROM sqlite_schema", "")) == []

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


SLOW = model.Statement(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
    "INSERT INTO account (name, create_time) SELECT 'slow', max(i) FROM n",
    "",
)


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
        with pytest.raises(asyncio.CancelledError):
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


def test_a_cancelled_statement_is_finished_before_the_next_begins(tmp_path: Path) -> None:
    async def test(database: model.Database) -> None:
        task = asyncio.create_task(database.execute(SLOW))
        await asyncio.sleep(0.05)
        dropped = asyncio.create_task(insert(database, "dropped"))
        await asyncio.sleep(0)
        task.cancel()
        dropped.cancel()
        assert await names(database) == ["slow"]
        assert await asyncio.gather(task, dropped, return_exceptions=True)

    with_database(f"sqlite:///{tmp_path / 'data.db'}", test)


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
    before = threading.active_count()
    asyncio.run(_open("sqlite://"))
    assert threading.active_count() == before


async def _open(source: str) -> None:
    async with model.open_database(source):
        pass
