"""Where tests of models run: empty databases of each kind."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from zero_runtime import model

KINDS = ("sqlite", "mysql", "postgresql")

Scenario: TypeAlias = Callable[[model.Database], Awaitable[None]]
Run: TypeAlias = Callable[[Scenario], None]

_numbers = itertools.count()


def new_source(kind: str, request: pytest.FixtureRequest) -> str:
    """A data source of an empty database."""
    if kind == "sqlite":
        folder: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        return f"sqlite:///{folder.mktemp('data') / 'data.db'}"
    server = request.getfixturevalue("mariadb_server" if kind == "mysql" else "postgresql_server")
    source: str = server.create_database(f"test_{next(_numbers)}")
    return source
