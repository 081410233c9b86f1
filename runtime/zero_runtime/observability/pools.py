"""What is told of pools of connections, to databases and to Redis. Names and labels are go-zero's.

How many there are is looked up once a second, which costs those who borrow connections nothing and is more
often than anybody scrapes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import NamedTuple

from zero_runtime.observability.metrics import Counter, Family, Gauge, Metrics

_INTERVAL = 1.0
"""Seconds between two looks."""

_SQL = ("db_name", "hash")
_REDIS = ("key", "client_type")

_SQL_GAUGES = (
    Family("sql_client_max_open_connections", "Most connections to the database.", _SQL, gauge=True),
    Family("sql_client_open_connections", "Connections to the database.", _SQL, gauge=True),
    Family("sql_client_in_use_connections", "Those of them that are in use.", _SQL, gauge=True),
    Family("sql_client_idle_connections", "Those of them that nobody uses.", _SQL, gauge=True),
)
_WAITS = Family("sql_client_wait_count_total", "How often a connection was waited for.", _SQL)
_WAITED = Family("sql_client_wait_duration_seconds_total", "For how long altogether.", _SQL)
_TOO_MANY = Family("sql_client_max_idle_closed_total", "Connections closed since too many were idle.", _SQL)
_TOO_OLD = Family("sql_client_max_lifetime_closed_total", "Connections closed because of their age.", _SQL)

_REDIS_GAUGES = (
    Family("redis_client_pool_conn_total_current", "Connections to Redis.", _REDIS, gauge=True),
    Family("redis_client_pool_conn_idle_current", "Those of them that nobody uses.", _REDIS, gauge=True),
)


class State(NamedTuple):
    """How many connections there are in a pool."""

    open: int
    idle: int


class _Watch:
    """Adds to gauges what there is, and corrects it once a second until `stop`.

    Several pools may be told of by the same gauges: a service's Redis may also be its cache.
    """

    def __init__(self, gauges: tuple[Gauge, ...], look: Callable[[], tuple[int, ...]]) -> None:
        self._gauges = gauges
        self._look = look
        self._told = (0,) * len(gauges)
        self._loop = asyncio.get_running_loop()
        self._again()

    def _again(self) -> None:
        self._tell(self._look())
        self._timer = self._loop.call_later(_INTERVAL, self._again)

    def _tell(self, numbers: tuple[int, ...]) -> None:
        for gauge, number, told in zip(self._gauges, numbers, self._told, strict=True):
            gauge.add(number - told)
        self._told = numbers

    def stop(self) -> None:
        """The pool is no more."""
        self._timer.cancel()
        self._tell((0,) * len(self._gauges))


class SqlPoolObserver:
    """Tells of the connections to one database."""

    __slots__ = ("_waited", "_waits", "_watch", "too_many", "too_old")

    def __init__(self, metrics: Metrics, target: str, most: int, look: Callable[[], State]) -> None:
        """``target`` is the place of the database, without passwords; ``most`` is how many connections
        there may be. Wants a running loop."""
        labels = target.rpartition("/")[2] or target, hashlib.sha256(target.encode()).hexdigest()[:8]

        def numbers() -> tuple[int, ...]:
            state = look()
            return most, state.open, state.open - state.idle, state.idle

        self._watch = _Watch(tuple(metrics.gauge(each, *labels) for each in _SQL_GAUGES), numbers)
        self._waits = metrics.counter(_WAITS, *labels)
        self._waited = metrics.counter(_WAITED, *labels)
        self.too_many: Counter = metrics.counter(_TOO_MANY, *labels)
        self.too_old: Counter = metrics.counter(_TOO_OLD, *labels)

    def waited(self, seconds: float) -> None:
        """A connection was waited for, so long."""
        self._waits.add()
        self._waited.add(seconds)

    def stop(self) -> None:
        """The pool is closed."""
        self._watch.stop()


class RedisPoolObserver:
    """Tells of the connections to one Redis."""

    __slots__ = ("_watch",)

    def __init__(self, metrics: Metrics, target: str, kind: str, look: Callable[[], State]) -> None:
        """``target`` is where it is, ``kind`` is ``node`` or ``cluster``. Wants a running loop."""
        gauges = tuple(metrics.gauge(each, target, kind) for each in _REDIS_GAUGES)
        self._watch = _Watch(gauges, look)

    def stop(self) -> None:
        """The client is closed."""
        self._watch.stop()
