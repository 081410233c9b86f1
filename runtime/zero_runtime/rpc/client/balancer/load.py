"""What a client knows of the load of one server, from its own calls.

As go-zero's ``p2c_ewma`` computes it (zrpc/internal/balancer/p2c/p2c.go): both latency and success are means
that forget, ``mean = mean * w + sample * (1 - w)`` with ``w = exp(-seconds since the last sample / 10)``, so
that what counts is the last ten seconds, however many samples they brought.
"""

from __future__ import annotations

from math import exp, sqrt

DECAY = 10.0
"""Seconds after which a sample counts for 1/e; go-zero's, from Twitter's Finagle."""

SUCCESS = 1000.0
"""What a call counts that went well; one that failed counts 0."""

HEALTHY = SUCCESS / 2
"""What the mean of them must exceed."""

_NANOSECONDS = 1e9


class Load:
    """The load of one server. Times are seconds, of one clock."""

    __slots__ = ("_last", "in_flight", "latency", "picked", "success")

    def __init__(self) -> None:
        self.in_flight = 0
        """Calls under way."""
        self.latency = 0.0
        """Mean, in nanoseconds; 0 before the first call has ended."""
        self.success = SUCCESS
        """Mean of successes, from 0 to 1000."""
        self.picked = 0.0
        """When the balancer chose it last."""
        self._last: float | None = None

    @property
    def healthy(self) -> bool:
        """Whether most of its calls go well."""
        return self.success > HEALTHY

    def cost(self, latency: float) -> int:
        """What one more call costs: the root of the latency, for each call there would be.

        ``latency`` stands in for its own before that is known.
        """
        return int(sqrt((self.latency or latency) + 1)) * (self.in_flight + 1)

    def sample(self, now: float, ok: bool, seconds: float | None = None) -> None:
        """A call went well or not, and took so many seconds, if that says something of the server."""
        w = 0.0 if self._last is None else exp((self._last - now) / DECAY)
        self._last = now
        self.success = self.success * w + (SUCCESS if ok else 0.0) * (1 - w)
        if seconds is not None:
            weight = w if self.latency else 0.0
            self.latency = self.latency * weight + seconds * _NANOSECONDS * (1 - weight)
