"""How a client chooses the server of a call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from zero_runtime.rpc.client.balancer.load import Load


class Node(Protocol):
    """A server to choose."""

    @property
    def address(self) -> str: ...

    @property
    def ready(self) -> bool:
        """Whether it can take a call."""

    @property
    def load(self) -> Load: ...


NodeT = TypeVar("NodeT", bound=Node)


class Balancer(Protocol[NodeT]):
    """Chooses among the servers of a target."""

    def update(self, nodes: Sequence[NodeT]) -> None:
        """These are all there are, from now on."""

    def pick(self, hash_key: str, tried: Collection[NodeT]) -> NodeT | None:
        """One that is ready and was not ``tried``; None when there is none."""
