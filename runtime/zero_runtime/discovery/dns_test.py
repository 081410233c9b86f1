from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from zero_runtime.discovery.dns import DnsResolver


class Names:
    """What names stand for, in place of the machine's resolver."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.looks = 0

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.looks += 1
        if not self.hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (found, port, 0, 0))
                if ":" in found
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))
            )
            for found in self.hosts
        ]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names("10.0.0.2", "10.0.0.1", "10.0.0.2", "fd00::1")
    monkeypatch.setattr(socket, "getaddrinfo", names)
    return names


def resolver(interval: float) -> DnsResolver:
    return DnsResolver("dns:///user-rpc:80", "user-rpc", 80, interval=interval, shortest=0.02)


def run(test: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


def test_the_machine_itself_is_asked() -> None:
    async def test() -> None:
        changes = DnsResolver("dns:///localhost:80", "localhost", 80).watch()
        assert "127.0.0.1:80" in await anext(changes)

    run(test)


def test_all_addresses_are_found_and_looked_up_again(names: Names) -> None:
    async def test() -> None:
        user = resolver(interval=0.04)
        assert user.addresses() == ()
        changes = user.watch()
        assert await anext(changes) == ("10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80")
        names.hosts = ("10.0.0.3",)
        assert await anext(changes) == ("10.0.0.3:80",)
        assert user.addresses() == ("10.0.0.3:80",)

    run(test)


def test_addresses_known_last_stay_while_nobody_can_be_asked(
    names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        user = resolver(interval=0.04)
        changes = user.watch()
        known = await anext(changes)
        names.hosts = ()
        upcoming = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.3)
        assert user.addresses() == known
        assert [record.getMessage() for record in caplog.records] == [
            "dns:///user-rpc:80: cannot be looked up, the known addresses stay: Name or service not known"
        ]
        names.hosts = ("10.0.0.3",)
        assert await upcoming == ("10.0.0.3:80",)

    run(test)


def test_a_name_that_is_unknown_is_asked_for_until_it_is_known(names: Names) -> None:
    async def test() -> None:
        names.hosts = ()
        user = resolver(interval=60)
        upcoming = asyncio.ensure_future(anext(user.watch()))
        await asyncio.sleep(0.3)
        assert user.nothing_found == "cannot look up `user-rpc`: Name or service not known"
        assert 2 <= names.looks <= 6
        names.hosts = ("10.0.0.3",)
        assert await upcoming == ("10.0.0.3:80",)

    run(test)


def test_failing_connections_make_it_look_at_once_but_not_all_the_time(names: Names) -> None:
    async def test() -> None:
        user = resolver(interval=60)
        changes = user.watch()
        await anext(changes)
        names.hosts = ("10.0.0.3",)
        user.look_again()
        assert await anext(changes) == ("10.0.0.3:80",)
        upcoming = asyncio.ensure_future(anext(changes))
        before = names.looks
        for _ in range(50):
            user.look_again()
            await asyncio.sleep(0.002)
        assert 2 <= names.looks - before <= 8  # one in 0.02 s at most
        upcoming.cancel()

    run(test)
