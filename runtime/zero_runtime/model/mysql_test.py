"""What only a server on a network does."""

from __future__ import annotations

import asyncio
import contextvars
import socket
from collections.abc import Callable

import pytest

from tests.servers import MariaDb
from tests.servers.accounts import insert, names, with_database
from zero_runtime import errors, model

SESSION = model.Statement(
    "", "SELECT @@time_zone, @@sql_mode, @@character_set_connection, @@autocommit, CONNECTION_ID()"
)
SLEEP = model.Statement("", "SELECT SLEEP(%s)")


async def _open(source: str) -> None:
    async with asyncio.timeout(30), model.open_database(source):
        pass


def _failure(source: str) -> str:
    with pytest.raises(errors.Unavailable) as caught:
        asyncio.run(_open(source))
    return caught.value.message


def test_a_session_is_what_repositories_rely_on(mysql_source: str) -> None:
    async def test(database: model.Database) -> None:
        row = await database.fetch_one(SESSION)
        assert row is not None
        assert row[0] == "+00:00"
        assert "STRICT_TRANS_TABLES" in row[1]
        assert (row[2], row[3]) == ("utf8mb4", 1)

    with_database(mysql_source, test)


def test_times_do_not_depend_on_the_servers_time_zone(mariadb_server: MariaDb, mysql_source: str) -> None:
    mariadb_server.execute("SET GLOBAL time_zone = '+09:00'")

    async def test(database: model.Database) -> None:
        row = await insert(database, "a", create_time="2026-01-01 00:00:00")
        assert row[7] == "2026-01-01 00:00:00.000000"

    try:
        with_database(mysql_source, test)
    finally:
        mariadb_server.execute("SET GLOBAL time_zone = 'SYSTEM'")


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    message = _failure(f"zero:hunter2@tcp(127.0.0.1:{port})/shop")
    assert message == f"cannot connect to mysql://zero@127.0.0.1:{port}/shop: connection refused"


def test_a_host_that_does_not_exist() -> None:
    message = _failure("zero:hunter2@tcp(nowhere.invalid)/shop")
    assert message.startswith("cannot connect to mysql://zero@nowhere.invalid:3306/shop: ")
    assert "hunter2" not in message


def test_a_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        message = _failure(f"zero:hunter2@tcp(127.0.0.1:{port})/shop?timeout=300ms&readTimeout=300ms")
    assert f"zero@127.0.0.1:{port}/shop" in message and "hunter2" not in message


def test_a_wrong_password_is_not_shown(mysql_source: str) -> None:
    message = _failure(mysql_source.replace("p@ss", "hunter2"))
    assert message.endswith("Access denied for user 'zero'@'127.0.0.1' (using password: YES)")
    assert "hunter2" not in message and "w:rd" not in message


def test_an_unknown_database(mysql_source: str) -> None:
    assert _failure(mysql_source.replace("/test_", "/no_")).partition(": ")[2].startswith("Unknown database")


def test_a_socket_instead_of_a_port(mariadb_server: MariaDb, mysql_source: str) -> None:
    place = f"tcp(127.0.0.1:{mariadb_server.port})"
    account = "'socket'@'localhost'"
    mariadb_server.execute(
        f"CREATE OR REPLACE USER {account} IDENTIFIED BY 'x'; GRANT ALL ON *.* TO {account}"
    )
    name = mysql_source.partition(place)[2]
    asyncio.run(_open(f"socket:x@unix({mariadb_server.socket}){name}"))


def test_tls_to_a_server_without_it_fails(mysql_source: str) -> None:
    assert "mysql://zero@127.0.0.1" in _failure(f"{mysql_source}&tls=true")


def test_a_time_zone_that_has_no_effect_is_told(mysql_source: str, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(_open(f"{mysql_source}&loc=Asia%2FShanghai"))
    assert "loc=Asia/Shanghai has no effect" in caplog.text
    assert "w:rd" not in caplog.text


def _kill_all(server: MariaDb) -> None:
    server.execute("KILL USER zero")


def _restart(server: MariaDb) -> None:
    server.stop()
    server.start()


@pytest.mark.parametrize("disturb", [_kill_all, _restart])
def test_a_disturbed_server_is_noticed_by_nobody_between_statements(
    mariadb_server: MariaDb, mysql_source: str, disturb: Callable[[MariaDb], None]
) -> None:
    async def test(database: model.Database) -> None:
        await asyncio.gather(*(insert(database, f"n{i}") for i in range(5)))
        await asyncio.to_thread(disturb, mariadb_server)
        await insert(database, "later")
        assert len(await names(database)) == 6

    with_database(mysql_source, test)


def test_a_read_is_repeated_when_its_connection_breaks(mariadb_server: MariaDb, mysql_source: str) -> None:
    async def test(database: model.Database) -> None:
        read = asyncio.create_task(database.fetch_one(SLEEP, (0.5,)))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(_kill_all, mariadb_server)
        assert await read == (0,)

    with_database(mysql_source, test)


def test_a_write_is_not_repeated(mariadb_server: MariaDb, mysql_source: str) -> None:
    slow = model.Statement("", "INSERT INTO account (name, create_time) SELECT SLEEP(%s), NOW()")

    async def test(database: model.Database) -> None:
        write = asyncio.create_task(database.execute(slow, (0.5,)))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(_kill_all, mariadb_server)
        with pytest.raises(errors.Unavailable, match=r"mysql://zero@127\.0\.0\.1:\d+/test_\d+: "):
            await write
        assert await names(database) == []

    with_database(mysql_source, test)


def test_a_transaction_whose_connection_breaks_fails_as_a_whole(
    mariadb_server: MariaDb, mysql_source: str
) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.Unavailable):
            async with database.transaction():
                await insert(database, "a")
                await asyncio.to_thread(_kill_all, mariadb_server)
                await names(database)
        with pytest.raises(errors.ZeroError):
            async with database.transaction():
                await insert(database, "b")
                await asyncio.to_thread(_kill_all, mariadb_server)
        assert await names(database) == []

    with_database(mysql_source, test)


def test_a_server_that_stays_away_is_named(mariadb_server: MariaDb, mysql_source: str) -> None:
    async def test(database: model.Database) -> None:
        await asyncio.to_thread(mariadb_server.stop)
        try:
            with pytest.raises(errors.Unavailable) as caught:
                await names(database)
        finally:
            await asyncio.to_thread(mariadb_server.start)
        assert caught.value.message.startswith("cannot connect to mysql://zero@127.0.0.1:")
        assert caught.value.message.endswith(": connection refused")
        assert await names(database) == []

    with_database(mysql_source, test)


def test_connections_are_limited_and_shared(mysql_source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zero_runtime.model.mysql._POOL_SIZE", 3)

    async def test(database: model.Database) -> None:
        async def connection() -> int:
            row = await database.fetch_one(SESSION)
            await database.fetch_one(SLEEP, (0.01,))
            assert row is not None
            number: int = row[4]
            return number

        assert 1 < len(set(await asyncio.gather(*(connection() for _ in range(20))))) <= 3

    with_database(mysql_source, test)


def test_a_statement_does_not_wait_for_a_connection_forever(
    mysql_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zero_runtime.model.mysql._POOL_SIZE", 1)
    monkeypatch.setattr("zero_runtime.model.mysql._POOL_WAIT", 0.2)

    async def test(database: model.Database) -> None:
        async with database.transaction():
            other = asyncio.create_task(names(database), context=contextvars.Context())
            with pytest.raises(errors.Unavailable, match="no connection was to be had in time"):
                await other
        assert await names(database) == []

    with_database(f"{mysql_source}&timeout=200ms", test)
