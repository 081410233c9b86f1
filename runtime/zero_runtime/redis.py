"""Redis: one client per configuration, and what it does for limits while it is away.

redis-py is loaded with the first connection: a service without Redis does not pay for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from zero_runtime.config import InvalidValue, RedisConf
from zero_runtime.observability import State, redis_observer, redis_pool_observer

if TYPE_CHECKING:
    from redis.asyncio import Redis as Node
    from redis.asyncio.cluster import RedisCluster

_CONNECT, _ANSWER = 5.0, 3.0
"""Seconds that a connection and an answer may take; those of go-redis."""

_DECIDE = 0.25
"""Seconds that a script may take: who waits for it is a request that wants to know whether it may come in."""

_PAUSE = 0.1
"""Seconds for which it is left alone after it failed; go-zero asks again as often."""

_CACHE_CONNECT, _CACHE_ANSWER = 1.0, 0.25
"""The same of a cache, which there is a database behind."""

_WRONG_TYPE = "WRONGTYPE"
"""What the error says of a key that holds something of another kind."""

Client = TypeVar("Client", "Node", "RedisCluster")

_log = logging.getLogger("zero.redis")


class Script:
    """A Lua script, which Redis knows by its digest once it has run it."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Redis:
    """The Redis of a configuration, a node or a cluster; connections are made when they are needed."""

    def __init__(self, conf: RedisConf) -> None:
        """Raises `InvalidValue` when ``Host`` is not made of ``host:port``."""
        self._conf = conf
        self.client: Node | RedisCluster = _client(conf)
        """The client itself, for whatever else there is to do with it."""
        self._pool = redis_pool_observer(conf.host, conf.type, lambda: connections(self.client))
        self._away_until = 0.0
        self._away = False

    async def check(self) -> None:
        """Raises OSError when it does not answer within ``PingTimeout``."""
        await answered(self.client, self._conf)

    async def close(self) -> None:
        """Closes its connections."""
        if self._pool is not None:
            self._pool.stop()
        await self.client.aclose()

    async def evaluate(self, script: Script, key: str, *arguments: float) -> Any:
        """What a script returns that is about one key; None while Redis is away.

        Whoever is first to find out waits for it a quarter of a second; nobody does in the tenth after that.
        """
        from redis.exceptions import RedisClusterException, RedisError

        if self._away:
            now = time.monotonic()
            if now < self._away_until:
                return None
            self._away_until = now + _PAUSE + _DECIDE  # one asks; others shall not wait as well
        # It goes on when it takes longer: a connection may need more time than its first user has.
        asking = asyncio.create_task(self._run(script, key, arguments))
        asking.add_done_callback(_forget)
        try:
            async with asyncio.timeout(_DECIDE):
                answer = await asyncio.shield(asking)
        except (RedisError, RedisClusterException, OSError) as error:
            if is_wrong_type(error):
                self._is_back()
                _log.error("Redis at %s: `%s` is no limit: another use of the same key", self._conf.host, key)
                return None
            if not self._away:
                self._away = True
                reason = str(error) or f"no answer within {_DECIDE:g} s"
                _log.error(
                    "Redis at %s cannot be used, so limits hold per process: %s", self._conf.host, reason
                )
            self._away_until = time.monotonic() + _PAUSE
            return None
        self._is_back()
        return answer

    def _is_back(self) -> None:
        if self._away:
            self._away = False
            _log.info("Redis at %s can be used again", self._conf.host)

    async def _run(self, script: Script, key: str, arguments: tuple[float, ...]) -> Any:
        return await run(self.client.execute_command, script, (key,), *arguments)


def _forget(asking: asyncio.Task[Any]) -> None:
    """What became of a question that nobody waits for any more is nobody's business."""
    if not asking.cancelled():
        asking.exception()


