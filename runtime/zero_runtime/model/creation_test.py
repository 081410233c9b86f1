"""How tables are made."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers.accounts import SCHEMA, insert, names, with_database
from zero_runtime import model


def test_tables_are_made_in_the_order_of_their_references(source: str) -> None:
    def table(name: str, *references: str) -> model.TableSchema:
        columns = "".join(f", r{number} int" for number in range(len(references)))
        keys = "".join(
            f", FOREIGN KEY (r{number}) REFERENCES {other} (id)" for number, other in enumerate(references)
        )
        text = f"CREATE TABLE {name} (id int PRIMARY KEY{columns}{keys})"
        return model.TableSchema(name, (text,), (text,), (text,), references)

    first = model.Schema((table("line", "orders", "line"), table("orders", "customer")))
    second = model.Schema((table("customer"),))

    async def test(database: model.Database) -> None:
        await database.create(first, second)
        await database.create(first, second)
        with pytest.raises(RuntimeError, match="not made inside of a transaction"):
            async with database.transaction():
                await database.create(first)

    with_database(source, test)


def test_processes_that_start_at_once_make_the_tables_once(source: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from tests.servers.accounts import insert, with_database\n"
        "async def test(database):\n"
        "    await insert(database, sys.argv[2])\n"
        "with_database(sys.argv[1], test)\n"
    )
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    started = [
        subprocess.Popen([sys.executable, "-c", code, source, name], env=environment) for name in "abc"
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]

    async def test(database: model.Database) -> None:
        assert sorted(await names(database)) == ["a", "b", "c"]

    with_database(source, test)


def test_a_failed_creation_leaves_nothing_locked(source: str) -> None:
    wrong = model.Schema((model.TableSchema("wrong", *[("CREATE TABLE wrong (",)] * 3),))

    async def test(database: model.Database) -> None:
        with pytest.raises(Exception, match="wrong|syntax|incomplete"):
            await database.create(wrong)
        async with model.open_database(source) as other:
            await other.create(SCHEMA)
        await insert(database, "a")

    with_database(source, test)
