from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing

import pytest

from tests.servers.etcd import Etcd, etcd
from zero_runtime.config import EtcdConf
from zero_runtime.discovery.etcd import client as module
from zero_runtime.discovery.etcd import etcd_pb2, members
from zero_runtime.discovery.etcd.client import Change, Client, EtcdAway, EtcdError, LeaseLost, after


@pytest.fixture(scope="module")
def server() -> Iterator[Etcd]:
    with etcd() as server:
        yield server


def run(server: Etcd, test: Callable[[Client], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with asyncio.timeout(30), aclosing(Client(EtcdConf(hosts=[server.host]))) as client:
            await test(client)

    asyncio.run(opened())


def test_what_is_written_is_read_with_its_revision(server: Etcd) -> None:
    async def test(client: Client) -> None:
        lease = await client.grant(60)
        first = await client.put(b"read/1", b"a", lease)
        second = await client.put(b"read/2", b"b", lease)
        await client.put(b"ready", b"c", lease)
        found, revision = await client.read(b"read/")
        assert found == {b"read/1": b"a", b"read/2": b"b"}
        assert first < second < revision
        await client.revoke(lease)
        assert (await client.read(b"read"))[0] == {}

    run(server, test)


def test_a_lease_that_has_ended_is_told_from_other_mistakes(server: Etcd) -> None:
    async def test(client: Client) -> None:
        lease = await client.grant(60)
        await client.keep_alive(lease)
        await client.revoke(lease)
        await client.revoke(lease)
        with pytest.raises(LeaseLost):
            await client.keep_alive(lease)
        with pytest.raises(LeaseLost):
            await client.put(b"lost", b"a", lease)
        with pytest.raises(EtcdError, match="key is not provided") as caught:
            await client.put(b"", b"a", 0)
        assert not isinstance(caught.value, LeaseLost | EtcdAway)

    run(server, test)


def test_a_watch_tells_what_has_happened_since(server: Etcd) -> None:
    async def test(client: Client) -> None:
        _, revision = await client.read(b"watched/")
        server.put("watched/1", "a")
        server.put("watch", "not below it")
        async with aclosing(client.watch(b"watched/", revision + 1)) as changes:
            assert await anext(changes) == [Change(b"watched/1", b"a")]
            server.put("watched/1", "b")
            assert await anext(changes) == [Change(b"watched/1", b"b")]
            server.delete("watched/1")
            assert await anext(changes) == [Change(b"watched/1", None)]

    run(server, test)


def test_a_watch_from_before_a_compaction_says_so(server: Etcd) -> None:
    async def test(client: Client) -> None:
        server.put("compacted/1", "a")
        server.put("compacted/1", "b")
        server.compact()
        _, revision = await client.read(b"compacted/")
        with pytest.raises(EtcdError, match=f"what happened before revision {revision} was compacted"):
            await anext(client.watch(b"compacted/", 1))

    run(server, test)


def test_an_etcd_that_hangs_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_TIMEOUT", 0.2)

    async def test(client: Client) -> None:
        await client.read(b"x")
        hanging.pause()
        with pytest.raises(EtcdAway, match=f"{hanging.host}: Deadline Exceeded"):
            await client.read(b"x")
        with pytest.raises(EtcdAway, match=rf"{hanging.host}: no answer within 0\.2 s"):
            await anext(client.watch(b"x", 1))
        hanging.go_on()

    with etcd() as hanging:
        run(hanging, test)


def test_a_watch_of_an_etcd_that_hangs_does_not_go_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = {"grpc.keepalive_time_ms": 200, "grpc.http2.ping_timeout_ms": 200}
    monkeypatch.setattr(members, "_OPTIONS", tuple({**dict(members._OPTIONS), **hasty}.items()))

    async def test(client: Client) -> None:
        async with aclosing(client.watch(b"x", 0)) as changes:
            upcoming = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0.1)
            hanging.pause()
            with pytest.raises(EtcdAway, match="ping timeout"):
                await asyncio.wait_for(upcoming, 5)
            hanging.go_on()

    with etcd() as hanging:
        run(hanging, test)


def test_the_first_key_behind_a_prefix() -> None:
    assert after(b"user/") == b"user0"
    assert b"user/\xff\xff" < after(b"user/") < b"user0\0"


def test_messages_do_not_clash_with_those_of_users() -> None:
    """A process has one file and one package of a name: `auth.proto` is not ours to take."""
    assert etcd_pb2.DESCRIPTOR.name == "zero_runtime/discovery/etcd/etcd.proto"
    assert etcd_pb2.DESCRIPTOR.package == "zero_runtime.discovery.etcd"
