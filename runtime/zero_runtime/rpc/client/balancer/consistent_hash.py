"""``consistent_hash``: calls of one key go to one server, and few keys move when servers come and go.

Every server has 100 points on a ring, ``murmur3(address + "0")`` to ``murmur3(address + "99")``, and takes
the keys whose hash lies between the point before and its own. These are go-zero's numbers and its hash
(core/hash), so clients in Go and Python choose the same server. The keys of a server that is away go to the
next points, and come back with it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Generic

from zero_runtime.errors import Internal
from zero_runtime.rpc.client.balancer import NodeT
from zero_runtime.rpc.client.balancer.murmur3 import sum64

REPLICAS = 100
"""Points of a server."""


class ConsistentHash(Generic[NodeT]):
    """See the module."""

    def __init__(self) -> None:
        self._points: Sequence[int] = ()
        self._nodes: Sequence[NodeT] = ()

    def update(self, nodes: Sequence[NodeT]) -> None:
        ring = sorted((point, index) for index, node in enumerate(nodes) for point in _points(node.address))
        self._points = [point for point, _ in ring]
        self._nodes = [nodes[index] for _, index in ring]

    def pick(self, hash_key: str, tried: Collection[NodeT]) -> NodeT | None:
        """The first that is ready and was not ``tried``, from the key on. Raises Internal without a key."""
        if not hash_key:
            raise Internal(
                "the balancer consistent_hash needs the `hash_key` of the call: login(request, hash_key=...)"
            )
        start = bisect_left(self._points, sum64(hash_key.encode()))
        nodes = self._nodes
        for step in range(len(nodes)):
            node = nodes[(start + step) % len(nodes)]
            if node.ready and node not in tried:
                return node
        return None


@lru_cache(maxsize=1024)
def _points(address: str) -> tuple[int, ...]:
    return tuple(sum64(f"{address}{replica}".encode()) for replica in range(REPLICAS))
