"""The client of a configuration, at a real Redis."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Literal

import pytest

from tests.servers.process import free_port
from tests.servers.redis import RedisServer, redis
from zero_runtime.config import InvalidValue, RedisConf
from zero_runtime.config.durations import Duration
from zero_runtime.redis import Redis, Script, close, connect

ECHO = Script("return {KEYS[1], ARGV[1]}")


def test_one_client_per_configuration() -> None:
    async def test() -> None:
        one, other = RedisConf(host="127.0.0.1:1"), RedisConf(host="127.0.0.1:2")
        assert connect(one) is connect(RedisConf(host="127.0.0.1:1"))
        assert connect(one) is not connect(other)
        await close(one)
        await close(other)
        await close(other)

    asyncio.run(test())


def test_passwords_and_scripts() -> None:
    async def test(address: str) -> None:
        client = connect(RedisConf(host=address, pass_="p@ss/w"))
        await client.check()
        for _ in range(2):  # unknown to Redis at first
            assert await client.evaluate(ECHO, "key", 7) == ["key", "7"]
        await client.client.aclose()
        with pytest.raises(OSError, match=f"Redis at {address}: "):
            await connect(RedisConf(host=address)).check()
        with pytest.raises(OSError, match="invalid username-password pair"):
            await connect(RedisConf(host=address, pass_="wrong")).check()

    with redis(password="p@ss/w") as server:
        asyncio.run(test(server.address))


def test_nobody_waits_for_one_that_is_silent() -> None:
    async def test() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Redis(RedisConf(host=f"127.0.0.1:{port}", ping_timeout=Duration(0.05)))
        with pytest.raises(OSError, match=r"no answer within 0\.05 s"):
            await client.check()
        start = time.monotonic()
        assert await client.evaluate(ECHO, "key") is None
        assert 0.2 < time.monotonic() - start < 2
        start = time.monotonic()
        assert [await client.evaluate(ECHO, "key") for _ in range(5)] == [None] * 5
        assert time.monotonic() - start < 0.1
        await client.client.aclose()
        server.close()

    asyncio.run(test())


@pytest.mark.parametrize("kind", ["node", "cluster"])
def test_one_that_is_not_there(kind: Literal["node", "cluster"]) -> None:
    async def test() -> None:
        client = Redis(RedisConf(host=f"127.0.0.1:{free_port()}", type=kind))
        with pytest.raises(OSError, match="Redis at 127"):
            await client.check()
        assert await client.evaluate(ECHO, "key") is None
        await client.client.aclose()

    asyncio.run(test())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"host": "redis"}, "Redis.Host: `redis` is not `host:port`"),
        ({"host": "redis:x"}, "Redis.Host: `redis:x` is not `host:port`"),
        ({"host": "a:1,b:2"}, "Redis.Host has several addresses, which Type: cluster is for"),
    ],
)
def test_hosts_that_are_none(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Redis(RedisConf(**options))
    assert str(caught.value) == message


def test_a_connection_may_take_longer_than_the_question_that_makes_it() -> None:
    async def test(address: str) -> None:
        host, port = address.split(":")

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.4)
            there, back = await asyncio.open_connection(host, int(port))

            async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(4096):
                    sink.write(data)
                sink.close()

            await asyncio.gather(carry(reader, back), carry(there, writer))

        proxy = await asyncio.start_server(slow, "127.0.0.1", 0)
        client = connect(RedisConf(host=f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"))
        assert await client.evaluate(ECHO, "key", 7) is None
        await asyncio.sleep(0.6)
        assert await client.evaluate(ECHO, "key", 7) == ["key", "7"]
        await client.client.aclose()
        proxy.close()

    with redis() as server:
        asyncio.run(test(server.address))


def test_a_key_that_is_something_else(caplog: pytest.LogCaptureFixture) -> None:
    push = Script('return redis.call("LPUSH", KEYS[1], ARGV[1])')

    async def test(address: str) -> None:
        client = connect(RedisConf(host=address))
        await client.client.set("text", "x")
        assert await client.evaluate(push, "text", 1) is None
        assert await client.evaluate(push, "list", 1) == 1  # Redis is not taken for away
        await client.client.aclose()

    with redis() as server:
        asyncio.run(test(server.address))
    assert [
        record.getMessage().partition(": ")[2] for record in caplog.records if record.name == "zero.redis"
    ] == ["`text` is no limit: another use of the same key"]


def test_one_that_is_back_with_a_key_that_is_something_else(caplog: pytest.LogCaptureFixture) -> None:
    push = Script('return redis.call("LPUSH", KEYS[1], ARGV[1])')

    async def test(server: RedisServer) -> None:
        client = connect(RedisConf(host=server.address))
        server.stop()
        assert await client.evaluate(push, "list", 1) is None
        server.start()
        server.command("SET text x")
        await asyncio.sleep(0.15)
        assert await client.evaluate(push, "text", 1) is None
        assert await client.evaluate(push, "list", 1) == 1  # it has answered, so it is there
        await client.client.aclose()

    with caplog.at_level(logging.INFO), redis() as server:
        asyncio.run(test(server))
    assert "can be used again" in caplog.text
