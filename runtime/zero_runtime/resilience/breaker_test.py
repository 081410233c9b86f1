"""The breaker, against the arithmetic of its formula done by hand."""

from __future__ import annotations

import logging

import pytest

from zero_runtime.config import BreakerConf
from zero_runtime.config.durations import Duration
from zero_runtime.observability.metrics import Metrics
from zero_runtime.resilience import Breaker, Rejected

GO_ZERO = BreakerConf(patience=Duration(0))


class Bench:
    """A breaker with a clock and a lot in the test's hands."""

    def __init__(self, conf: BreakerConf = GO_ZERO) -> None:
        self.now = 1000.0
        self.drawn = 1.0
        """1 is never less than a probability: nothing is dropped by lot."""
        self.breaker = Breaker("m", conf, clock=lambda: self.now, draw=lambda: self.drawn)

    def calls(self, bucket: int, accepts: int, failures: int) -> None:
        """Calls that end in a bucket, counted from the first one of the test."""
        self.now = 1000.0 + bucket * 0.25
        for ok, count in ((True, accepts), (False, failures)):
            for _ in range(count):
                self.breaker.mark(ok)

    def is_dropped(self, drawn: float) -> bool:
        self.drawn = drawn
        try:
            self.breaker.allow()
        except Rejected as rejection:
            assert rejection.reason == "breaker"
            return True
        return False

    def probability(self) -> tuple[float, float]:
        """Between which two thousandths the probability of a drop is; draws that drop nothing change nothing
        but the time of the last call that passed."""
        low, high = 0, 1000
        # A drop would count: so it is searched from above, with the first drop as the end.
        for drawn in range(1000, -1, -1):
            if self.is_dropped(drawn / 1000):
                low, high = drawn, drawn + 1
                return low / 1000, high / 1000
        return 0.0, 0.0


@pytest.mark.parametrize(
    ("history", "probability"),
    [
        # (bucket, accepts, failures)...; then, with f failing and w working buckets at the end:
        # k = 1.5 - 0.4 * f/40; drop = (total - 5 - k*accepts)/(total + 1) * (40 - w)/40
        ([(0, 0, 5)], 0.0),  #                  total 5:   (5-5)/6
        ([(0, 0, 6)], 1 / 7),  #                total 6, f 1: (6-5)/7
        ([(0, 0, 99)], 94 / 100),  #            (99-5)/100
        ([(0, 10, 10)], 0.0),  #                (20-5-15)/21
        ([(0, 10, 14)], 4 / 25),  #             (24-5-15)/25; successes and failures: neither run
        ([(0, 100, 0)], 0.0),  #                (100-5-150)/101 < 0
        ([(0, 20, 20), (1, 0, 20)], 25.2 / 61),  #  f 1: k = 1.49; (60-5-29.8)/61
        ([(0, 20, 20), (1, 0, 10), (2, 0, 10)], 25.4 / 61),  #  f 2: k = 1.48; (60-5-29.6)/61
        ([(0, 20, 20), (1, 0, 10), (5, 0, 10)], 25.4 / 61),  #  empty buckets do not end a run
        ([(0, 0, 40), (1, 4, 0)], 33 / 45 * 39 / 40),  #  w 1: (44-5-6)/45, times 39/40
        ([(0, 0, 40), (1, 2, 0), (2, 2, 0)], 33 / 45 * 38 / 40),  #  w 2
        ([(0, 0, 40), (1, 2, 1), (2, 2, 0)], 34 / 46 * 39 / 40),  #  (45-5-6)/46, w 1: bucket 1 ended the run
        ([(0, 0, 40), (40, 0, 6)], 1 / 7),  #   40 buckets later the first has rolled out
        ([(0, 0, 40), (39, 0, 0)], 35 / 41),  #  and one earlier it has not
    ],
)
def test_probability_of_a_drop(history: list[tuple[int, int, int]], probability: float) -> None:
    bench = Bench()
    for step in history:
        bench.calls(*step)
    low, high = bench.probability()
    assert low <= probability <= high, (low, high)


