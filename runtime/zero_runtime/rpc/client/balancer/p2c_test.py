from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random, random

import pytest

from zero_runtime.rpc.client.balancer.load import Load
from zero_runtime.rpc.client.balancer.p2c import P2c


@dataclass(eq=False)
class Server:
    address: str
    latency: float = 1e6
    in_flight: int = 0
    success: float = 1000
    picked: float = 100.0
    ready: bool = True
    load: Load = field(default_factory=Load)

    def __post_init__(self) -> None:
        self.load.latency, self.load.in_flight = self.latency, self.in_flight
        self.load.success, self.load.picked = self.success, self.picked


def drawn(*numbers: float) -> Callable[[], float]:
    rest: Iterator[float] = iter(numbers)
    return lambda: next(rest)


def picked(*servers: Server, draws: Callable[[], float] = random, now: float = 100.0) -> str | None:
    balancer: P2c[Server] = P2c(lambda: now, draws)
    balancer.update(servers)
    chosen = balancer.pick("", ())
    if chosen is not None:
        assert chosen.load.picked == now
    return None if chosen is None else chosen.address


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # costs: 1000 against 2000
        (Server("a", 1e6), Server("b", 4e6), "a"),
        (Server("a", 4e6), Server("b", 1e6), "b"),
        # 1000 * 3 against 2000
        (Server("a", 1e6, in_flight=2), Server("b", 4e6), "b"),
        # a tie: the first
        (Server("a"), Server("b"), "a"),
        # the worse was picked 1.0 and 1.1 seconds ago
        (Server("a"), Server("b", 4e6, picked=99.0), "a"),
        (Server("a"), Server("b", 4e6, picked=98.9), "b"),
        # nothing is known of one: it counts as quick as the other, 1000 against 1000 * 2
        (Server("a", 0), Server("b", in_flight=1), "a"),
        (Server("a", 0, in_flight=2), Server("b", in_flight=1), "b"),
        (Server("a", 0, in_flight=1), Server("b", 0), "b"),
    ],
)
def test_the_better_of_two(one: Server, other: Server, expected: str) -> None:
    assert picked(one, other) == expected


def test_two_are_drawn_of_many() -> None:
    servers = [Server(name, latency) for name, latency in (("a", 9e6), ("b", 4e6), ("c", 1e6), ("d", 16e6))]
    # int(0.0 * 4) and int(0.4 * 3), moved past the first: a and c
    assert picked(*servers, draws=drawn(0.0, 0.4)) == "c"
    # int(0.99 * 4) and int(0.0 * 3): d and a
    assert picked(*servers, draws=drawn(0.99, 0.0)) == "a"
    # int(0.3 * 4) and int(0.1 * 3): b and a
    assert picked(*servers, draws=drawn(0.3, 0.1)) == "b"


def test_two_healthy_ones_are_drawn_within_three_draws() -> None:
    sick = Server("a", 1.0, success=500)
    servers = [sick, Server("b", 9e6), Server("c", 4e6)]
    first = (0.0, 0.0)  # a and b
    assert picked(*servers, draws=drawn(*first, 0.9, 0.9)) == "c"  # then c and b
    assert picked(*servers, draws=drawn(*first, *first, *first)) == "b"  # the healthy one of them
    sick.load.picked = 98.0
    assert picked(*servers, draws=drawn(*first, *first, *first)) == "a"  # whether it is well again


def test_only_those_that_are_ready_and_not_tried() -> None:
    assert picked() is None
    assert picked(Server("a", ready=False)) is None
    assert picked(Server("a", ready=False), Server("b", 9e9)) == "b"
    tried, other = Server("a"), Server("b", 9e9)
    balancer: P2c[Server] = P2c(lambda: 100.0)
    balancer.update((tried, other))
    assert balancer.pick("", (tried,)) is other
    assert balancer.pick("", (tried, other)) is None


def simulated(servers: int, seconds: int, last: tuple[float, bool]) -> list[float]:
    """The shares of servers that answer well in 2 ms, but for the last, which does in the time and way given.

    There are 200 calls per second; the last ten seconds count.
    """
    now = 0.0
    balancer: P2c[Server] = P2c(lambda: now, Random(1).random)
    found = [Server(str(number), latency=0) for number in range(servers)]
    balancer.update(found)
    shares: Counter[str] = Counter()
    flying: list[tuple[float, float, Server]] = []
    for step in range(200 * seconds):
        now = step / 200
        for ended, begun, server in [call for call in flying if call[0] <= now]:
            server.load.in_flight -= 1
            server.load.sample(ended, server is not found[-1] or last[1], ended - begun)
        flying = [call for call in flying if call[0] > now]
        chosen = balancer.pick("", ())
        assert chosen is not None
        chosen.load.in_flight += 1
        flying.append((now + (last[0] if chosen is found[-1] else 0.002), now, chosen))
        if now > seconds - 10:
            shares[chosen.address] += 1
    return [shares[server.address] / shares.total() for server in found]


@pytest.mark.parametrize(("latency", "share"), [(0.02, 0.1), (0.1, 0.03), (1.0, 0.03)])
def test_a_slow_server_gets_a_small_share(latency: float, share: float) -> None:
    shares = simulated(3, 20, (latency, True))
    assert shares[-1] < share
    assert min(shares[:-1]) > 0.4


def test_a_server_that_fails_gets_a_small_share_although_it_is_quick() -> None:
    shares = simulated(3, 20, (0.0005, False))
    assert shares[-1] < 0.03
