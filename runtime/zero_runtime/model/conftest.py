from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import MariaDb, PostgreSql, mariadb, postgresql

_numbers = itertools.count()


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    with mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSql]:
    with postgresql() as server:
        yield server


@pytest.fixture
def mysql_source(mariadb_server: MariaDb) -> str:
    """A data source of an empty database."""
    return mariadb_server.create_database(f"test_{next(_numbers)}")


@pytest.fixture
def postgresql_source(postgresql_server: PostgreSql) -> str:
    """A data source of an empty database."""
    return postgresql_server.create_database(f"test_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "mysql", "postgresql"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A data source of an empty database, of every kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data.db'}"
    found: str = request.getfixturevalue(f"{request.param}_source")
    return found
