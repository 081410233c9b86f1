"""The store in Redis, a node or a cluster: scripts of one key each, or of several that are independent.

While Redis is away nobody asks it but a task of the store's own, which pays what is owed when Redis is back
and lets the others use it after that.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from zero_runtime.config import RedisConf
from zero_runtime.model.cache.metrics import LOST, OWED, PAID
from zero_runtime.model.cache.protocol import ELSE, LEASE, MARK, Away
from zero_runtime.observability import redis_pool_observer
from zero_runtime.observability.metrics import counter
from zero_runtime.observability.trace import current_span
from zero_runtime.redis import Script, answered, bytes_client, connections, is_wrong_type, run

T = TypeVar("T")

_PAUSES = (0.0, 0.1, 0.2, 0.4, 1.0)
"""Seconds between the attempts to reach it again; the last one is repeated."""

_CONNECTIONS = 64
"""Most of them; the client fails when it needs more than 100 to a node, so others wait."""

_AT_ONCE = 500
"""Keys of one script."""

_MOST_OWED = 100_000
"""Keys that are remembered while Redis is away, some 20 MB."""

_QUIET = 60.0
"""Seconds within which the same is not logged again."""

_LEASE = Script("""\
local held = redis.pcall("GET", KEYS[1])
if type(held) == "table" then
  return "!"
