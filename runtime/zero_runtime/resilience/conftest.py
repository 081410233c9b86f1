from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.redis import RedisServer, redis
from zero_runtime.observability import metrics
from zero_runtime.observability.metrics import Metrics


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A node that nobody stops."""
    with redis() as server:
        yield server


class Counts(Metrics):
    """The counters of a test."""

    def all(self) -> dict[tuple[str, ...], float]:
        """By the names of their families and the values of their labels; those that counted nothing are left
        out."""
        return {
            (family.name, *labels): cells[0]
            for family, series in self.series().items()
            for labels, cells in series.items()
            if cells[0]
        }


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    """What is counted from here on."""
    monkeypatch.setattr(metrics, "_attached", None)
    counts = Counts()
    counts.attach(0)
    return counts
