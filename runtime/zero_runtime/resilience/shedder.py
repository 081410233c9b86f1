"""Adaptive load shedding: an overloaded service refuses what it could only answer too late.

As go-zero's ``core/load/adaptiveshedder.go`` computes it, after TCP BBR: what fits in a pipe is its bandwidth
times its delay. Over a window of 5 s in 50 buckets, without the present one::

    fits = max(1, maxPass / width * minRt) * clamp((1000 - load) / (1000 - threshold), MinFactor, 1)

where ``maxPass`` is the most calls that ended well in one bucket of ``width`` seconds (at least 1), and
``minRt`` the least of the buckets' average times, in seconds (``MinRt`` when there are none; each call counts
as whole milliseconds, rounded up). Where calls are short this comes out below what a loop reads in one go,
and a service that is merely busy would refuse most of them; so what is served within ``Tolerance`` (100 ms, 0
in go-zero) always fits::

    fits = max(fits, passes * Tolerance)

where ``passes`` is the most calls that ended well in one second: in a bucket they come in bursts, whenever
the loop comes round.

A call is refused when

* the ``load`` (see `cpu`) is at the threshold or above, or it was within the last ``CoolOff`` (1 s) and calls
  were refused since then (each threshold for itself), and
* more calls than fit are in flight, now and on average. The average moves whenever a call ends, and while the
  load is too high whenever one comes, for in a loop that is saturated few end: ``average = average *
  FlyingBeta + flying * (1 - FlyingBeta)``.

Calls with priority have a threshold of their own, half-way to 1000.
"""

from __future__ import annotations

import logging
from itertools import accumulate
from math import ceil
from typing import Protocol

from zero_runtime.config import SheddingConf
from zero_runtime.resilience.rejection import Rejected
from zero_runtime.resilience.window import RollingWindow

_PASSES, _MILLISECONDS = range(2)
_TELL = 10.0
"""Seconds between two lines of the log: there are thousands of such decisions."""

_log = logging.getLogger("zero.shedding")


class Load(Protocol):
    """How much of what the service may use it uses: a `LoadMeter`."""

    @property
    def now(self) -> float:
        """From 0 to 1000."""

    @property
    def latest(self) -> float:
        """The same without the past."""


class Shedder:
    """Decides on the calls of a service: `drops` before each; those that are let in count in ``flying`` until
    they `leave`."""

    __slots__ = (
        "_average",
        "_conf",
        "_dropping",
        "_known",
        "_known_at",
        "_load",
        "_overloaded",
        "_per_second",
        "_told",
        "_weight",
        "_window",
        "flying",
    )

    def __init__(
        self,
        load: Load,
        conf: SheddingConf = SheddingConf(),  # noqa: B008, it is immutable
    ) -> None:
        self._load = load
        self._conf = conf
        self._weight = 1 - conf.flying_beta
        self._window = RollingWindow(conf.window, conf.buckets, 2)
        self._per_second = conf.buckets / conf.window
        self.flying = 0
        """The calls that are in flight."""
        self._average = 0.0
        self._known_at: int | None = None
        self._known = 1.0, 0.0
        """What fits, and what fits at least, as of a bucket."""
        self._dropping: set[int] = set()
        """The thresholds of those of whom some were refused since the load was too high for them."""
        self._overloaded: dict[int, float] = {}
        """When it was too high the last time, by threshold."""
        self._told: float | None = None

    def drops(self, threshold: int, now: float) -> bool:
        """Whether a call is refused; ``threshold`` is the load from which on calls like this one may be."""
        load = self._load.now
        if load >= threshold:
            self._overloaded[threshold] = now
        elif threshold not in self._dropping:
            return False
        elif now - self._overloaded[threshold] >= self._conf.cool_off:
            self._dropping.discard(threshold)
            return False
        fits = self.fits(load, threshold, now)
        self._average += (self.flying - self._average) * self._weight
        if self._average <= fits or self.flying <= fits:
            return False
        self._dropping.add(threshold)
        self._tell(now, load, fits)
        return True

    def leave(self, ok: bool | None, entered: float, now: float) -> None:
        """A call that was let in has ended; only those that ended well tell how much fits."""
        self.flying -= 1
        self._average += (self.flying - self._average) * self._weight
        if ok:
            window = self._window
            if now >= window.until:
                window.advance(now)
            current = window.current
            current[_PASSES] += 1
            current[_MILLISECONDS] += ceil((now - entered) * 1000)

    def rejection(self) -> Rejected:
        """How a call is refused."""
        return Rejected("shedding", "the service is overloaded", self._conf.cool_off)

    def fits(self, load: float, threshold: int, now: float) -> float:
        """How many calls may be in flight at a load."""
        window = self._window
        window.advance(now)
        if window.at != self._known_at:  # what is complete changes only when that does
            self._known_at = window.at
            best, least = 1, self._conf.min_rt * 1000.0
            *complete, _ = window.history()
            for passes, milliseconds in complete:
                if passes:
                    best = max(best, passes)
                    least = min(least, milliseconds / passes)
            # As many buckets as make a second, as far as there are any that short, or so many.
            second = min(max(1, round(self._per_second)), len(complete))
            sums = [0, *accumulate(passes for passes, _ in complete)]
            most = max(end - start for start, end in zip(sums, sums[second:], strict=False))
            at_least = most * self._per_second / second * self._conf.tolerance
            self._known = max(1.0, best * self._per_second * least / 1000), at_least
        fits, at_least = self._known
        return max(at_least, fits * min(1.0, max(self._conf.min_factor, (1000 - load) / (1000 - threshold))))

    def is_overloaded(self, threshold: int) -> bool:
        """Whether the load is too high right now, be it for too short to refuse calls."""
        return self._load.latest >= threshold

    def excuses(self, threshold: int, entered: float, now: float) -> bool:
        """Whether a call that failed just now did so for want of a processor, as far as can be told: it took
        its time while the load was too high."""
        return self.is_overloaded(threshold) and now - entered > self._conf.tolerance

    def _tell(self, now: float, load: float, fits: float) -> None:
        if self._told is None or now - self._told > _TELL:
            self._told = now
            _log.warning(
                "overloaded: calls are refused at a load of %d, with %d in flight (%.1f on average); "
                "%.1f fit",
                load,
                self.flying,
                self._average,
                fits,
            )
