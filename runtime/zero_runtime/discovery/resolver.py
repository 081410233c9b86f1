"""What a client asks for the addresses of servers."""

from __future__ import annotations

import abc
import re
from collections.abc import AsyncIterator, Sequence

ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s\[\]:/,]+):([0-9]{1,5})")
"""``host:port``, an address of version 6 of IP in brackets."""


class Resolver(abc.ABC):
    """Knows the addresses of the servers of one target."""

    def __init__(self, target: str) -> None:
        self.target = target
        """The target as configured, for messages."""

        self.server_name = ""
        """What certificates of servers are for, if addresses do not say it: the host that was looked up."""

    @property
    @abc.abstractmethod
    def nothing_found(self) -> str:
        """Says what was looked at, for the error of a call that found no address."""

    @abc.abstractmethod
    def addresses(self) -> tuple[str, ...]:
        """The addresses as of now, as far as they are known without waiting.

        Each is that of one server: ``127.0.0.1:8080``, ``[::1]:8080``, ``user-rpc:8080``, ``unix:/path``.
        """

    @abc.abstractmethod
    def watch(self) -> AsyncIterator[tuple[str, ...]]:
        """Yields the addresses, and again whenever they have changed; ends when they never will.

        What it opens (connections, tasks) is closed with it, or when the task that waits for it is cancelled.
        """

    def look_again(self) -> None:  # noqa: B027 -- most are told of changes, so they need not look
        """Says that connections fail, so that the addresses may be old. Calling it often does no harm."""


class FixedResolver(Resolver):
    """Addresses that never change."""

    def __init__(self, target: str, addresses: Sequence[str]) -> None:
        super().__init__(target)
        self._addresses = tuple(dict.fromkeys(addresses))

    @property
    def nothing_found(self) -> str:
        return "it names no address"

    def addresses(self) -> tuple[str, ...]:
        return self._addresses

    async def watch(self) -> AsyncIterator[tuple[str, ...]]:
        yield self._addresses
