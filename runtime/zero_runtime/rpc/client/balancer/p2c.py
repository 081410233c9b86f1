"""``p2c_ewma``: the better of two servers that are drawn by lot.

The power of two choices (Mitzenmacher, 2001), as go-zero has it (zrpc/internal/balancer/p2c/p2c.go): two are
drawn, again up to three times until both are healthy, and the one with the lower cost is taken; unless the
other was not taken for a second: it is tried then, or nobody would learn that it has become quick again. What
costs what: `Load`.

It differs in two points. go-zero takes a server of which it knows no latency for infinitely quick, and sends
it every call for which it is drawn until the first has come back; here it counts as quick as the other one,
so calls in flight decide. And of two of which one is healthy, go-zero takes the cheaper, which may be the one
that fails so quickly; here it is the healthy one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from random import random
from typing import Generic

from zero_runtime.rpc.client.balancer import NodeT

FORCE_PICK = 1.0
"""Seconds after which a server is tried however it is doing."""

DRAWS = 3
"""How often two are drawn at most."""


class P2c(Generic[NodeT]):
    """See the module. ``draw`` gives random numbers from 0 to 1, ``clock`` seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, draw: Callable[[], float] = random
    ) -> None:
        self._nodes: Sequence[NodeT] = ()
        self._clock = clock
        self._draw = draw

    def update(self, nodes: Sequence[NodeT]) -> None:
        self._nodes = nodes

    def pick(self, hash_key: str, tried: Collection[NodeT]) -> NodeT | None:
        """One that is ready and was not ``tried``; the key does not matter."""
        nodes = [node for node in self._nodes if node.ready and node not in tried]
        now = self._clock()
        if len(nodes) > 1:
            chosen = self._better(*self._two(nodes), now)
        elif nodes:
            chosen = nodes[0]
        else:
            return None
        chosen.load.picked = now
        return chosen

    def _two(self, nodes: Sequence[NodeT]) -> tuple[NodeT, NodeT]:
        if len(nodes) == 2:
            return nodes[0], nodes[1]
        for _ in range(DRAWS):
            first = int(self._draw() * len(nodes))
            second = int(self._draw() * (len(nodes) - 1))
            second += second >= first
            if nodes[first].load.healthy and nodes[second].load.healthy:
                break
        return nodes[first], nodes[second]

    def _better(self, one: NodeT, other: NodeT, now: float) -> NodeT:
        mine, its = one.load, other.load
        if (not mine.healthy, mine.cost(its.latency)) > (not its.healthy, its.cost(mine.latency)):
            one, other = other, one
        return other if now - other.load.picked > FORCE_PICK else one
