from __future__ import annotations

from math import exp

import pytest

from zero_runtime.rpc.client.balancer.load import HEALTHY, Load


def test_means_by_hand() -> None:
    """Samples of 4 ms, of 8 ms five seconds later, and of 1 ms, failed, ten seconds after that."""
    load = Load()
    load.sample(100.0, ok=True, seconds=0.004)
    assert (load.latency, load.success) == (4e6, 1000)
    load.sample(105.0, ok=True, seconds=0.008)
    w = exp(-0.5)  # 0.6065
    assert load.latency == pytest.approx(4e6 * w + 8e6 * (1 - w)) == pytest.approx(5_573_877, rel=1e-6)
    assert load.success == 1000
    load.sample(115.0, ok=False, seconds=0.001)
    assert load.latency == pytest.approx(5_573_877 * 0.3678794 + 1e6 * 0.6321206, rel=1e-6)
    assert load.success == pytest.approx(367.8794, rel=1e-6)
    assert not load.healthy


def test_the_first_failure_counts_in_full() -> None:
    load = Load()
    load.sample(0.0, ok=False, seconds=0.001)
    assert load.success == 0


@pytest.mark.parametrize(
    ("latency", "in_flight", "cost"),
    [
        # int(sqrt(nanoseconds + 1)) * (in flight + 1)
        (0.0, 0, 1),
        (0.0, 9, 10),
        (1e6, 0, 1000),
        (1e6, 3, 4000),
        (2e8, 0, 14142),
        (99.0, 1, 20),
    ],
)
def test_costs_by_hand(latency: float, in_flight: int, cost: int) -> None:
    load = Load()
    load.latency, load.in_flight = latency, in_flight
    assert load.cost(0.0) == cost
    if latency:
        assert load.cost(5e9) == cost
    else:
        assert load.cost(1e6) == 1000 * (in_flight + 1)


def test_samples_without_a_time() -> None:
    """Streams tell whether a server works, and not how fast it is."""
    load = Load()
    load.sample(0.0, ok=True)
    load.sample(1.0, ok=False)
    assert load.latency == 0
    assert load.success == pytest.approx(1000 * exp(-0.1)) and load.success > HEALTHY
    load.sample(2.0, ok=True, seconds=0.002)
    assert load.latency == 2e6
