"""The cache of a service, by its configuration."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from zero_runtime.config import CacheConf, InvalidValue, RedisConf
from zero_runtime.errors import Unavailable
from zero_runtime.model.cache.changes import Marks
from zero_runtime.model.cache.loads import Loads
from zero_runtime.model.cache.local import LocalLayer
from zero_runtime.model.cache.memory import MemoryStore
from zero_runtime.model.cache.protocol import Store, tokens
from zero_runtime.model.cache.rows import CachedRows
from zero_runtime.model.database import Database
from zero_runtime.model.source import SqliteSource, parse_source
from zero_runtime.model.table import Table
from zero_runtime.model.values import Row

R = TypeVar("R")


class Cache:
    """The cache of a service; `Database` has it, and repositories of cached tables use it."""

    def __init__(self, conf: CacheConf, store: Store, prefix: str, *, local: bool) -> None:
        """``local``: whether there may be a local layer; a store in the process is one already."""
        self.store = store
        self.prefix = prefix
        self.expiry = conf.expiry
        self.not_found_expiry = conf.not_found_expiry
        self.jitter = conf.jitter
        self.load_wait = conf.load_wait
        self.local = LocalLayer(conf.local, conf.local_size, time.monotonic) if local and conf.local else None
        self.loads = Loads[Row | None]()
        self.turns = asyncio.Semaphore(conf.max_loads)
        """For reads from the database while the store is away."""
        self.token = tokens()

    def rows(self, database: Database, table: Table[R]) -> CachedRows[R]:
        """The rows of a table of this database."""
        return CachedRows[Any](self, database, table)

    def marks(self) -> Marks:
        """What a transaction changes."""
        return Marks(self.store, self.local, self.token())


@asynccontextmanager
async def open_cache(
    conf: CacheConf, redis: RedisConf, *, source: str, processes: int = 1
) -> AsyncIterator[Cache | None]:
    """The cache in front of the database at ``source``, open inside the block; None if there is to be none.

    ``redis`` is the service's own, for a cache that names none. Raises InvalidValue for a configuration
    that cannot be, and Unavailable when a Redis without ``NonBlock`` does not answer.
    """
    if conf.store == "none":
        yield None
        return
    if not (conf.expiry and conf.not_found_expiry):
        raise InvalidValue(
            "Cache.Expiry, Cache.NotFoundExpiry: have to be longer than 0; for no cache set Cache.Store to "
            "`none`"
        )
    if conf.store == "memory":
        if processes > 1:
            raise InvalidValue(
                f"Cache.Store: `memory` is for one process, which cannot know what the other {processes - 1} "
                "change; set `redis` or `none`"
            )
        yield Cache(conf, MemoryStore(conf.local_size), _prefix(conf, source), local=False)
        return
    from zero_runtime.model.cache.redis_store import RedisStore

    used = conf.redis if conf.redis.host else redis
    if not used.host:
        raise InvalidValue(
            "Cache.Redis.Host: names no Redis, and neither does Redis.Host; for a cache within the "
            "process set Cache.Store to `memory`, for none to `none`"
        )
    store = RedisStore(used)
    try:
        if not used.non_block:
            try:
                await store.check()
            except OSError as error:
                raise Unavailable(str(error)) from error
        yield Cache(conf, store, _prefix(conf, source), local=True)
    finally:
        await store.close()


def _prefix(conf: CacheConf, source: str) -> str:
    """What all keys begin with: they are those of one database."""
    if conf.prefix:
        return conf.prefix
    parsed = parse_source(source)
    if not isinstance(parsed, SqliteSource):
        return f"{parsed.place}/{parsed.database}"
    if parsed.path is None:  # a database that is gone with the process
        return secrets.token_hex(8)
    return str(parsed.path.absolute())