async def run(
    execute: Callable[..., Awaitable[Any]], script: Script, keys: Sequence[str | bytes], *arguments: Any
) -> Any:
    """What a script returns; ``execute`` does one command."""
    from redis.exceptions import NoScriptError

    rest = len(keys), *keys, *arguments
    try:
        return await execute("EVALSHA", script.digest, *rest)
    except NoScriptError:
        return await execute("EVAL", script.text, *rest)


def is_wrong_type(error: BaseException) -> bool:
    """Whether it answered, namely that a key holds something of another kind."""
    return _WRONG_TYPE in str(error)


async def answered(client: Node | RedisCluster, conf: RedisConf) -> None:
    """Raises OSError when it does not answer within ``PingTimeout``."""
    from redis.exceptions import RedisClusterException, RedisError

    try:
        async with asyncio.timeout(conf.ping_timeout):
            await client.ping()
    except (RedisError, RedisClusterException, OSError) as error:
        reason = str(error) or f"no answer within {conf.ping_timeout:g} s"
        raise OSError(f"Redis at {conf.host}: {reason}") from error


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[RedisConf, Redis]] = WeakKeyDictionary()


def connect(conf: RedisConf) -> Redis:
    """The Redis of this configuration: the same for all who ask in the running loop, until `close`.

    Raises `InvalidValue` when ``Host`` is not made of ``host:port``.
    """
    known = _open.setdefault(asyncio.get_running_loop(), {})
    if conf not in known:
        known[conf] = Redis(conf)
    return known[conf]


async def close(conf: RedisConf) -> None:
    """Closes its connections, if there are any."""
    redis = _open.get(asyncio.get_running_loop(), {}).pop(conf, None)
    if redis is not None:
        await redis.close()


def bytes_client(conf: RedisConf) -> Node | RedisCluster:
    """A client of its own that answers bytes, for a cache: it waits less for an answer, and repeats nothing.

    Raises `InvalidValue` when ``Host`` is not made of ``host:port``.
    """
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return _client(
        conf,
        decode_responses=False,
        socket_connect_timeout=_CACHE_CONNECT,
        socket_timeout=_CACHE_ANSWER,
        retry=Retry(NoBackoff(), 0),
    )


def _client(conf: RedisConf, **different: Any) -> Node | RedisCluster:
    from redis.asyncio import Redis as Node
    from redis.asyncio.cluster import ClusterNode, RedisCluster
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    addresses = [_address(each.strip()) for each in conf.host.split(",")]
    options: dict[str, Any] = {
        "username": conf.user or None,
        "password": conf.pass_ or None,
        "ssl": conf.tls,
        "protocol": conf.protocol,
        "socket_connect_timeout": _CONNECT,
        "socket_timeout": _ANSWER,
        "decode_responses": True,
        "retry": Retry(NoBackoff(), 1),  # for connections that broke while nobody used them
        **different,
    }
    if conf.type == "cluster":
        nodes = [ClusterNode(host, port) for host, port in addresses]
        return _observed(RedisCluster(startup_nodes=nodes, **options), conf)
    if len(addresses) > 1:
        raise InvalidValue("Redis.Host has several addresses, which Type: cluster is for")
    host, port = addresses[0]
    return _observed(Node(host=host, port=port, **options), conf)


def _observed(client: Client, conf: RedisConf) -> Client:
    if observer := redis_observer(conf.host):
        observer.watch(client)
    return client


def connections(client: Node | RedisCluster) -> State:
    """How many connections it has: redis-py tells it nobody."""
    from redis.asyncio import Redis as Node

    if isinstance(client, Node):
        pool: Any = client.connection_pool
        idle = len(pool._available_connections)
        return State(idle + len(pool._in_use_connections), idle)
    nodes: list[Any] = client.get_nodes()
    return State(sum(len(each._connections) for each in nodes), sum(len(each._free) for each in nodes))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidValue(f"Redis.Host: `{text}` is not `host:port`")
    return host.strip("[]"), int(port)
