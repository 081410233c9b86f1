"""The circuit breaker: calls that would most likely fail are not made.

Client-side throttling of Google's SRE book (https://sre.google/sre-book/handling-overload, equation 21-1)::

    drop = max(0, (requests - K * accepts) / (requests + 1))

as go-zero's ``core/breaker/googlebreaker.go`` computes it, over a window of 10 s in 40 buckets:

* ``requests`` are the calls that ended and those that were dropped, ``accepts`` those that succeeded; the
  first ``Protection`` (5) requests are left out;
* ``K`` falls from 1.5 to 1.1 with the buckets at the end of the window in which calls failed and none
  succeeded, by a fortieth of the difference each: what is down for long is tried less;
* when more than ``ForcePass`` (1 s) went by since a call was last let through although some are dropped, the
  next one passes: whether the callee is well again is found out, however little is asked of it;
* the probability shrinks with the buckets at the end of the window in which calls succeeded and none failed,
  by a fortieth each: what is well again is trusted before the failures are forgotten.

Buckets without calls change neither run.

One thing is added: what fails all its calls after it was well would still be called for most of the window,
because of those that succeeded. When more than ``Protection`` calls have failed one after the other, for
``Patience`` (1 s, none in go-zero) or longer, ``accepts`` is 0. The first call that succeeds ends that, and
what is remembered counts again.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from zero_runtime.config import BreakerConf
from zero_runtime.resilience.metrics import BREAKER, decisions
from zero_runtime.resilience.rejection import Rejected
from zero_runtime.resilience.window import Clock, RollingWindow

_ACCEPTS, _FAILURES, _DROPS = range(3)
"""What is counted per bucket; requests are all of them."""

_log = logging.getLogger("zero.breaker")


class Breaker:
    """Decides on the calls of one method: `allow` before each, `mark` after those that it let through."""

    __slots__ = (
        "_clock",
        "_conf",
        "_draw",
        "_dropped",
        "_failed",
        "_failed_since",
        "_last_pass",
        "_name",
        "_passed",
        "_told",
        "_troubled",
        "_window",
    )

    def __init__(
        self,
        name: str,
        conf: BreakerConf = BreakerConf(),  # noqa: B008, it is immutable
        *,
        clock: Clock = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """``name`` is what metrics and the log call it; ``draw`` draws a number from 0 to 1."""
        self._name = name
        self._conf = conf
        self._clock = clock
        self._draw = draw
        self._window = RollingWindow(conf.window, conf.buckets, 3)
        self._failed = 0
        """The calls that have failed since one succeeded."""
        self._failed_since = 0.0
        self._troubled = False
        """Whether there may be failures or drops in the window; without any there is nothing to compute."""
        self._last_pass: float | None = None
        self._told: float | None = None
        self._passed, self._dropped = decisions(BREAKER, name)

    def allow(self) -> None:
        """Raises `Rejected` when a call shall not be made. Of one that is made the end is told to `mark`."""
        if self.drops(self._clock()):
            self._dropped.add()
            raise self.rejection()
        self._passed.add()

    def mark(self, ok: bool) -> None:
        """A call that was let through has ended, for good or ill. One whose end tells nothing is not told."""
        self.count(ok, self._clock())

    def drops(self, now: float) -> bool:
        """`allow` for those who count decisions themselves: whether a call shall not be made."""
        if not self._troubled:
            return False
        window = self._window
        if now >= window.until:
            window.advance(now)
        if not self._is_unlucky(now):
            return False
        window.current[_DROPS] += 1
        self._tell(now)
        return True

    def count(self, ok: bool, now: float) -> None:
        """`mark` for those who know what time it is."""
        window = self._window
        if now >= window.until:
            window.advance(now)
        if ok:
            window.current[_ACCEPTS] += 1
            self._failed = 0
        else:
            window.current[_FAILURES] += 1
            self._troubled = True
            self._failed += 1
            if self._failed == 1:
                self._failed_since = now

    def rejection(self) -> Rejected:
        """How a dropped call is refused."""
        return Rejected("breaker", "most calls have failed lately", self._conf.force_pass)

    def _is_unlucky(self, now: float) -> bool:
        conf = self._conf
        accepts, failures, drops = self._window.sums
        requests = accepts + failures + drops
        if requests == accepts:
            self._troubled = False
            return False
        if self._failed > conf.protection and 0 < conf.patience <= now - self._failed_since:
            accepts = 0
        if requests - conf.protection <= conf.min_k * accepts:
            return False  # what the strictest K lets pass: no need to look at the buckets
        failing, working = self._runs()
        k = conf.k - (conf.k - conf.min_k) * failing / conf.buckets
        ratio = (requests - conf.protection - k * accepts) / (requests + 1)
        if ratio <= 0:
            return False
        if self._last_pass is None or now - self._last_pass <= conf.force_pass:
            ratio *= (conf.buckets - working) / conf.buckets
            if self._draw() < ratio:
                return True
        self._last_pass = now
        return False

    def _runs(self) -> tuple[int, int]:
        """How many buckets at the end of the window have but failures, and how many have but successes."""
        failing = working = 0
        for accepts, failures, _ in self._window.history():
            if failures:
                working = 0
            elif accepts:
                working += 1
            if accepts:
                failing = 0
            elif failures:
                failing += 1
        return failing, working

    def _tell(self, now: float) -> None:
        """One line per window: there are thousands of such decisions."""
        if self._told is None or now - self._told > self._conf.window:
            self._told = now
            accepts, failures, _ = self._window.sums
            _log.warning(
                "%s: calls are refused, for %d of %d have failed in the last %g s",
                self._name,
                failures,
                failures + accepts,
                self._conf.window,
            )
