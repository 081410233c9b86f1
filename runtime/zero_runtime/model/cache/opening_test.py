"""Which cache a configuration gives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.servers.process import free_port
from zero_runtime.config import CacheConf, InvalidValue, RedisConf
from zero_runtime.config.durations import Duration
from zero_runtime.errors import Unavailable
from zero_runtime.model.cache import Cache, open_cache
from zero_runtime.model.cache.memory import MemoryStore
from zero_runtime.model.cache.redis_store import RedisStore


def _open(
    conf: CacheConf, redis: RedisConf | None = None, *, source: str = "sqlite://", processes: int = 1
) -> Cache | None:
    async def opened() -> Cache | None:
        async with open_cache(conf, redis or RedisConf(), source=source, processes=processes) as cache:
            return cache

    return asyncio.run(opened())


def test_stores() -> None:
    assert _open(CacheConf(store="none")) is None
    memory = _open(CacheConf(store="memory"))
    assert memory is not None and isinstance(memory.store, MemoryStore)
    shared = _open(CacheConf(), RedisConf(host="localhost:1"))
    assert shared is not None and isinstance(shared.store, RedisStore)
    own = _open(CacheConf(redis=RedisConf(host="localhost:2")), RedisConf(host="localhost:1"), processes=4)
    assert own is not None and isinstance(own.store, RedisStore)


@pytest.mark.parametrize(
    ("source", "prefix"),
    [
        ("user:secret@tcp(db:3306)/shop", "db:3306/shop"),
        ("mysql://other@db/shop", "db:3306/shop"),
        ("postgresql://user:secret@db/shop", "db:5432/shop"),
        ("sqlite:////var/lib/shop.db", "/var/lib/shop.db"),
        ("sqlite:///shop.db", str(Path("shop.db").absolute())),
    ],
)
def test_the_prefix_tells_the_database(source: str, prefix: str) -> None:
    cache = _open(CacheConf(store="memory"), source=source)
    assert cache is not None and cache.prefix == prefix
    named = _open(CacheConf(store="memory", prefix="mine"), source=source)
    assert named is not None and named.prefix == "mine"


def test_databases_in_memory_share_nothing() -> None:
    one, other = _open(CacheConf(store="memory")), _open(CacheConf(store="memory"))
    assert one is not None and other is not None and one.prefix != other.prefix


def test_configurations_that_cannot_be() -> None:
    with pytest.raises(InvalidValue, match=r"Cache.Store: `memory` is for one process, .* other 3 change"):
        _open(CacheConf(store="memory"), processes=4)
    with pytest.raises(InvalidValue, match=r"Cache.Redis.Host: names no Redis, and neither does Redis.Host"):
        _open(CacheConf())
    for never in (CacheConf(expiry=Duration(0.0)), CacheConf(not_found_expiry=Duration(0.0))):
        with pytest.raises(
            InvalidValue, match=r"Cache.Expiry, Cache.NotFoundExpiry: have to be longer than 0"
        ):
            _open(never, RedisConf(host="localhost:1"))


def test_a_redis_that_a_service_does_not_start_without() -> None:
    with pytest.raises(Unavailable, match="Redis at 127.0.0.1"):
        _open(CacheConf(redis=RedisConf(host=f"127.0.0.1:{free_port()}", non_block=False)))
