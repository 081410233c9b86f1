"""Lines of the log that were dropped, and who is told."""

from __future__ import annotations

from zero_runtime.observability.metrics import Counter, Family, Metrics, attached

DROPPED = Family(
    "zero_log_dropped_total",
    "lines of the log that were dropped, by what kept them from going out.",
    ("reason",),
)


class Dropped:
    """Lines that were dropped: counted in the metrics of the process once it has some, and told once."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._metrics: Metrics | None = None
        self._counter: Counter | None = None
        self.untold = 0
        """How many were not told yet."""

    def count(self, lines: int) -> None:
        """Counts lines. Called with none too, so that the metric is there before it grows."""
        metrics = attached()
        if metrics is not None and metrics is not self._metrics:
            self._metrics, self._counter = metrics, metrics.counter(DROPPED, self._reason)
        if lines:
            self.untold += lines
            if self._counter is not None:
                self._counter.add(lines)

    def told(self) -> int:
        """How many were not told yet: now they are."""
        lines, self.untold = self.untold, 0
        return lines
