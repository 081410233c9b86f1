"""What the steps do that `protocol` is made of, in every store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.servers.redis import RedisServer
from zero_runtime.config import CacheConf, RedisConf
from zero_runtime.model.cache import protocol, redis_store
from zero_runtime.model.cache.memory import MemoryStore
from zero_runtime.model.cache.protocol import ELSE, Store, is_lease, is_mark, lease_of, tokens
from zero_runtime.model.cache.redis_store import RedisStore

Test = Callable[[Store], Awaitable[None]]
Run = Callable[[Test], None]
KEY, OTHER = b"test:store:1", b"test:store:2"
FIRST, SECOND = lease_of(b"first"), lease_of(b"second")


@pytest.fixture
def run(conf: CacheConf) -> Run:
    """Runs a test with an empty store."""

    async def opened(test: Test) -> None:
        store = MemoryStore(100) if conf.store == "memory" else RedisStore(conf.redis)
        try:
            await test(store)
        finally:
            await store.close()

    return lambda test: asyncio.run(opened(test))


def test_tokens_and_kinds() -> None:
    make, others = tokens(), tokens()
    made = [make() for _ in range(100)] + [others() for _ in range(100)]
    assert len(set(made)) == 200
    assert is_lease(lease_of(made[0])) and not is_mark(lease_of(made[0]))
    assert is_mark(protocol.with_mark(None, b"a", 0)) and not is_lease(protocol.with_mark(None, b"a", 0))


def test_a_lease_is_filled_once(run: Run) -> None:
    async def test(store: Store) -> None:
        assert await store.get(KEY) is None
        assert await store.lease(KEY, FIRST, b"") == FIRST
        assert await store.lease(KEY, SECOND, b"") == FIRST
        assert not await store.fill(KEY, SECOND, b"Rx", 60)
        assert await store.fill(KEY, FIRST, b"Rx", 60)
        assert not await store.fill(KEY, FIRST, b"Ry", 60)
        assert await store.get(KEY) == b"Rx"
        assert await store.lease(KEY, SECOND, b"Ry") == b"Rx"
        assert await store.lease(KEY, SECOND, b"Rx") == SECOND

    run(test)


def test_a_mark_ends_leases_and_entries(run: Run) -> None:
    async def test(store: Store) -> None:
        await store.lease(KEY, FIRST, b"")
        assert await store.mark([KEY, OTHER], b"w")
        assert not await store.fill(KEY, FIRST, b"Rx", 60)
        for key in (KEY, OTHER):
            held = await store.get(key)
            assert held is not None and is_mark(held)
            assert await store.lease(key, SECOND, b"") == held
        await store.release([KEY, OTHER], b"w")
        assert await store.get(KEY) is await store.get(OTHER) is None
        assert not await store.fill(KEY, FIRST, b"Rx", 60)

    run(test)


def test_the_last_of_several_writers_frees_a_key(run: Run) -> None:
    async def test(store: Store) -> None:
        for token in (b"one", b"two", b"three"):
            await store.mark([KEY], token)
        await store.mark([KEY], b"two")  # again, as after a broken connection
        for token in (b"three", b"one", b"one"):
            await store.release([KEY], token)
            held = await store.get(KEY)
            assert held is not None and is_mark(held)
        await store.release([KEY], b"two")
        assert await store.get(KEY) is None

    run(test)


def test_a_release_without_a_mark_deletes(run: Run) -> None:
    async def test(store: Store) -> None:
        for held in (FIRST, b"Rx"):
            await store.lease(KEY, FIRST, b"")
            if held != FIRST:
                await store.fill(KEY, FIRST, held, 60)
            await store.release([KEY], b"w")
            assert await store.get(KEY) is None

    run(test)


def test_everything_ends_by_itself(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_store, "MARK", 0.2)
    monkeypatch.setattr("zero_runtime.model.cache.memory.MARK", 0.2)
    monkeypatch.setattr(protocol, "MARK", 0.2)

    async def test(store: Store) -> None:
        await store.lease(KEY, FIRST, b"")
        await store.fill(KEY, FIRST, b"Rx", 0.1)
        await store.lease(OTHER, FIRST, b"", 0.1)
        assert None not in (await store.get(KEY), await store.get(OTHER))
        await asyncio.sleep(0.12)
        assert await store.get(KEY) is await store.get(OTHER) is None
        await store.mark([KEY], b"dies")
        await asyncio.sleep(0.12)
        await store.mark([KEY], b"lives")
        await asyncio.sleep(0.12)
        await store.release([KEY], b"lives")  # the mark of the dead one is not kept alive by others
        assert await store.get(KEY) is None

    run(test)


def test_many_keys_at_once(run: Run) -> None:
    async def test(store: Store) -> None:
        keys = [b"test:many:%d" % number for number in range(1200 if isinstance(store, RedisStore) else 90)]
        assert await store.mark(keys, b"w")
        assert all([is_mark(await store.get(key) or b"") for key in keys[::37]])
        await store.release(keys, b"w")
        assert [await store.get(key) for key in keys[::37]] == [None] * len(keys[::37])

    run(test)


def test_the_store_in_memory_has_a_size() -> None:
    async def test() -> None:
        store = MemoryStore(2)
        for key in (b"1", b"2", b"1", b"3"):
            await store.lease(key, FIRST, b"")
        assert [await store.get(key) for key in (b"1", b"2", b"3")] == [FIRST, None, FIRST]

    asyncio.run(test())


def test_a_key_that_is_something_else(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        store = RedisStore(RedisConf(host=redis_server.address))
        redis_server.command("FLUSHALL")
        redis_server.command(f"LPUSH {KEY.decode()} x")
        assert await store.get(KEY) == ELSE
        assert await store.lease(KEY, FIRST, ELSE) == ELSE
        assert not await store.fill(KEY, FIRST, b"Rx", 60)
        assert await store.mark([KEY, OTHER], b"w")
        await store.release([KEY, OTHER], b"w")
        assert b"list" in redis_server.command(f"TYPE {KEY.decode()}")
        assert not store.away
        await store.close()

    asyncio.run(test())
    assert "another use of the same key" in caplog.text


def test_a_lease_that_arrives_late_and_twice_lets_nobody_fill(redis_server: RedisServer) -> None:
    """The connection breaks, it is repeated, and a writer comes and goes before the first one is there."""
    late: list[bytes] = []

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if b"EVALSHA" in data and not late:
                late.append(data)
                break
            sink.write(data)
        sink.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", redis_server.port)
        await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)

    async def test() -> None:
        redis_server.command("FLUSHALL")
        writer = RedisStore(RedisConf(host=redis_server.address))
        await writer.lease(OTHER, FIRST, b"")  # from now on Redis knows the script
        proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader = RedisStore(RedisConf(host=f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"))
        held = await reader.lease(KEY, FIRST, b"")
        assert late and is_lease(held)
        await writer.mark([KEY], b"w")
        await writer.release([KEY], b"w")
        there, back = await asyncio.open_connection("127.0.0.1", redis_server.port)
        back.write(late[0])
        await there.read(1)
        assert not await reader.fill(KEY, held, b"Rold", 60)
        back.close()
        for store in (reader, writer):
            await store.close()
        proxy.close()

    asyncio.run(test())
