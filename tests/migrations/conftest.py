from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import MariaDb, PostgreSql, mariadb, postgresql

_numbers = itertools.count()


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[MariaDb]:
    with mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSql]:
    with postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "mysql", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes empty databases of one kind, of every kind; returns their data sources."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path / f'{next(_numbers)}.db'}"
    server: MariaDb | PostgreSql = request.getfixturevalue(f"{request.param}_server")
    return lambda: server.create_database(f"migration_{next(_numbers)}")
