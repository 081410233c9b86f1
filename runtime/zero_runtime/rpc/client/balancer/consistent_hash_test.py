from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from zero_runtime import errors
from zero_runtime.rpc.client.balancer.consistent_hash import ConsistentHash
from zero_runtime.rpc.client.balancer.load import Load
from zero_runtime.rpc.client.balancer.murmur3 import sum64


@dataclass(eq=False)
class Server:
    address: str
    ready: bool = True
    load: Load = field(default_factory=Load)


def ring(*servers: Server) -> ConsistentHash[Server]:
    balancer: ConsistentHash[Server] = ConsistentHash()
    balancer.update(servers)
    return balancer


def owner(balancer: ConsistentHash[Server], key: str, *tried: Server) -> str | None:
    found = balancer.pick(key, tried)
    return None if found is None else found.address


THREE = ("10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080")
KEYS = [f"user-{number}" for number in range(3000)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("a", 9607679276477937801),
        ("hello", 14688674573012802306),
        ("0123456789", 4581940570640870180),
        ("0123456789abcde", 11974462240020439889),
        ("0123456789abcdef", 5467490433528156583),
        ("0123456789abcdef0", 16943859595160698997),
        ("the quick brown fox jumps over the lazy dog", 13611261254754469555),
        ("10.0.0.1:808099", 16352901623146968092),
        ("键", 8194463080665853069),
    ],
)
def test_the_hash_is_gos(text: str, expected: int) -> None:
    """Numbers from murmur3.Sum64 of github.com/spaolacci/murmur3 v1.1.0, which go-zero takes."""
    assert sum64(text.encode()) == expected


def test_keys_go_where_go_zero_sends_them() -> None:
    """Computed by a program in Go, with go-zero's points."""
    balancer = ring(*map(Server, THREE))
    expected = {"alice": 1, "bob": 2, "carol": 3, "dave": 3, "erin": 2, "frank": 2, "grace": 3, "heidi": 2}
    found = {key: owner(balancer, key) for key in expected}
    assert found == {key: THREE[number - 1] for key, number in expected.items()}


def test_keys_are_spread() -> None:
    balancer = ring(*map(Server, THREE))
    counts = Counter(owner(balancer, key) for key in KEYS)
    assert all(700 < counts[address] < 1300 for address in THREE)


def test_only_the_keys_of_a_server_that_is_away_move() -> None:
    first, second, third = map(Server, THREE)
    balancer = ring(first, second, third)
    before = {key: owner(balancer, key) for key in KEYS}
    second.ready = False
    away = {key: owner(balancer, key) for key in KEYS}
    assert {key for key in KEYS if away[key] != before[key]} == {
        key for key in KEYS if before[key] == second.address
    }
    assert Counter(away.values()).keys() == {first.address, third.address}
    second.ready = True
    assert {key: owner(balancer, key) for key in KEYS} == before
    assert {key: owner(ring(first, third), key) for key in KEYS} == away


def test_another_attempt_goes_to_the_next() -> None:
    first, second = Server(THREE[0]), Server(THREE[1])
    balancer = ring(first, second)
    assert {owner(balancer, "alice"), owner(balancer, "alice", first)} == {first.address, second.address}
    assert owner(balancer, "alice", first, second) is None
    assert owner(ring(), "alice") is None


def test_a_call_without_a_key() -> None:
    with pytest.raises(errors.Internal, match=r"needs the `hash_key` of the call"):
        ring(Server("a:1")).pick("", ())
