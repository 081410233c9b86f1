"""Cached reads: what a hit costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from redis.asyncio import Redis

from bench.model.contenders import Place, key
from bench.model.contract_model import Account, AccountModel
from bench.model.rounds import Work
from zero_runtime import model
from zero_runtime.config import CacheConf, RedisConf
from zero_runtime.config.durations import Duration


@asynccontextmanager
async def by_hand(place: Place, address: str) -> AsyncIterator[Work]:
    """What a careful person writes: GET, and msgspec's decoder of the row."""
    host, _, port = address.partition(":")
    decode = msgspec.msgpack.Decoder(Account).decode
    redis = Redis(host=host, port=int(port))
    async with model.open_database(place.zero) as database:
        accounts = AccountModel(database)
        for number in range(1, 1001):
            row = await accounts.find_one(number)
            await redis.set(f"hand:{number}", msgspec.msgpack.encode(row), px=3_600_000)

    async def find(number: int) -> Account:
        held = await redis.get(f"hand:{key(number)}")
        assert isinstance(held, bytes)
        return decode(held)

    yield find
    await redis.aclose()


@asynccontextmanager
async def zero(place: Place, address: str, local: float = 0.0) -> AsyncIterator[Work]:
    """Zero, with ``local`` seconds of its memory in front of Redis."""
    conf = CacheConf(store="redis", redis=RedisConf(host=address), local=Duration(local))
    async with (
        model.open_cache(conf, RedisConf(), source=place.zero) as cache,
        model.open_database(place.zero, cache=cache) as database,
    ):
        accounts = AccountModel(database)
        yield lambda number: accounts.find_one(key(number))
