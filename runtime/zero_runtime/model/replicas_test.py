"""Reads that are spread over replicas: databases that hold something else here, so that one sees who was
asked."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Literal

import pytest

from tests.servers import MariaDb, PostgreSql, mariadb
from tests.servers.accounts import LOCK, NAMES, SCHEMA, insert, names
from zero_runtime import config, model


@pytest.fixture(scope="module")
def other_server() -> Iterator[MariaDb]:
    """A server that tests stop and start."""
    with mariadb() as server:
        yield server


def with_replicas(
    source: str,
    replicas: list[str],
    test: Callable[[model.Database], Awaitable[None]],
    policy: Literal["round-robin", "random"] = "round-robin",
) -> None:
    """Runs a test with a database that holds `primary`, whose replicas hold `replica0`, `replica1` ..."""

    async def run() -> None:
        for number, replica in enumerate(replicas):
            async with model.open_database(replica) as database:
                await database.create(SCHEMA)
                await insert(database, f"replica{number}")
        conf = config.DatabaseConf(replicas=replicas, policy=policy)
        async with asyncio.timeout(30), model.open_database(source, conf) as database:
            await database.create(SCHEMA)
            await insert(database, "primary")
            await test(database)

    asyncio.run(run())


@pytest.mark.parametrize("policy", ["round-robin", "random"])
@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_who_is_asked(
    request: pytest.FixtureRequest, kind: str, policy: Literal["round-robin", "random"]
) -> None:
    server = request.getfixturevalue(f"{kind}_server")
    sources = [server.create_database(f"replicas_{number}") for number in range(3)]

    async def test(database: model.Database) -> None:
        seen = Counter([(await names(database))[0] for _ in range(40)])
        assert set(seen) == {"replica0", "replica1"}
        assert policy == "random" or seen["replica0"] == 20
        async with database.stream(NAMES) as rows:
            assert (await anext(rows))[0].startswith("replica")
        assert await database.fetch_one(NAMES, primary=True) == ("primary",)
        with database.primary():
            assert await names(database) == ["primary"]
            async with database.stream(NAMES) as rows:
                assert [name async for (name,) in rows] == ["primary"]
        async with database.transaction():
            assert await names(database) == ["primary"]
        row = await database.fetch_one(LOCK, (1,))
        assert row is not None and row[1] == "primary"

    with_replicas(sources[0], sources[1:], test, policy)


def test_one_that_is_away_is_left_out_until_it_is_back(
    mariadb_server: MariaDb, other_server: MariaDb, caplog: pytest.LogCaptureFixture
) -> None:
    source = mariadb_server.create_database("away")
    replicas = [mariadb_server.create_database("here"), other_server.create_database("there")]

    async def seen(database: model.Database) -> set[str]:
        return {(await names(database))[0] for _ in range(4)}

    async def test(database: model.Database) -> None:
        assert await seen(database) == {"replica0", "replica1"}
        await asyncio.to_thread(other_server.stop)
        try:
            reads = await asyncio.gather(*(names(database) for _ in range(20)))
            assert [["replica0"]] * 20 == reads
            assert caplog.text.count("is left out") == 1 and "w:rd" not in caplog.text
        finally:
            await asyncio.to_thread(other_server.start)
        async with asyncio.timeout(10):
            while await seen(database) != {"replica0", "replica1"}:
                await asyncio.sleep(0.05)
        assert "is back" in caplog.text

    with caplog.at_level(logging.INFO, "zero.model"):
        with_replicas(source, replicas, test)


def test_a_broken_connection_alone_is_no_reason_to_leave_one_out(
    mariadb_server: MariaDb, caplog: pytest.LogCaptureFixture
) -> None:
    source, replica = (mariadb_server.create_database(f"broken_{number}") for number in range(2))
    sleep = model.Statement("sleep", mysql="SELECT name, SLEEP(0.2) FROM account")

    async def test(database: model.Database) -> None:
        read = asyncio.create_task(database.fetch_one(sleep))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(mariadb_server.execute, "KILL USER zero")
        assert await read == ("replica0", 0)
        assert not caplog.text

    with_replicas(source, [replica], test)


def test_a_read_that_a_replica_ends_is_done_by_the_primary(
    postgresql_server: PostgreSql, caplog: pytest.LogCaptureFixture
) -> None:
    source, replica = (postgresql_server.create_database(f"conflict_{number}") for number in range(2))
    # The replica says what a standby says when the primary has removed the rows that it reads.
    for place, body in ((source, "RETURN 7;"), (replica, "RAISE SQLSTATE '40001';")):
        function = f"CREATE FUNCTION answer() RETURNS int LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
        postgresql_server.execute(function, place.rpartition("/")[2].partition("?")[0])
    ask = model.Statement("ask", postgresql="SELECT answer()")

    async def test(database: model.Database) -> None:
        assert await database.fetch_one(ask) == (7,)
        async with database.stream(ask) as rows:
            assert [row async for row in rows] == [(7,)]
        assert await names(database) == ["replica0"] and not caplog.text

    with_replicas(source, [replica], test)


def test_a_service_starts_though_its_replicas_are_away(
    mariadb_server: MariaDb, other_server: MariaDb, caplog: pytest.LogCaptureFixture
) -> None:
    source = mariadb_server.create_database("alone")
    replica = other_server.create_database("missing").replace("/missing", "/nowhere")

    async def run() -> None:
        async with model.open_database(source, config.DatabaseConf(replicas=[replica])) as database:
            await database.create(SCHEMA)
            await insert(database, "primary")
            assert await names(database) == ["primary"]

    asyncio.run(run())
    assert "Unknown database 'nowhere'" in caplog.text


@pytest.mark.parametrize("replica", ["sqlite:///x.db", "postgresql://zero:x@localhost/shop"])
def test_a_replica_is_of_the_same_kind(replica: str) -> None:
    with pytest.raises(model.SourceError, match="same kind"):
        model.open_database("mysql://zero:x@localhost/shop", config.DatabaseConf(replicas=[replica]))
