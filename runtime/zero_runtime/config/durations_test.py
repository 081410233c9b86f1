from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime.config.durations import Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("5.5s", 5.5), ("300ms", 0.3), ("1m30s", 90), ("2h", 7200), ("0s", 0), ("1h0.5s", 3600.5)],
)
def test_reads_go_durations(text: str, seconds: float) -> None:
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["", "1", "s", "1 s", "-1s", "1d", "1s ", "١s", 5, None, "1s\n"])
def test_refuses_everything_else(value: object) -> None:
    with pytest.raises(ValueError, match="expected a duration such as `1s`"):
        Duration.parse(value)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 999))
def test_parts_add_up(minutes: int, seconds: int, milliseconds: int) -> None:
    text = f"{minutes}m{seconds}s{milliseconds}ms"
    assert Duration.parse(text) == pytest.approx(60 * minutes + seconds + milliseconds / 1000)
