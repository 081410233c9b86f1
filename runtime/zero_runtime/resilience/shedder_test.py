"""The shedder, against the arithmetic of its formula done by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from zero_runtime.config import SheddingConf
from zero_runtime.config.durations import Duration
from zero_runtime.resilience import Shedder


@dataclass
class Load:
    now: float = 0.0
    latest: float = 0.0


GO_ZERO = SheddingConf(tolerance=Duration(0), flying_beta=0.9)


class Bench:
    """A shedder with time and load in the test's hands."""

    def __init__(self, conf: SheddingConf = GO_ZERO) -> None:
        self.load = Load()
        self.shedder = Shedder(self.load, conf)

    def fly(self, count: int, average: float) -> None:
        """Puts calls in flight, with this average: it comes out of what has ended."""
        self.shedder.flying = count
        self.shedder._average = average

    def passed(self, bucket: int, *milliseconds: float) -> None:
        """Calls that end well in a bucket of 100 ms, each after so long."""
        now = 100.05 + bucket * 0.1
        for each in milliseconds:
            self.shedder.flying += 1
            self.shedder.leave(True, now - each / 1000 + 1e-9, now)  # times have 17 digits


@pytest.mark.parametrize(
    ("buckets", "now", "fits"),
    [
        # maxPass per bucket of 100 ms * 10 per second * minRt in seconds, at least 1; not the present bucket
        ([], 0, 10.0),  #                                       nothing known: 1 * 10 * 1 s
        ([(0, [20] * 5)], 1, 1.0),  #                           5 * 10 * 0.020 = 1
        ([(0, [100] * 5)], 1, 5.0),  #                          5 * 10 * 0.1
        ([(0, [100] * 5)], 0, 10.0),  #                         that bucket is the present one
        ([(0, [100] * 5), (1, [20] * 2)], 2, 1.0),  #           5 * 10 * 0.020: the best of each
        ([(0, [100, 300]), (1, [150])], 2, 3.0),  #             2 * 10 * 0.150: averages 200 and 150
        (
            [(0, [0.2] * 50)],
            1,
            1.0,
        ),  #                         50 * 10 * 0.001 = 0.5: whole ms, and at least 1
        ([(0, [10.4] * 40)], 1, 4.4),  #                        40 * 10 * 0.011: rounded up
        ([(0, [100] * 5)], 49, 5.0),  #                         the oldest of 50 buckets
        ([(0, [100] * 5)], 50, 10.0),  #                        out of the window
    ],
)
def test_what_fits(buckets: list[tuple[int, list[float]]], now: int, fits: float) -> None:
    bench = Bench()
    for bucket, milliseconds in buckets:
        bench.passed(bucket, *milliseconds)
    assert bench.shedder.fits(900, 900, 100.05 + now * 0.1) == pytest.approx(fits)


@pytest.mark.parametrize(
    ("load", "threshold", "flying", "average", "dropped"),
    [
        # nothing known: 10 fit; factor = clamp((1000 - load)/(1000 - threshold), 0.1, 1)
        (899, 900, 99, 99, False),  # below the threshold
        (900, 900, 10, 11, False),  # factor 1: limit 10, and 10 are not more
        (900, 900, 11, 9.8, False),  # the average becomes 9.8*0.9 + 11*0.1 = 9.92
        (900, 900, 11, 9.9, True),  # 9.9*0.9 + 11*0.1 = 10.01
        (950, 900, 6, 6, True),  #    factor 0.5: limit 5
        (950, 900, 5, 6, False),
        (995, 900, 2, 2, True),  #    factor 0.05, so 0.1: limit 1
        (995, 900, 1, 2, False),
        (1000, 900, 2, 2, True),
        (940, 950, 99, 99, False),  # priority: the threshold is (900 + 1000)/2
        (975, 950, 6, 6, True),  #    factor 25/50: limit 5
        (600, 500, 8, 9, False),  #   factor 400/500: limit 8
        (600, 500, 9, 9, True),
    ],
)
def test_who_is_dropped(load: int, threshold: int, flying: int, average: float, dropped: bool) -> None:
    bench = Bench()
    bench.load.now = load
    bench.fly(flying, average)
    assert bench.shedder.drops(threshold, 100.0) is dropped


