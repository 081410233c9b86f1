from __future__ import annotations

from zero_runtime.discovery.backoff import Backoff


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_good_while() -> None:
    clock = Clock()
    backoff = Backoff(first=0.1, longest=1.0, clock=clock, draw=lambda low, high: high)

    def attempt(seconds: float) -> float:
        clock.now += seconds
        pause = backoff.next()
        clock.now += pause
        return pause

    assert [attempt(0) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert attempt(0.9) == 1.0  # it failed a little later, that is no success
    assert [attempt(1.1), attempt(0)] == [0.1, 0.2]


def test_a_pause_is_in_the_upper_half_and_never_nothing() -> None:
    backoff = Backoff(first=0.1, longest=0.1)
    pauses = {backoff.next() for _ in range(200)}
    assert 0.05 <= min(pauses) < 0.06
    assert 0.09 < max(pauses) <= 0.1
