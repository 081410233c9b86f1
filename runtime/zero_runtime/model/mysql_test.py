"""What only a server on a network does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import MariaDb, mariadb
from tests.servers.accounts import DELETE, LOCK, insert, names, with_database
from tests.servers.certificates import Authority
from zero_runtime import config, errors, model
from zero_runtime.config.durations import Duration

SESSION = model.Statement(
    "session",
    mysql="SELECT @@time_zone, @@sql_mode, @@character_set_connection, @@autocommit, CONNECTION_ID()",
)
SLEEP = model.Statement("sleep", mysql="SELECT SLEEP(%s)")


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


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cipher = model.Statement("cipher", mysql="SHOW STATUS LIKE 'Ssl_cipher'")
    authority = Authority(tmp_path)

    async def is_encrypted(source: str) -> bool:
        async with asyncio.timeout(30), model.open_database(source) as database:
            row = await database.fetch_one(cipher)
            return row is not None and row[1] != ""

    with mariadb(authority=authority) as server:
        plain = server.create_database("tls")
        assert not asyncio.run(is_encrypted(plain))
        assert asyncio.run(is_encrypted(f"{plain}&tls=skip-verify"))
        assert "certificate verify failed" in _failure(f"{plain}&tls=true")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))  # what the system trusts
        assert asyncio.run(is_encrypted(f"{plain}&tls=true"))
        elsewhere = plain.replace("127.0.0.1", "127.0.0.2")
        assert "127.0.0.2" in _failure(f"{elsewhere}&tls=true")


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
    slow = model.Statement("slow", mysql="INSERT INTO account (name, create_time) SELECT SLEEP(%s), NOW()")

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


def test_a_server_that_rolls_all_back_when_a_lock_is_not_to_be_had() -> None:
    async def test(database: model.Database) -> None:
        await insert(database, "a")
        async with model.open_database(source) as other, other.transaction():
            await other.fetch_one(LOCK, (1,))
            with pytest.raises(errors.Aborted, match="rolled the transaction back"):
                async with database.transaction():
                    await insert(database, "b")
                    with pytest.raises(errors.Aborted, match="a concurrent transaction won"):
                        await database.fetch_one(LOCK, (1,))
                    await insert(database, "c")
        assert await names(database) == ["a"]

    with mariadb("--innodb-rollback-on-timeout", "--innodb-lock-wait-timeout=1") as server:
        source = server.create_database("locks")
        with_database(source, test)


def test_a_transaction_that_is_cancelled_twice_while_a_statement_runs(mysql_source: str) -> None:
    async def test(database: model.Database) -> None:
        busy: list[asyncio.Task[object]] = []

        async def work() -> None:
            async with database.transaction():
                await insert(database, "a")
                busy.append(asyncio.create_task(database.fetch_one(SLEEP, (0.3,))))
                await asyncio.sleep(10)

        task = asyncio.create_task(work())
        await asyncio.sleep(0.1)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(errors.Unavailable):
            await busy[0]
        assert await names(database) == []

    with_database(mysql_source, test)


def test_a_primary_that_only_reads_any_more_is_connected_to_anew(
    mariadb_server: MariaDb, mysql_source: str
) -> None:
    async def test(database: model.Database) -> None:
        mariadb_server.execute("SET GLOBAL tx_read_only = 1")
        try:
            async with model.open_database(mysql_source) as other:
                with pytest.raises(errors.Unavailable, match="READ ONLY"):
                    await insert(other, "a")
                mariadb_server.execute("SET GLOBAL tx_read_only = 0")
                await insert(other, "b")
        finally:
            mariadb_server.execute("SET GLOBAL tx_read_only = 0")
        assert await names(database) == ["b"]

    with_database(mysql_source, test)


def test_old_connections_are_ended_without_a_warning_of_the_server(
    mariadb_server: MariaDb, mysql_source: str
) -> None:
    aborted = model.Statement("aborted", mysql="SHOW GLOBAL STATUS LIKE 'Aborted_clients'")

    async def test(database: model.Database) -> None:
        before = await database.fetch_one(aborted)
        async with model.open_database(
            mysql_source, config.DatabaseConf(max_lifetime=Duration(0.05))
        ) as other:
            await asyncio.gather(*(names(other) for _ in range(5)))
            await asyncio.sleep(0.15)
        await asyncio.sleep(0.1)
        assert await database.fetch_one(aborted) == before

    with_database(mysql_source, test)


@pytest.mark.filterwarnings("error")
def test_a_stream_inside_of_a_transaction_that_is_cancelled_reads_no_rest(mysql_source: str) -> None:
    endless = model.Statement("endless", mysql="SELECT seq FROM seq_1_to_1000000000000")

    async def test(database: model.Database) -> None:
        async def work() -> None:
            async with database.transaction():
                await insert(database, "a")
                async with database.stream(endless) as rows:
                    async for _ in rows:
                        await asyncio.sleep(10)

        task = asyncio.create_task(work())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task], timeout=3)
        assert task.done()
        assert await names(database) == []

    with_database(mysql_source, test)


def test_a_connection_that_breaks_while_the_rest_of_a_stream_is_dropped(
    mariadb_server: MariaDb, mysql_source: str
) -> None:
    endless = model.Statement("endless", mysql="SELECT seq FROM seq_1_to_1000000000000")

    async def test(database: model.Database) -> None:
        with pytest.raises(errors.Aborted):
            async with database.transaction():
                asyncio.get_running_loop().call_later(0.1, mariadb_server.execute, "KILL USER zero")
                async with database.stream(endless) as rows:
                    assert await anext(rows) == (1,)

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


def test_a_statement_has_but_so_much_time(mysql_source: str) -> None:
    slow = model.Statement("slow", mysql="SELECT SLEEP(5) FROM information_schema.tables")

    async def test(database: model.Database) -> None:
        with pytest.raises(errors.DeadlineExceeded, match="took too long"):
            await database.fetch_all(slow)
        assert await names(database) == []

    with_database(mysql_source, test, config.DatabaseConf(statement_timeout=Duration(0.1)))


def test_an_answer_that_does_not_come_in_time(mysql_source: str) -> None:
    async def test(database: model.Database) -> None:
        for _ in range(2):
            with pytest.raises(errors.Unavailable, match="no answer in time"):
                await database.execute(SLEEP, (5,))
        assert await names(database) == []

    with_database(f"{mysql_source}&readTimeout=200ms", test)


def test_a_statement_that_somebody_ends(mariadb_server: MariaDb, mysql_source: str) -> None:
    async def test(database: model.Database) -> None:
        async with database.transaction():
            await insert(database, "a")
            row = await database.fetch_one(SESSION)
            assert row is not None
            write = asyncio.create_task(
                database.execute(
                    model.Statement("wait", mysql="UPDATE account SET rate = BENCHMARK(%s, SHA1('x'))"),
                    (10**9,),
                )
            )
            await asyncio.sleep(0.1)
            await asyncio.to_thread(mariadb_server.execute, f"KILL QUERY {row[4]}")
            with pytest.raises(errors.Aborted, match="somebody"):
                await write
            await insert(database, "b")
        assert await names(database) == ["a", "b"]

    with_database(mysql_source, test)


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_numbers_that_mysql_does_not_have(mysql_source: str, number: float) -> None:
    async def test(database: model.Database) -> None:
        with pytest.raises(errors.InvalidArgument, match=f"no number {number}"):
            await insert(database, "a", rate=number)
        assert await names(database) == []

    with_database(mysql_source, test)


def test_many_rows_go_in_several_statements(mysql_source: str) -> None:
    add = model.Statement(
        "add", mysql="INSERT INTO account (name, photo, create_time) VALUES (%s, %s, NOW())", writes=True
    )

    async def test(database: model.Database) -> None:
        rows = ((f"n{number}", bytes(1000)) for number in range(3000))
        assert await database.execute_many(add, rows) == 3000
        assert len(await names(database)) == 3000

    with_database(mysql_source, test)


def test_isolation(mysql_source: str) -> None:
    async def test(database: model.Database) -> None:
        levels: list[tuple[model.Isolation | None, list[str]]]
        levels = [("read committed", ["a"]), ("repeatable read", []), (None, [])]
        for isolation, seen in levels:
            async with model.open_database(mysql_source) as other:
                async with database.transaction(isolation=isolation):
                    assert await names(database) == []
                    row = await insert(other, "a")
                    assert await names(database) == seen
                    with pytest.raises(RuntimeError, match="isolation of the transaction"):
                        database.transaction(isolation="serializable")
                await other.execute(DELETE, (row[0],))

    with_database(mysql_source, test)
