"""Alembic's environment: which database, how it is connected to, and what is told when something is wrong."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from tests.servers import MariaDb
from zero_runtime import model
from zero_runtime.model import migrations

ENV = "from zero_runtime.model import migrations\n\nmigrations.run({options})\n"

REVISION = """
from zero_runtime.model import migrations

revision, down_revision = "{name}", {down!r}


def upgrade() -> None:
    migrations.execute({up})


def downgrade() -> None:
    migrations.execute({back})
"""

EVERYWHERE = ("sqlite", "mysql", "postgresql")


class History:
    """A folder of revisions."""

    def __init__(self, root: Path, options: str = "") -> None:
        self._root = root
        self._last: str | None = None
        (root / "versions").mkdir()
        (root / "env.py").write_text(ENV.format(options=options))
        (root / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n")

    def add(self, name: str, up: Mapping[str, tuple[str, ...]], back: Mapping[str, tuple[str, ...]]) -> None:
        up_text, back_text = (
            ", ".join(f"{key}={value!r}" for key, value in way.items()) for way in (up, back)
        )
        text = REVISION.format(name=name, down=self._last, up=up_text, back=back_text)
        (self._root / f"versions/{name}.py").write_text(text)
        self._last = name

    def config(self, *arguments: str) -> Config:
        options = argparse.Namespace(x=list(arguments))
        return Config(self._root / "alembic.ini", cmd_opts=options)

    def upgrade(self, source: str, revision: str = "head", *, sql: bool = False) -> None:
        command.upgrade(self.config(f"source={source}"), revision, sql=sql)

    def downgrade(self, source: str, revision: str = "base") -> None:
        command.downgrade(self.config(f"source={source}"), revision)


@pytest.fixture
def history(tmp_path: Path) -> History:
    folder = tmp_path / "migrations"
    folder.mkdir()
    return History(folder)


def _all(*statements: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(EVERYWHERE, statements)


def _statement(text: str) -> model.Statement:
    return model.Statement("test", text, text, text)


def _rows(source: str, query: str) -> list[model.Row]:
    async def work() -> list[model.Row]:
        async with asyncio.timeout(30), model.open_database(source) as database:
            return await database.fetch_all(_statement(query))

    return asyncio.run(work())


def test_statements_run_exactly_as_they_are_written(history: History, source: str) -> None:
    text = "100% :name %s %(x)s \\:y ? $1 {z}"
    history.add("a", _all("CREATE TABLE t (x varchar(99))"), _all("DROP TABLE t"))
    written = {**_all(f"INSERT INTO t VALUES ('{text}')")}
    written["mysql"] = (written["mysql"][0].replace("\\", "\\\\"),)
    history.add("b", written, _all("DELETE FROM t"))
    history.upgrade(source)
    assert _rows(source, "SELECT x FROM t") == [(text,)]
    history.downgrade(source, "a")
    assert _rows(source, "SELECT x FROM t") == []


def test_a_revision_that_fails_leaves_nothing_where_that_can_be(history: History, source: str) -> None:
    history.add("a", _all("CREATE TABLE t (x int)"), _all())
    history.add("b", _all("CREATE TABLE u (x int)", "CREATE TABLE t (x int)"), _all())
    with pytest.raises(
        CommandError, match=r"(?s)[Tt]able|relation.*t.* already exists\nin CREATE TABLE t \(x int\)"
    ):
        history.upgrade(source)
    assert _rows(source, "SELECT version_num FROM alembic_version") == [("a",)]
    if "@tcp(" in source:  # MySQL commits each statement that is about tables
        assert _rows(source, "SELECT * FROM u") == []
    else:
        with pytest.raises(Exception, match=r"no such table: u|relation \"u\" does not exist"):
            _rows(source, "SELECT * FROM u")


def test_the_variable_names_the_database(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.add("a", _all("CREATE TABLE t (x int)"), _all("DROP TABLE t"))
    with pytest.raises(CommandError, match="which database"):
        command.upgrade(history.config(), "head")
    monkeypatch.setenv(migrations.VARIABLE, f"sqlite:///{tmp_path / 'data.db'}")
    command.upgrade(history.config(), "head")
    assert _rows(f"sqlite:///{tmp_path / 'data.db'}", "SELECT count(*) FROM t") == [(0,)]


def test_mistakes_are_told_without_the_password(history: History, postgresql_source: str) -> None:
    history.add("a", _all("CREATE TABLE t (x int)"), _all("DROP TABLE t"))
    for source, message in (
        ("postgres://zero:hunter2@db/shop?sslmod=x", "the data source: unknown parameter `sslmod`"),
        (
            "postgres://zero:hunter2@127.0.0.1:1/shop",
            "postgresql://zero@127.0.0.1:1/shop: connection refused",
        ),
        ("mysql://zero:hunter2@127.0.0.1:1/shop", "mysql://zero@127.0.0.1:1/shop: "),
        (postgresql_source.replace("p%40ss", "hunter2"), "password authentication failed"),
        ("sqlite:////nowhere/at/all.db", "/nowhere/at/all.db: unable to open database file"),
    ):
        with pytest.raises(CommandError, match=message) as caught:
            history.upgrade(source)
        assert "hunter2" not in str(caught.value)


def test_the_statements_can_be_printed(
    history: History, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    history.add("a", _all("CREATE TABLE t (x varchar(9) DEFAULT '%:x')"), _all("DROP TABLE t"))
    history.upgrade(source, sql=True)
    assert "CREATE TABLE t (x varchar(9) DEFAULT '%:x');" in capsys.readouterr().out


def test_sqlite_refuses_what_would_leave_rows_without_those_that_they_refer_to(
    history: History, tmp_path: Path
) -> None:
    file = tmp_path / "data.db"
    history.add(
        "a",
        _all(
            "CREATE TABLE a (id INTEGER PRIMARY KEY)",
            "CREATE TABLE b (a INTEGER REFERENCES a (id) ON DELETE CASCADE)",
            "INSERT INTO a VALUES (1)",
            "INSERT INTO b VALUES (1)",
        ),
        _all(),
    )
    history.add("b", _all("DELETE FROM a"), _all())
    with pytest.raises(CommandError, match="1 rows refer to rows that are not there: `b` to `a`"):
        history.upgrade(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("a",)]
        assert connection.execute("SELECT * FROM a, b").fetchall() == [(1, 1)]


def test_processes_wait_for_each_other(history: History, postgresql_source: str) -> None:
    history.add("a", {"postgresql": ("CREATE TABLE t (x int)",)}, _all())
    key = int.from_bytes(b"zero.mig")
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    async def test() -> None:
        async with asyncio.timeout(30), model.open_database(postgresql_source) as database:
            async with database.transaction():
                await database.fetch_all(_statement(f"SELECT pg_advisory_xact_lock({key})"))
                other = asyncio.create_task(asyncio.to_thread(history.upgrade, postgresql_source))
                while await database.fetch_one(_statement(waiting)) == (0,):
                    assert not other.done()
                    await asyncio.sleep(0.01)
            await other
            assert await database.fetch_all(_statement("SELECT * FROM t")) == []

    asyncio.run(test())


def test_processes_wait_for_those_of_the_same_database(history: History, mariadb_server: MariaDb) -> None:
    history.add("a", {"mysql": ("CREATE TABLE t (x int)",)}, _all())
    sources = [mariadb_server.create_database(f"migrated_{number}") for number in range(2)]
    lock = "SHA1(CONCAT('zero.migrations.', DATABASE()))"

    async def test() -> None:
        async with asyncio.timeout(30), model.open_database(sources[0]) as database:
            async with database.transaction():
                assert await database.fetch_one(_statement(f"SELECT GET_LOCK({lock}, 0)")) == (1,)
                await asyncio.to_thread(history.upgrade, sources[1])
                other = asyncio.create_task(asyncio.to_thread(history.upgrade, sources[0]))
                assert await asyncio.wait([other], timeout=0.2) == (set(), {other})
                await database.fetch_one(_statement(f"SELECT RELEASE_LOCK({lock})"))
            await other

    asyncio.run(test())


def test_histories_that_share_a_database(tmp_path: Path, source: str) -> None:
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        history = History(folder, f'version_table="{name}_version"')
        history.add("a", _all(f"CREATE TABLE {name} (x int)"), _all(f"DROP TABLE {name}"))
        history.upgrade(source)
    assert _rows(source, "SELECT * FROM one_version, other_version") == [("a", "a")]
