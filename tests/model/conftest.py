"""One server of each kind for all tests here, and the shop's tables on each, with and without a cache."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.model import generated
from tests.model.places import KINDS, Run, Scenario, new_source
from tests.servers import MariaDb, PostgreSql, mariadb, postgresql
from tests.servers.redis import RedisServer, redis
from zero_codegen.model.settings import Settings
from zero_runtime import model
from zero_runtime.config import CacheConf, DatabaseConf, RedisConf

CONTRACT = Path(__file__).parent / "shop.sql"


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    with mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSql]:
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with redis() as server:
        yield server


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The module that is generated from shop.sql."""
    settings = Settings(cached=("*",), version_column="version", soft_delete_column="deleted_at")
    return generated.load(
        generated.generate(tmp_path_factory.mktemp("shop"), CONTRACT.read_text("utf-8"), settings)
    )


@asynccontextmanager
async def opened(source: str, cache: CacheConf | None, redis: RedisConf) -> AsyncIterator[model.Database]:
    async with AsyncExitStack() as resources:
        kept = None
        if cache is not None:
            kept = await resources.enter_async_context(model.open_cache(cache, redis, source=source))
        yield await resources.enter_async_context(model.open_database(source, DatabaseConf(), cache=kept))


@pytest.fixture(scope="session", params=[*KINDS, *(f"{kind}-redis" for kind in KINDS), "sqlite-memory"])
def place(request: pytest.FixtureRequest, shop: Any) -> tuple[str, CacheConf | None, RedisConf]:
    """A database with the shop's tables, and its cache."""
    kind, _, cache = request.param.partition("-")
    source = new_source(kind, request)

    async def create() -> None:
        async with opened(source, None, RedisConf()) as database:
            await database.create(shop.SCHEMA)

    asyncio.run(create())
    if not cache:
        return source, None, RedisConf()
    if cache == "memory":
        return source, CacheConf(store="memory"), RedisConf()
    server: RedisServer = request.getfixturevalue("redis_server")
    return source, CacheConf(), RedisConf(host=server.address)


@pytest.fixture
def run(place: tuple[str, CacheConf | None, RedisConf], request: pytest.FixtureRequest) -> Run:
    """Runs a scenario in the shop's empty tables."""
    if place[1] is not None and place[1].store == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        server.command("FLUSHALL")

    async def in_database(scenario: Scenario) -> None:
        async with asyncio.timeout(60), opened(*place) as database:
            for name in ("purchase", "customer", "page", "counter", "group"):
                text = f"DELETE FROM `{name}`" if database.dialect == "mysql" else f'DELETE FROM "{name}"'
                await database.execute(model.Statement("empty", text, text, text, writes=True))
            await scenario(database)

    return lambda scenario: asyncio.run(in_database(scenario))
