"""What a client asks for the addresses of servers."""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Sequence


class Resolver(abc.ABC):
    """Knows the addresses of the servers of one target."""

    def __init__(self, target: str) -> None:
        self.target = target
        """The target as configured, for messages."""

    @property
    @abc.abstractmethod
    def nothing_found(self) -> str:
        """Says what was looked at, for the error of a call that found no address."""

    @abc.abstractmethod
    def addresses(self) -> tuple[str, ...]:
        """The addresses as of now, as far as they are known without waiting.

        An address is anything that gRPC accepts as a target: ``127.0.0.1:8080``, ``dns:///user-rpc:8080``.
        """

    @abc.abstractmethod
    def watch(self) -> AsyncIterator[tuple[str, ...]]:
        """Yields the addresses, and again whenever they have changed; ends when they never will."""


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
