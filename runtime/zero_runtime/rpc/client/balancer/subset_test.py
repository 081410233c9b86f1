from __future__ import annotations

from collections import Counter

import pytest

from zero_runtime.rpc.client.balancer.subset import subset

MANY = [f"10.0.{number // 256}.{number % 256}:8080" for number in range(200)]


@pytest.mark.parametrize("size", [0, 3, 4])
def test_few_are_all_taken_in_their_order(size: int) -> None:
    assert subset(["c:1", "a:1", "b:1", "a:1"], size, b"x") == ("c:1", "a:1", "b:1")


def test_what_comes_and_goes_changes_one_at_most() -> None:
    chosen = set(subset(MANY, 32, b"x"))
    assert len(chosen) == 32
    for gone in MANY:
        left = set(subset([address for address in MANY if address != gone], 32, b"x"))
        assert len(chosen - left) == (gone in chosen)
    for number in range(100):
        grown = set(subset([*MANY, f"10.1.0.{number}:8080"], 32, b"x"))
        assert len(chosen - grown) <= 1


def test_the_order_of_addresses_does_not_matter() -> None:
    assert set(subset(MANY, 32, b"x")) == set(subset(reversed(MANY), 32, b"x"))


def test_clients_choose_each_for_itself() -> None:
    counts = Counter(
        address for client in range(500) for address in subset(MANY, 32, client.to_bytes(16, "big"))
    )
    assert len(counts) == 200
    assert all(40 < count < 120 for count in counts.values())  # 80 on average
