"""PostgreSQL as a server on a network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import PostgreSql, postgresql
from tests.servers.accounts import insert, names, with_database
from tests.servers.certificates import Authority
from zero_runtime import errors, model


async def _open(source: str) -> None:
    async with asyncio.timeout(30), model.open_database(source):
        pass


def _failure(source: str) -> str:
    with pytest.raises(errors.Unavailable) as caught:
        asyncio.run(_open(source))
    return caught.value.message


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    message = _failure(f"postgresql://zero:hunter2@127.0.0.1:{port}/shop")
    assert message == f"cannot connect to postgresql://zero@127.0.0.1:{port}/shop: connection refused"


def test_a_host_that_does_not_exist() -> None:
    message = _failure("postgresql://zero:hunter2@nowhere.invalid/shop")
    assert message.startswith("cannot connect to postgresql://zero@nowhere.invalid:5432/shop: ")
    assert "hunter2" not in message


def test_a_server_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        message = _failure(f"postgresql://zero:hunter2@127.0.0.1:{port}/shop?connect_timeout=1")
    assert message.endswith("no answer in time") and "hunter2" not in message


def test_a_wrong_password_is_not_shown(postgresql_source: str) -> None:
    message = _failure(postgresql_source.replace("p%40ss", "hunter2"))
    assert message.endswith('password authentication failed for user "zero"')
    assert "hunter2" not in message and "w:rd" not in message


def test_an_unknown_database(postgresql_source: str) -> None:
    assert _failure(postgresql_source.replace("/test_", "/no_")).endswith("does not exist")


def test_a_socket_instead_of_a_host(postgresql_server: PostgreSql, postgresql_source: str) -> None:
    name = postgresql_source.rpartition("/")[2].partition("?")[0]
    place = f"host={postgresql_server.socket}&port={postgresql_server.port}"

    async def test(database: model.Database) -> None:
        assert await names(database) == []

    with_database(f"postgresql://zero@/{name}?{place}", test)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls_to_a_server_without_it_fails(postgresql_source: str, mode: str) -> None:
    assert "rejected SSL" in _failure(postgresql_source.replace("disable", mode))


def test_tls(tmp_path: Path) -> None:
    query = "SELECT ssl, client_dn IS NOT NULL FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    shown = model.Statement("shown", postgresql=query)
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    mine = authority.issue("client")

    async def connected(source: str) -> list[model.Row]:
        async with asyncio.timeout(30), model.open_database(source) as database:
            return await database.fetch_all(shown)

    with postgresql(authority) as server:
        plain = server.create_database("tls")
        trusted, mistrusted = (f"&sslrootcert={each.file}" for each in (authority, stranger))
        client = f"&sslcert={mine.certificate}&sslkey={mine.key}"
        for mode, parameters, row in (
            ("disable", "", (False, False)),
            ("prefer", "", (True, False)),
            ("require", "", (True, False)),
            ("require", client, (True, True)),
            ("verify-ca", trusted, (True, False)),
            ("verify-full", trusted + client, (True, True)),
        ):
            source = plain.replace("disable", mode) + parameters
            assert asyncio.run(connected(source)) == [row], (mode, parameters)
        for mode, parameters in (
            ("require", mistrusted),
            ("verify-ca", mistrusted),
            ("verify-ca", ""),
            ("verify-full", mistrusted),
        ):
            assert "certificate" in _failure(plain.replace("disable", mode) + parameters)
        elsewhere = plain.replace("disable", "verify-full").replace("127.0.0.1", "127.0.0.2")
        assert "127.0.0.2" in _failure(elsewhere + trusted)


def test_files_of_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    source = "postgresql://zero@db/shop?sslmode=verify-full"
    for parameters, what in (
        (f"&sslrootcert={tmp_path}/none.pem", r"sslrootcert: .*none\.pem: no such file or directory"),
        (f"&sslrootcert={wrong}", r"sslrootcert: .*wrong\.pem and its key are no certificates in PEM"),
        (f"&sslcert={wrong}&sslkey={wrong}", r"sslcert: .*wrong\.pem and its key"),
    ):
        with pytest.raises(model.SourceError, match=what):
            model.open_database(source + parameters)


def _restart(server: PostgreSql) -> None:
    server.stop()
    server.start()


@pytest.mark.parametrize("disturb", [PostgreSql.end_connections, _restart])
def test_a_disturbed_server_is_noticed_by_nobody_between_statements(
    postgresql_server: PostgreSql, postgresql_source: str, disturb: Callable[[PostgreSql], None]
) -> None:
    async def test(database: model.Database) -> None:
        await asyncio.gather(*(insert(database, f"n{i}") for i in range(5)))
        await asyncio.to_thread(disturb, postgresql_server)
        assert len(await names(database)) == 5
        await insert(database, "later")
        assert len(await names(database)) == 6

    with_database(postgresql_source, test)


def test_a_transaction_whose_connection_breaks_fails_as_a_whole(
    postgresql_server: PostgreSql, postgresql_source: str
) -> None:
    async def test(database: model.Database) -> None:
        # Whether the driver has noticed already, or finds out with the next statement.
        with pytest.raises((errors.Aborted, errors.Unavailable)):
            async with database.transaction():
                await insert(database, "a")
                await asyncio.to_thread(postgresql_server.end_connections)
                await names(database)
        assert await names(database) == []

    with_database(postgresql_source, test)
