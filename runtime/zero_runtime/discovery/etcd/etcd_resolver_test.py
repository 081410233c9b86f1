from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.servers.etcd import PASSWORD, USER, Etcd, etcd
from zero_runtime.config import EtcdConf, RpcClientConf
from zero_runtime.discovery import resolver_for
from zero_runtime.discovery.conftest import followed, run
from zero_runtime.discovery.etcd.client import Client
from zero_runtime.discovery.etcd.resolver import EtcdResolver

A, B = "10.0.0.1:8080", "10.0.0.2:8080"


@pytest.fixture(scope="module")
def shared() -> Iterator[Etcd]:
    """For tests that leave it as it was."""
    with etcd() as server:
        yield server


def resolver(server: Etcd, key: str = "user.rpc", grace: float = 0.5) -> EtcdResolver:
    return EtcdResolver(f"etcd:///{server.host}?key={key}", EtcdConf(hosts=[server.host]), key, grace)


def test_entries_are_followed(shared: Etcd) -> None:
    async def test() -> None:
        shared.put("user.rpc/7587895612401206286", A)  # as go-zero writes it
        shared.put("user.rpcs/1", "10.0.0.9:1")  # another service
        resolver = resolver_for(RpcClientConf(target=f"etcd:///{shared.host}?key=user.rpc"))
        async with followed(resolver) as user:
            await user.until(A)
            shared.put("user.rpc/7587895612401206287", B)
            await user.until(A, B)
            shared.put("user.rpc/7587895612401206288", B)  # the same server, under its next lease
            shared.delete("user.rpc/7587895612401206287")
            shared.delete("user.rpc/7587895612401206286")
            await user.until(B)
            shared.delete("user.rpc/7587895612401206288")
            await user.until()
            assert resolver.nothing_found == (
                f"no server is registered as `user.rpc` in etcd at {shared.host}"
            )

    run(test())


def test_a_compaction_is_no_matter(shared: Etcd) -> None:
    async def test() -> None:
        shared.put("compacted.rpc/1", A)
        async with followed(resolver(shared, "compacted.rpc")) as user:
            await user.until(A)
            shared.put("compacted.rpc/2", B)
            shared.delete("compacted.rpc/1")
            shared.compact()
            await user.until(B)

    run(test())


def test_addresses_stay_while_etcd_is_away(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        with etcd() as server:
            server.put("user.rpc/1", A)
            async with followed(resolver(server)) as user:
                await user.until(A)
                await asyncio.to_thread(server.kill)
                await asyncio.sleep(1)
                assert user.seen == [(), (A,)]
                warnings = [record.getMessage() for record in caplog.records]
                assert len(warnings) == 1
                assert warnings[0].startswith(f"etcd:///{server.host}?key=user.rpc: 1 addresses stay as they")
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(server.put, "user.rpc/2", B)
                await user.until(A, B)
                assert user.seen == [(), (A,), (A, B)]

    run(test())


def test_nobody_is_taken_for_gone_right_after_etcd_lost_its_data() -> None:
    async def test() -> None:
        with etcd() as server:
            server.put("user.rpc/1", A)
            server.put("user.rpc/2", B)
            async with followed(resolver(server, grace=1.0)) as user:
                await user.until(A, B)
                await asyncio.to_thread(server.restart, empty=True)
                await asyncio.to_thread(server.put, "user.rpc/3", A)  # it registers again, B is gone indeed
                await user.until(A)
                assert user.seen == [(), (A, B), (A,)]

    run(test())


def test_who_leaves_after_an_outage_is_gone_at_once() -> None:
    async def test() -> None:
        with etcd() as server:
            server.put("user.rpc/1", A)
            server.put("user.rpc/2", B)
            async with followed(resolver(server, grace=60)) as user:
                await user.until(A, B)
                await asyncio.to_thread(server.restart)
                await asyncio.to_thread(server.put, "user.rpc/3", "10.0.0.3:8080")
                await user.until(A, B, "10.0.0.3:8080")
                server.delete("user.rpc/2")
                await user.until(A, "10.0.0.3:8080")

    run(test())


def test_a_client_starts_while_etcd_is_away() -> None:
    async def test() -> None:
        with etcd(start=False) as server:
            user = resolver(server)
            async with followed(user) as watched:
                await asyncio.sleep(0.3)
                assert user.addresses() == ()
                assert user.nothing_found.startswith(f"cannot ask etcd: {server.host}: ")
                assert "refused" in user.nothing_found
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(server.put, "user.rpc/1", A)
                await watched.until(A)

    run(test())


def test_an_etcd_that_refuses_is_not_asked_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    read = Client.read

    def counted(client: Client, prefix: bytes) -> object:
        reads.append(prefix)
        return read(client, prefix)

    monkeypatch.setattr(Client, "read", counted)

    async def test() -> None:
        with etcd() as server:
            server.ask_for_accounts()
            user = resolver(server)
            async with followed(user):
                await asyncio.sleep(1)
            assert user.nothing_found == f"cannot ask etcd: {server.host}: user name is empty"
            assert 2 <= len(reads) <= 6
            server.put("user.rpc/1", A)
            known = EtcdConf(hosts=[server.host], user=USER, pass_=PASSWORD)
            async with followed(EtcdResolver("etcd", known, "user.rpc")) as watched:
                await watched.until(A)

    run(test())