@pytest.mark.parametrize(
    ("buckets", "load", "fits"),
    [
        # the calls of the best second * 0.1 s
        ({0: (2000, 0.05)}, 1000, 200.0),  #          without it 2000*10*0.001*0.1 = 2
        ({0: (50, 20)}, 1000, 5.0),  #                without it 50*10*0.02*0.1 = 1
        ({0: (20, 20), 9: (30, 20)}, 1000, 5.0),  #   in one second
        ({0: (20, 20), 10: (30, 20)}, 1000, 3.0),  #  not in one
        ({0: (5, 400)}, 900, 20.0),  #                5*10*0.4 = 20 is more
        ({0: (50, 40)}, 990, 5.0),  #                 50*10*0.04*0.1 = 2 is less
    ],
)
def test_what_is_served_within_the_tolerance_fits(
    buckets: dict[int, tuple[int, float]], load: int, fits: float
) -> None:
    bench = Bench(SheddingConf())
    for bucket, (passes, milliseconds) in buckets.items():
        bench.passed(bucket, *[milliseconds] * passes)
    assert bench.shedder.fits(load, 900, 102.05) == pytest.approx(fits)


@pytest.mark.parametrize("seconds", [0.5, 1.0])
def test_windows_of_a_second_and_less(seconds: float) -> None:
    bench = Bench(SheddingConf(window=Duration(seconds), buckets=5))
    for bucket in range(5):
        bench.passed(bucket, *[20.0] * 50)
    assert bench.shedder.fits(1000, 900, 100.45) > 1


def test_the_average_moves_when_calls_end() -> None:
    bench = Bench()
    bench.shedder.flying = 4
    # after each: flying 3, 2, 1, 0; average * 0.9 + flying * 0.1
    for average in (0.3, 0.47, 0.523, 0.4707):
        bench.shedder.leave(False, 99.0, 100.0)
        assert bench.shedder._average == pytest.approx(average)


def test_calls_that_fail_tell_nothing_of_what_fits() -> None:
    bench = Bench()
    for _ in range(50):
        bench.shedder.flying += 1
        bench.shedder.leave(False, 100.0, 100.001)
    assert bench.shedder.fits(900, 900, 100.2) == 10.0


def test_it_cools_off() -> None:
    bench = Bench()
    bench.fly(20, 20)
    bench.load.now = 950
    assert bench.shedder.drops(900, 100.0)
    bench.load.now = 800  # factor 1 again: 10 fit
    # For a second after the load was too high it still refuses; then it is over until it is too high again.
    for now, dropped in ((100.5, True), (100.99, True), (101.0, False), (100.99, False)):
        assert bench.shedder.drops(900, now) is dropped, now


def test_a_high_load_alone_does_not_make_it_hot() -> None:
    bench = Bench()
    bench.load.now = 950
    assert not bench.shedder.drops(900, 100.0)  # nothing is in flight, so nothing is dropped
    bench.fly(20, 20)
    bench.load.now = 800
    assert not bench.shedder.drops(900, 100.1)


def test_each_threshold_is_for_itself() -> None:
    bench = Bench()
    bench.fly(50, 50)
    bench.load.now = 920
    assert bench.shedder.drops(900, 100.0)
    assert not bench.shedder.drops(950, 100.0)  # priority: the load is not too high for these
    bench.load.now = 960
    assert bench.shedder.drops(950, 100.1)
    bench.load.now = 920
    assert bench.shedder.drops(950, 100.2)
    assert not bench.shedder.drops(950, 101.1)


def test_buckets_longer_than_a_second() -> None:
    shedder = Shedder(Load(), SheddingConf(window=Duration(500), buckets=50))
    for second in range(100):
        for _ in range(50):
            shedder.leave(True, second, second + 0.001)
    assert shedder.fits(1000, 900, 100.0) == pytest.approx(5)  # 500 in 10 s * 0.1 s
