"""The same artefacts on MariaDB: what SQLite does by default, MySQL does by configuration alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from user.user_model import SCHEMA

from tests.end_to_end.fleet import fleet
from tests.end_to_end.flow import ADA, problem, register_login_and_look_up
from tests.end_to_end.pex_test import API, RPC
from tests.servers import mariadb
from zero_runtime import model


def test_the_user_service_keeps_its_users_in_mariadb(tmp_path: Path) -> None:
    with mariadb() as server:
        source = server.create_database("shop")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PEX_ROOT": str(tmp_path / "pex"),
            "ZERO_STATE_DIR": str(tmp_path),
            "ZERO_DATA_SOURCE": source,
        }
        with fleet(RPC, API, environment, tmp_path) as client:
            register_login_and_look_up(client)
            problem(client.post("/api/user/register", json=ADA), 409)
        assert not list(tmp_path.rglob("data.db"))
        assert asyncio.run(_users(source)) == ["Ada"]


async def _users(source: str) -> list[str]:
    async with model.open_database(source) as database:
        await database.create(SCHEMA)
        rows = await database.fetch_all(model.Statement(sqlite="", mysql="SELECT name FROM `user`"))
        return [str(name) for (name,) in rows]
