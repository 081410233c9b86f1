"""The same artefacts on MariaDB and PostgreSQL in place of SQLite, by configuration alone; their tables come from the
migrations, as in production."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from user.user_model import UserModel

from tests.end_to_end.fleet import fleet
from tests.end_to_end.flow import ADA, problem, register_login_and_look_up
from tests.end_to_end.pex_test import API, RPC
from tests.servers import MariaDb, PostgreSql, mariadb, postgresql
from zero_runtime import model

ALEMBIC = Path("services/user/alembic.ini").resolve()


@pytest.mark.parametrize("start", [mariadb, postgresql])
def test_the_user_service_keeps_its_users_there(
    start: Callable[[], AbstractContextManager[MariaDb | PostgreSql]], tmp_path: Path
) -> None:
    with start() as server:
        source = server.create_database("shop")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PEX_ROOT": str(tmp_path / "pex"),
            "ZERO_STATE_DIR": str(tmp_path),
            "ZERO_DATA_SOURCE": source,
            "ZERO_MODE": "pro",
            "ZERO_DEV_SERVER__ENABLED": "false",
        }
        migrate(source)
        with fleet(RPC, API, environment, tmp_path) as client:
            register_login_and_look_up(client)
            problem(client.post("/api/user/register", json=ADA), 409)
        assert not list(tmp_path.rglob("data.db"))
        assert asyncio.run(_users(source)) == ["Ada"]


def migrate(source: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ALEMBIC), "upgrade", "head"],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "ZERO_DATA_SOURCE": source},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def _users(source: str) -> list[str]:
    async with model.open_database(source) as database:
        return [user.name for user in (await UserModel(database).list()).rows]
