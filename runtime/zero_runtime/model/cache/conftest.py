"""A cached table as generated code declares it, and stores of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
import pytest

from tests.servers.redis import RedisServer, redis
from zero_runtime.config import CacheConf, RedisConf
from zero_runtime.model.cache import Cache, CachedRows
from zero_runtime.model.columns import Column
from zero_runtime.model.database import Database
from zero_runtime.model.opening import open_database
from zero_runtime.model.statement import Schema, Statement, TableSchema
from zero_runtime.model.table import Index, Table
from zero_runtime.model.values import Row


class User(msgspec.Struct, kw_only=True):
    """A row."""

    id: int
    name: str
    points: int


class UserColumns:
    id: Final = Column[User, int]("id", "id")


def _user(row: Row) -> User:
    return User(id=row[0], name=row[1], points=row[2])


def _statement(name: str, sql: str, *, writes: bool = False) -> Statement:
    numbered = sql
    for number in range(1, sql.count("?") + 1):
        numbered = numbered.replace("?", f"${number}", 1)
    unique = {"PRIMARY": ("id",), "name": ("name",)} if writes else {}
    return Statement(
        f"user.{name}", sql, sql.replace("?", "%s"), numbered.replace("`", '"'), writes=writes, unique=unique
    )


_COLUMNS = "SELECT id, name, points FROM user_"
INSERT = _statement("insert", "INSERT INTO user_ (id, name, points) VALUES (?, ?, ?)", writes=True)
UPDATE = _statement("update", "UPDATE user_ SET name = ?, points = ? WHERE id = ?", writes=True)
DELETE = _statement("delete", "DELETE FROM user_ WHERE id = ?", writes=True)
USER = Table(
    name="user",
    decode=_user,
    key=Index(
        name="PRIMARY",
        find=_statement("find_one", f"{_COLUMNS} WHERE id = ?"),
        find_for_update=_statement("find_one_for_update", f"{_COLUMNS} WHERE id = ?"),
        values=lambda row: (row.id,),
    ),
    unique=(
        Index(
            name="name",
            find=_statement("find_one_by_name", f"{_COLUMNS} WHERE name = ?"),
            find_for_update=_statement("find_one_by_name_for_update", f"{_COLUMNS} WHERE name = ?"),
            values=lambda row: (row.name,),
            folded=(0,),
        ),
    ),
    key_columns=(UserColumns.id,),
    select=_statement("list", _COLUMNS),
    count=_statement("count", "SELECT COUNT(*) FROM user_"),
    cached=True,
    layout="0123456789ab",
)
SCHEMA = Schema(
    (
        TableSchema(
            "user_",
            sqlite=(
                "CREATE TABLE user_ (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, "
                "points INTEGER NOT NULL) STRICT",
            ),
            mysql=(
                "CREATE TABLE user_ (id BIGINT PRIMARY KEY, name VARCHAR(64) NOT NULL UNIQUE, "
                "points BIGINT NOT NULL) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_unicode_ci",
            ),
            postgresql=(
                "CREATE TABLE user_ (id bigint PRIMARY KEY, name text NOT NULL UNIQUE, "
                "points bigint NOT NULL)",
            ),
        ),
    )
)


@dataclass
class Users:
    """What a repository does with the cache."""

    database: Database
    cached: CachedRows[User]

    async def find(self, id: int) -> User | None:
        return await self.cached.find(USER.key, (id,))

    async def find_by_name(self, name: str) -> User | None:
        return await self.cached.find(USER.unique[0], (name,))

    async def insert(self, user: User) -> None:
        async with self.cached.changing() as change:
            await self.database.execute(INSERT, (user.id, user.name, user.points))
            change.row(user)

    async def update(self, user: User) -> int:
        async with self.cached.changing((user.id,), rows=(user,)):
            return await self.database.execute(UPDATE, (user.name, user.points, user.id))

    async def delete(self, id: int) -> int:
        async with self.cached.changing((id,)):
            return await self.database.execute(DELETE, (id,))

    async def behind(self, user: User) -> None:
        """Changes a row without telling the cache."""
        await self.database.execute(UPDATE, (user.name, user.points, user.id))


@asynccontextmanager
async def users(cache: Cache, source: str = "sqlite://") -> AsyncIterator[Users]:
    """An empty table, or the one that is there."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(source, cache=cache))
        await database.create(SCHEMA)
        yield Users(database, cache.rows(database, USER))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A node that nobody stops."""
    with redis() as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisServer]:
    """A cluster that nobody stops."""
    with redis(cluster=True) as server:
        yield server


@pytest.fixture(params=["memory", "node", "cluster"])
def conf(request: pytest.FixtureRequest) -> CacheConf:
    """A cache of every kind, empty."""
    prefix = request.node.name
    if request.param == "memory":
        return CacheConf(store="memory", prefix=prefix)
    if request.param == "node":
        server: RedisServer = request.getfixturevalue("redis_server")
        used = RedisConf(host=server.address)
    else:
        server = request.getfixturevalue("redis_cluster")
        used = RedisConf(host=server.address, type="cluster")
    server.command("FLUSHALL")
    return CacheConf(redis=used, prefix=prefix)
