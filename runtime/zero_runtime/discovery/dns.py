"""Names that DNS knows, looked up again and again, so that a balancer sees every address of theirs."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

from zero_runtime.discovery.backoff import Backoff
from zero_runtime.discovery.resolver import Resolver

INTERVAL = 10.0
"""Seconds between two looks: how late a new server gets its first call. Looking does not block the loop."""

SHORTEST = 1.0
"""Seconds between two looks at least, however many connections fail."""

_log = logging.getLogger("zero.discovery")


class DnsResolver(Resolver):
    """All addresses of a host, with one port. While nobody can be asked, those known last stay."""

    def __init__(
        self, target: str, host: str, port: int, interval: float = INTERVAL, shortest: float = SHORTEST
    ) -> None:
        super().__init__(target)
        self.server_name = host
        self._port = port
        self._interval = interval
        self._shortest = shortest
        self._known: tuple[str, ...] = ()
        self._failure = "not looked up yet"
        self._asked = asyncio.Event()

    @property
    def nothing_found(self) -> str:
        return f"cannot look up `{self.server_name}`: {self._failure}"

    def addresses(self) -> tuple[str, ...]:
        return self._known

    def look_again(self) -> None:
        self._asked.set()

    async def watch(self) -> AsyncIterator[tuple[str, ...]]:
        backoff = Backoff()
        while True:
            known, self._known = self._known, await self._look() or self._known
            if self._known != known:
                yield self._known
            if self._known:
                await asyncio.sleep(self._shortest)
                await self._pause(self._interval - self._shortest)
            else:
                await backoff.wait()

    async def _pause(self, longest: float) -> None:
        """Until the next look is due, or somebody asks for one."""
        try:
            async with asyncio.timeout(longest):
                await self._asked.wait()
        except TimeoutError:
            pass
        self._asked.clear()

    async def _look(self) -> tuple[str, ...]:
        """The addresses, sorted; none if that cannot be found out."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self.server_name, self._port, type=socket.SOCK_STREAM
            )
        except OSError as error:
            failure = error.strerror or str(error)
            if self._known and failure != self._failure:
                _log.warning("%s: cannot be looked up, the known addresses stay: %s", self.target, failure)
            self._failure = failure
            return ()
        self._failure = ""
        hosts = {f"[{at[0]}]" if family == socket.AF_INET6 else str(at[0]) for family, *_, at in found}
        return tuple(sorted(f"{host}:{self._port}" for host in hosts))