elseif held and held ~= ARGV[2] then
  return held
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[3])
return ARGV[1]
""")

_FILL = Script("""\
if redis.pcall("GET", KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
return 1
""")

_OTHERS = """\
local clock = redis.call("TIME")
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function others(held)
  local left, last = "", 0
  if held and string.sub(held, 1, 1) == "W" then
    for own, ends in string.gmatch(string.sub(held, 2), "([^:;]+):(%d+);") do
      if own ~= ARGV[1] and tonumber(ends) > now then
        left, last = left .. own .. ":" .. ends .. ";", math.max(last, tonumber(ends))
      end
    end
  end
  return left, last
end
"""

_MARK = Script(f"""\
{_OTHERS}
local own = string.format("%s:%.0f;", ARGV[1], now + ARGV[2])
for _, key in ipairs(KEYS) do
  local held = redis.pcall("GET", key)
  if type(held) ~= "table" then
    redis.call("SET", key, "W" .. others(held) .. own, "PX", ARGV[2])
  end
end
""")

_RELEASE = Script(f"""\
{_OTHERS}
for _, key in ipairs(KEYS) do
  local held = redis.pcall("GET", key)
  if type(held) ~= "table" then
    local left, last = others(held)
    if left ~= "" then
      redis.call("SET", key, "W" .. left, "PX", last - now)
    else
      redis.call("DEL", key)
    end
  end
end
""")

_recovering: ContextVar[bool] = ContextVar("recovering", default=False)
"""Whether the running task may ask Redis while it is away."""

_log = logging.getLogger("zero.cache")


class RedisStore:
    """Keeps entries in the Redis of a configuration; connections are made when they are needed."""

    def __init__(self, conf: RedisConf) -> None:
        """Raises InvalidValue when ``Host`` is not made of ``host:port``."""
        from redis.exceptions import ConnectionError, RedisClusterException, RedisError

        self.away = False
        self._conf = conf
        self._client = bytes_client(conf)
        self._pool = redis_pool_observer(conf.host, conf.type, lambda: connections(self._client))
        self._broken = ConnectionError
        self._failures = (RedisError, RedisClusterException, OSError)
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        self._owed: dict[bytes, tuple[bytes, bool]] = {}
        """Tokens, and whether a mark is owed in place of its release."""
        self._missed = b""
        """The key for which it was away."""
        self._recovery: asyncio.Task[None] | None = None
        self._told = -_QUIET
        self._owe, self._paid, self._lost = (counter(OWED), counter(PAID), counter(LOST))

    async def check(self) -> None:
        """Raises OSError when it does not answer within ``PingTimeout``."""
        await answered(self._client, self._conf)

    async def get(self, key: bytes) -> bytes | None:
        """As in `Store`."""
        try:
            held: bytes | None = await self._ask((key,), lambda: self._command("GET", key))
        except self._failures:
            self._tell("has no row under %r: another use of the same key", key)
            return ELSE
        return held

    async def lease(self, key: bytes, token: bytes, seen: bytes, lasts: float = LEASE) -> bytes:
        """As in `Store`."""
        # What is asked a second time has a token of its own: the first may still be on its way, and must not
        # come back after a writer has put an end to it.
        different = iter((token, token + b"'"))
        held: bytes = await self._ask(
            (key,), lambda: self._run(_LEASE, (key,), next(different), seen, int(lasts * 1000))
        )
        return held

    async def fill(self, key: bytes, token: bytes, entry: bytes, lasts: float) -> bool:
        """As in `Store`; one that fails does not."""
        try:
            filled = await self._ask(
                (key,), lambda: self._run(_FILL, (key,), token, entry, int(lasts * 1000))
            )
        except Away:
            return False
        return bool(filled)

    async def mark(self, keys: Iterable[bytes], token: bytes) -> bool:
        """As in `Store`."""
        return await self._all(_MARK, tuple(keys), token, int(MARK * 1000))

    async def release(self, keys: Iterable[bytes], token: bytes) -> None:
        """As in `Store`."""
        keys = tuple(keys)
        if not await self._all(_RELEASE, keys, token):
            self._remember(keys, token, marks=False)

    async def remark(self, keys: Iterable[bytes], token: bytes) -> None:
        """As in `Store`."""
        keys = tuple(keys)
        if not await self.mark(keys, token):
            self._remember(keys, token, marks=True)

    async def close(self) -> None:
        """As in `Store`; what is owed after that is lost, and logged."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.wait([self._recovery])
        asking = _recovering.set(True)
        try:
            await self._pay()
        except self._failures as error:
            self._lost.add(len(self._owed))
            _log.error(
                "Redis at %s is away: %d keys of rows that have changed could not be deleted, such as %r: %s",
                *(self._conf.host, len(self._owed), next(iter(self._owed)), error),
            )
        finally:
            _recovering.reset(asking)
        if self._pool is not None:
            self._pool.stop()
        await self._client.aclose()

    async def _ask(self, keys: Sequence[bytes], ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, or that of the second time if a connection turns out to be broken: it may have been
        since nobody used it. Raises Away."""
        if self.away:
            raise Away
        try:
            try:
                return await ask()
            except self._broken:
                return await ask()
        except self._failures as error:
            if is_wrong_type(error):
                raise
            self._failed(keys, error)
            raise Away from error

    async def _all(self, script: Script, keys: tuple[bytes, ...], *arguments: bytes | int) -> bool:
        try:
            await self._ask(keys, lambda: self._each(script, keys, *arguments))
        except Away:
            return False
        return True

    async def _each(self, script: Script, keys: Sequence[bytes], *arguments: bytes | int) -> None:
        # A script of a cluster has keys of one slot.
        size = 1 if self._conf.type == "cluster" else _AT_ONCE
        parts = (keys[at : at + size] for at in range(0, len(keys), size))
        await asyncio.gather(*(self._run(script, part, *arguments) for part in parts))

    async def _run(self, script: Script, keys: Sequence[bytes], *arguments: bytes | int) -> Any:
        return await run(self._command, script, keys, *arguments)

    async def _command(self, *arguments: bytes | str | int) -> Any:
        async with self._turns:
            if self.away and not _recovering.get():
                raise Away  # it was found to be while this one waited
            return await self._client.execute_command(*arguments)

    def _remember(self, keys: Sequence[bytes], token: bytes, *, marks: bool) -> None:
        """It is away, and its own task goes on until all of this is done."""
        self._owe.add(len(keys))
        for key in keys:
            self._owed[key] = token, marks or self._owed.get(key, (b"", False))[1]
        if (most := len(self._owed) - _MOST_OWED) > 0:
            for key in list(self._owed)[:most]:
                del self._owed[key]
            self._lost.add(most)
            self._tell("more than %d keys wait to be deleted: the oldest are forgotten", _MOST_OWED)

    def _failed(self, keys: Sequence[bytes], error: BaseException) -> None:
        if self.away:
            return
        self.away = True
        self._missed = keys[0]
        self._tell("cannot be used, so rows are read from the database: %s", str(error) or "no answer")
        self._recovery = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        _recovering.set(True)
        current_span.set(None)  # it goes on after the request that noticed
        attempt = 0
        while self.away:
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt += 1
            try:
                # What failed has to work: it may be one node of several that is away, or does not write. That
                # the key is not kept any more costs a read.
                await self._run(_RELEASE, (self._missed,), b"")
                await self._pay()
            except self._failures:
                continue
            self.away = False  # nothing can have come to be owed in between
        if attempt > 1:
            _log.info("Redis at %s can be used again", self._conf.host)

    async def _pay(self) -> None:
        """Does what is owed, until nothing is."""
        while self._owed:
            due = list(self._owed.items())[:_AT_ONCE]
            for debt, group in groupby(sorted(due, key=itemgetter(1)), key=itemgetter(1)):
                token, marks = debt
                keys = [key for key, _ in group]
                await self._each(_MARK if marks else _RELEASE, keys, token, int(MARK * 1000))
                for key in keys:
                    if self._owed.get(key) == debt:
                        del self._owed[key]
                self._paid.add(len(keys))

    def _tell(self, message: str, *arguments: object) -> None:
        now = time.monotonic()
        if now - self._told >= _QUIET:
            self._told = now
            _log.error("Redis at %s " + message, self._conf.host, *arguments)
