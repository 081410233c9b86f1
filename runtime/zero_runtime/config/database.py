"""The configuration of what a service's rows are kept in."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, DataSource
from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded
from zero_runtime.config.governance import BreakerConf, Share
from zero_runtime.config.redis import RedisConf


class DatabaseConf(Conf, kw_only=True, frozen=True):
    """``Database``: how the database of ``DataSource`` is used."""

    replicas: list[DataSource] = msgspec.field(default_factory=list)
    """Databases that hold the same, a little later; what is read outside of transactions is read there."""

    policy: Literal["round-robin", "random"] = "round-robin"
    """Which of the replicas is asked."""

    max_open: Annotated[int, msgspec.Meta(ge=1)] = 64
    """Most connections of this process to each of the servers; go-zero's number. SQLite has one that writes
    and, of a file, at most four that read."""

    max_idle: Annotated[int, msgspec.Meta(ge=0)] = 64
    """How many of them are kept while nobody uses them."""

    max_lifetime: Duration = msgspec.field(default=Duration(60.0))
    """After which time a connection that is not in use is replaced; go-zero's number. 0 is never, as always
    with SQLite."""

    wait_timeout: Duration = msgspec.field(default=Duration(5.0))
    """How long a statement waits for a connection when all are in use, and no longer than the request may
    take for which it is."""

    statement_timeout: Duration = msgspec.field(default=Duration(0.0))
    """How long the database lets one statement run; 0 is no limit but the deadline of the request. MySQL,
    unlike MariaDB, knows such a limit for what only reads."""

    slow_threshold: Duration = msgspec.field(default=Duration(0.5))
    """From which time on a statement is logged as slow; go-zero's number. 0 logs none."""

    breaker: BreakerConf = BreakerConf()
    """When a database that fails is not asked any more; each server has its own."""


class CacheConf(Conf, kw_only=True, frozen=True):
    """``Cache``: where rows of cached tables are kept that were read."""

    store: Annotated[Literal["redis", "memory", "none"], Embedded("memory")] = "redis"
    """Redis, which all processes share; this process alone; or nowhere."""

    redis: RedisConf = RedisConf()
    """The Redis; the service's own ``Redis`` when this names none."""

    prefix: str = ""
    """What all keys begin with; if empty, what tells the database: its host, port and name. Services that
    share tables and call their database by different names have to set the same."""

    expiry: Duration = msgspec.field(default=Duration(7 * 86400.0))
    """How long a row is kept; go-zero's number."""

    not_found_expiry: Duration = msgspec.field(default=Duration(60.0))
    """How long it is kept that there is no row; go-zero's number."""

    jitter: Share = 0.05
    """By which share both times differ at random, so that what was read at once does not expire at once."""

    local: Duration = msgspec.field(default=Duration(0.0))
    """How long a process may answer from its own memory what it has read from Redis: so much older than the
    database a row may be. 0 asks Redis each time."""

    local_size: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    """Most rows in that memory, or in the store ``memory``."""

    max_loads: Annotated[int, msgspec.Meta(ge=1)] = 32
    """How many reads at a time may go to the database because Redis is away; further ones wait for their
    turn."""

    load_wait: Duration = msgspec.field(default=Duration(1.0))
    """How long they wait."""
