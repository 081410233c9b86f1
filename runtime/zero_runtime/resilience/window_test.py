"""Rolling windows, against tables made by hand."""

from __future__ import annotations

import pytest

from zero_runtime.resilience import RollingWindow


def test_counts_roll_out_of_the_window() -> None:
    window = RollingWindow(1.0, 4, 2)  # four buckets of 250 ms
    # Each row: when, what is counted, the buckets after that (oldest first), the sums.
    table = [
        (10.00, (0, 1), [[0, 0], [0, 0], [0, 0], [1, 0]], [1, 0]),
        (10.24, (0, 2), [[0, 0], [0, 0], [0, 0], [3, 0]], [3, 0]),
        (10.25, (1, 5), [[0, 0], [0, 0], [3, 0], [0, 5]], [3, 5]),
        (10.75, (0, 1), [[3, 0], [0, 5], [0, 0], [1, 0]], [4, 5]),
        (11.00, (0, 1), [[0, 5], [0, 0], [1, 0], [1, 0]], [2, 5]),
        (11.25, (0, 1), [[0, 0], [1, 0], [1, 0], [1, 0]], [3, 0]),
        (13.00, (1, 2), [[0, 0], [0, 0], [0, 0], [0, 2]], [0, 2]),  # all of it has rolled out meanwhile
    ]
    for when, (kind, count), buckets, sums in table:
        window.advance(when)
        window.current[kind] += count
        assert [list(bucket) for bucket in window.history()] == buckets, when
        assert window.sums == sums, when


@pytest.mark.parametrize(("when", "sums"), [(10.99, [7]), (11.0, [0]), (1e9, [0])])
def test_a_count_lasts_as_long_as_the_window(when: float, sums: list[int]) -> None:
    window = RollingWindow(1.0, 4, 1)
    window.advance(10.0)
    window.current[0] += 7
    window.advance(when)
    assert window.sums == sums
