"""What callers notice of servers that die, that are taken away and that are slow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fleet import TRANSPORTS, client, load, now, run, servers
from tests.servers.etcd import etcd
from tests.servers.process import pause

RATE = 150.0
"""Calls per second; on two cores they are nobody's burden."""

WAIT = 0.05
"""Seconds that a call takes: so that there are always some in flight."""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_killed_server_costs_the_calls_that_were_in_flight_there(transport: str, tmp_path: Path) -> None:
    async def test(host: str) -> None:
        with servers(tmp_path, *[transport] * 3, Etcd={"Hosts": [host]}) as fleet:
            for server in fleet:
                await server.behave(wait=WAIT)
            target = f"etcd:///{host}?key=target"
            async with client(Target=target) as write, client(idempotent=True, Target=target) as read:
                await asyncio.gather(write(), read())
                async with load(write, RATE) as writes, load(read, RATE / 3) as reads:
                    await asyncio.sleep(2)
                    victim = fleet[0]
                    killed = now()
                    victim.kill()
                    await asyncio.sleep(3)
        assert {call.server for call in writes.begun(0, killed)} >= {server.name for server in fleet}
        assert reads.failed == []
        # What was in flight there is lost, and what was sent there before the client could know.
        assert all(call.begun < killed + 0.1 and victim.address in str(call.error) for call in writes.failed)
        assert {call.server for call in writes.begun(killed + 1)} == {server.name for server in fleet[1:]}

    with etcd() as registry:
        run(test(registry.host))


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("registry", ["etcd", "local"])
def test_a_server_that_is_told_to_end_costs_no_call(
    transport: str, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(target: str, **conf: Any) -> None:
        with servers(tmp_path, *[transport] * 2, **conf) as fleet:
            for server in fleet:
                await server.behave(wait=WAIT)
            async with client(Target=target) as answer:
                await answer()
                async with load(answer, RATE) as calls:
                    await asyncio.sleep(1)
                    fleet[0].terminate()
                    assert await fleet[0].ended() == 0, fleet[0].log.read_text()
                    ended = now()
                    await asyncio.sleep(0.5)
        assert calls.failed == []
        assert {call.server for call in calls.begun(0, ended)} == {server.name for server in fleet}
        assert {call.server for call in calls.begun(ended)} == {fleet[1].name}

    if registry == "local":
        monkeypatch.setenv("ZERO_STATE_DIR", str(tmp_path / "state"))
        run(test("local:///target", Register="local"))
    else:
        with etcd() as members:
            run(test(f"etcd:///{members.host}?key=target", Etcd={"Hosts": [members.host]}))


def test_a_slow_server_is_spared(tmp_path: Path) -> None:
    async def test() -> None:
        with servers(tmp_path, *["http2"] * 3) as fleet:
            for server in fleet:
                await server.behave(wait=0.01)
            endpoints = [server.address for server in fleet]
            async with client(Endpoints=endpoints) as answer, load(answer, RATE) as calls:
                await asyncio.sleep(2)
                slow = fleet[0]
                await slow.behave(wait=0.4)
                slowed = now()
                await asyncio.sleep(5)
        before = [call.server for call in calls.begun(0, slowed)]
        after = [call.server for call in calls.begun(slowed + 1)]
        assert calls.failed == []
        assert before.count(slow.name) > 0.1 * len(before)
        # It still has some, to see whether it is better.
        assert 0 < after.count(slow.name) < 0.1 * len(after)

    run(test())


def test_a_server_that_hangs_costs_a_call_now_and_then(tmp_path: Path) -> None:
    """Its connections stay, so nothing but time tells that nobody is there."""

    async def test() -> None:
        with servers(tmp_path, *["http2"] * 3) as fleet:
            for server in fleet:
                await server.behave(wait=0.01)
            endpoints = [server.address for server in fleet]
            async with client(Endpoints=endpoints, Timeout=1000) as answer, load(answer, RATE) as calls:
                await asyncio.sleep(2)
                pause(fleet[0].process)
                hung = now()
                await asyncio.sleep(4)
        assert not [call for call in calls.failed if call.ended < hung]
        assert len(calls.failed) < 0.05 * len(calls.begun(hung))

    run(test())