def test_the_weight_has_a_floor() -> None:
    # Of 40 buckets 39 fail only (f 39): k = 1.5 - 0.4*39/40 = 1.11; one has 100 accepts and 100 failures.
    # total 200 + 39 = 239; (239 - 5 - 111)/240 = 123/240
    bench = Bench()
    bench.calls(0, 100, 100)
    for bucket in range(1, 40):
        bench.calls(bucket, 0, 1)
    low, high = bench.probability()
    assert low <= 123 / 240 <= high


def test_dropped_calls_are_requests_too() -> None:
    bench = Bench()
    bench.calls(0, 0, 6)
    assert bench.is_dropped(0.1)  # 1/7 = 0.143
    assert bench.is_dropped(0.2)  # now total 7: 2/8 = 0.25
    assert not bench.is_dropped(0.34)  # total 8: 3/9 = 0.333
    assert bench.is_dropped(0.33)


def test_one_call_passes_each_second_whatever_the_odds() -> None:
    bench = Bench()
    bench.calls(0, 0, 1000)
    assert not bench.is_dropped(1.0)  # by lot: from here on the second counts
    for later, dropped in ((0.5, True), (1.0, True), (1.01, False), (1.5, True), (2.01, True), (2.02, False)):
        bench.now = 1000.0 + later
        assert bench.is_dropped(0.0) is dropped, later


def test_a_callee_that_is_well_again_is_trusted_again() -> None:
    bench = Bench()
    bench.calls(0, 0, 100)
    assert bench.is_dropped(0.9)
    for bucket in range(1, 41):
        bench.calls(bucket, 10, 0)
    assert not bench.is_dropped(0.0)


@pytest.mark.parametrize(
    ("history", "probability"),
    [
        # 1000 accepts are remembered; then, of 40 buckets, f fail only:
        (
            [(0, 1000, 0), (1, 0, 100), (4, 0, 100)],
            0.0,
        ),  #       0.75 s of failures: (1200 - 5 - 1.48*1000) < 0
        ([(0, 1000, 0), (1, 0, 100), (5, 0, 100)], 1195 / 1201),  # a second: accepts 0
        ([(0, 1000, 0), (1, 0, 3), (5, 0, 2)], 0.0),  #           no more than Protection
        ([(0, 1000, 0), (1, 0, 100), (5, 1, 0)], 0.0),  #         the first success ends it
        ([(0, 1000, 0), (1, 0, 100), (5, 1, 0), (6, 0, 100)], 0.0),  # and the time begins anew
    ],
)
def test_patience(history: list[tuple[int, int, int]], probability: float) -> None:
    bench = Bench(BreakerConf())
    for step in history:
        bench.calls(*step)
    low, high = bench.probability()
    assert low <= probability <= high, (low, high)


def test_settings() -> None:
    bench = Bench(BreakerConf(protection=0, k=2, min_k=2, force_pass=BreakerConf().force_pass))
    bench.calls(0, 10, 20)  # (30 - 20)/31
    assert bench.is_dropped(0.32)
    bench = Bench(BreakerConf(protection=100))
    bench.calls(0, 0, 100)  # (100 - 100)/101
    assert not bench.is_dropped(0.0)


def test_decisions_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    metrics.attach(0)
    bench = Bench()
    bench.calls(0, 0, 100)
    with caplog.at_level(logging.WARNING, "zero.breaker"):
        assert [bench.is_dropped(drawn) for drawn in (1.0, 0.0, 0.0)] == [False, True, True]
    counts = {
        (family.name, *labels): cells[0]
        for family, series in metrics.series().items()
        for labels, cells in series.items()
    }
    assert counts == {("zero_breaker_total", "m", "pass"): 1, ("zero_breaker_total", "m", "drop"): 2}
    assert caplog.messages == ["m: calls are refused, for 100 of 100 have failed in the last 10 s"]
