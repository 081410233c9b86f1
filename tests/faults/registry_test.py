"""An etcd that goes away for a while and has forgotten everything when it is back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.fleet import client, load, now, run, servers, until
from tests.servers.etcd import Etcd, etcd

AWAY = 60.0
"""Seconds: six times the life of a lease, and longer than any pause between two attempts."""

BACK = 15.0
"""Seconds in which everybody has to be registered again."""


def test_calls_go_on_without_etcd_and_all_register_again(tmp_path: Path) -> None:
    async def test(registry: Etcd) -> None:
        conf = {"Etcd": {"Hosts": [registry.host]}}
        with servers(tmp_path, "http2", "http2", "grpcio", **conf) as fleet:
            addresses = {server.address for server in fleet}
            names = {server.name for server in fleet}

            def registered() -> bool:
                return set(registry.entries("target/").values()) == addresses

            await until(registered, 10)
            async with client(Target=f"etcd:///{registry.host}?key=target") as answer:
                await answer()
                async with load(answer, 30) as calls:
                    await asyncio.sleep(1)
                    registry.kill()
                    await asyncio.sleep(AWAY)
                    await asyncio.to_thread(registry.restart, empty=True)
                    await until(registered, BACK)
                    back = now()
                    await asyncio.sleep(1)
                    # Whom it knows by what is registered, and not by what it remembers.
                    fleet[0].terminate()
                    assert await fleet[0].ended() == 0
                    ended = now()
                    await asyncio.sleep(1)
            assert calls.failed == []
            assert {call.server for call in calls.begun(back, ended)} == names
            assert {call.server for call in calls.begun(ended)} == names - {fleet[0].name}
            assert set(registry.entries("target/").values()) == addresses - {fleet[0].address}

    with etcd() as registry:
        run(test(registry), AWAY + 60)
