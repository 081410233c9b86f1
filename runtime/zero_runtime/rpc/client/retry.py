"""Which calls are made again, and when.

A call that no server has seen is made again at once, elsewhere: that is as if it had been made there in the
first place. Should that be in vain too, it takes its time, for there may be no other server yet. What a
server may have worked on is made again only if the contract says that twice is as good as once, and the
server is unavailable. Pauses are drawn by lot between 0 and a bound that doubles ("full jitter": Brooker, AWS
2015), and there is a budget, which keeps retries from multiplying the load of servers that fail because of
load (the model is gRFC A6).
"""

from __future__ import annotations

from collections.abc import Callable
from random import random

from zero_runtime.config import RetryConf
from zero_runtime.errors import Code
from zero_runtime.observability import Family, counter
from zero_runtime.rpc.client.backend import CallFailed

BURST = 10.0
"""Retries that are possible at first, and after a while without any."""

UNSEEN = 5
"""How often one call may find that a server has just gone away."""

RETRIES = Family(
    "zero_rpc_client_retries_total",
    "Attempts after the first: no server had seen the call, or it was unavailable; and those over budget.",
    ("target", "reason"),
)


class Budget:
    """How many retries there may be: ``ratio`` more for every call, ``BURST`` at most."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._tokens = BURST if ratio else 0.0

    def call(self) -> None:
        """A call is made for the first time."""
        self._tokens = min(self._tokens + self._ratio, BURST)

    def spend(self) -> bool:
        """Whether there may be a retry now; it is one less then."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Retry:
    """Decides for the calls to one target."""

    def __init__(self, conf: RetryConf, target: str = "", draw: Callable[[], float] = random) -> None:
        """``draw`` gives random numbers from 0 to 1."""
        self._attempts = conf.attempts
        self._backoff = conf.backoff
        self._draw = draw
        self.budget = Budget(conf.budget)
        self._unseen, self._unavailable, self._over = (
            counter(RETRIES, target, reason) for reason in ("unseen", "unavailable", "over_budget")
        )

    def pause(self, failure: CallFailed, made: int, *, idempotent: bool) -> float | None:
        """Seconds before the next attempt, after ``made`` of which the last has failed; None for none."""
        if failure.unseen:
            if made >= UNSEEN:
                return None
            self._unseen.add()
            return 0.0 if made == 1 else self._draw() * self._backoff * 2.0 ** (made - 2)
        if not idempotent or failure.error.code is not Code.UNAVAILABLE or made >= self._attempts:
            return None
        if not self.budget.spend():
            self._over.add()
            return None
        self._unavailable.add()
        return self._draw() * self._backoff * 2.0 ** (made - 1)
