"""What stands before the methods of a service: who is let in, and who is not."""

from __future__ import annotations

import time

import msgspec

from zero_runtime.config import GovernedConf
from zero_runtime.observability.metrics import counter
from zero_runtime.resilience.breaker import Breaker
from zero_runtime.resilience.concurrency import ConcurrencyLimit
from zero_runtime.resilience.cpu import LoadMeter
from zero_runtime.resilience.metrics import ADMISSION
from zero_runtime.resilience.rejection import Rejected
from zero_runtime.resilience.rules import RateLimit, Rules
from zero_runtime.resilience.shedder import Shedder
from zero_runtime.resilience.window import Clock

_MODES = ("dev", "test")
"""Where nothing is shed: the load of a machine on which people build and test tells nothing of the
service."""


class Entry(msgspec.Struct, eq=False, gc=False):
    """A call that was let in, until its `leave`."""

    guard: Guard
    entered: float
    """When it was let in."""
    settled: bool = False

    def waited(self) -> float:
        """Seconds since it was let in."""
        return self.guard.clock() - self.entered

    def settle(self, ok: bool | None) -> None:
        """It is known how the call went, though its answer is still being sent: from now on the call counts
        only as one of those that are served at a time."""
        self.settled = True
        guard = self.guard
        now = guard.clock()
        shedder = guard.shedder
        if shedder is not None:
            shedder.leave(ok, self.entered, now)
        if guard.breaker is None or ok is None:
            return
        if ok or shedder is None or not shedder.excuses(guard.threshold, self.entered, now):
            guard.breaker.count(ok, now)

    def leave(self, ok: bool | None) -> None:
        """The call has ended: exactly once, whatever happened. ``ok`` is whether the service did what it
        should, be it to tell the caller of a mistake; None when that is not known, for the method was not
        called, or its caller left. After `settle` it does not matter."""
        if not self.settled:
            self.settle(ok)
        for limit in self.guard.concurrency:
            limit.active -= 1


class Guard:
    """Decides on the calls of one method. What is off is None, or empty, and costs nothing."""

    __slots__ = (
        "_method",
        "_passed",
        "breaker",
        "clock",
        "concurrency",
        "limits",
        "rates",
        "shedder",
        "threshold",
        "timeout",
    )

    def __init__(
        self,
        method: str,
        *,
        timeout: float | None = None,
        concurrency: tuple[ConcurrencyLimit, ...] = (),
        breaker: Breaker | None = None,
        shedder: Shedder | None = None,
        threshold: int = 0,
        rates: tuple[RateLimit, ...] = (),
        clock: Clock = time.monotonic,
    ) -> None:
        self._method = method
        self.threshold = threshold
        """The load from which on calls may be shed."""
        self.timeout = timeout
        """How long a call may take in seconds, 0 is no limit; None when no rule says."""
        self.concurrency = concurrency
        self.breaker = breaker
        self.shedder = shedder
        self.rates = rates
        self.limits = bool(rates)
        """Whether there are limits per time: whether `limit` has anything to do."""
        self.clock = clock
        self._passed = counter(ADMISSION, method, "pass")

    def enter(self) -> Entry:
        """Lets a call in, as soon as it is known to have come: those that wait count too. Raises `Rejected`.

        The breaker hears nothing of calls that were refused: they say nothing of the method.
        """
        now = self.clock()
        for limit in self.concurrency:
            if limit.active >= limit.most:
                raise self._counted(limit.rejection())
        if self.breaker is not None and self.breaker.drops(now):
            raise self._counted(self.breaker.rejection())
        if self.shedder is not None:
            if self.shedder.drops(self.threshold, now):
                raise self._counted(self.shedder.rejection())
            self.shedder.flying += 1
        for limit in self.concurrency:
            limit.active += 1
        self._passed.add()
        return Entry(self, now)

    @property
    def is_overloaded(self) -> bool:
        """Whether the load is too high right now: servers see to it then that all calls that have come
        are let in, or not, before any of them is served. Otherwise none would ever be in flight beside
        another."""
        return self.shedder is not None and self.shedder.is_overloaded(self.threshold)

    async def limit(self, caller: str) -> None:
        """Takes a call of ``caller`` off the limits per time; raises `Rejected` when one is used up.

        ``caller`` tells apart those who have limits of their own: an account, or else an address.
        """
        for rate in self.rates:
            try:
                await rate.check(caller)
            except Rejected as rejection:
                raise self._counted(rejection) from None

    def _counted(self, rejection: Rejected) -> Rejected:
        counter(ADMISSION, self._method, rejection.reason).add()
        return rejection


class Governor:
    """Makes the guards of a service, which share its load and its limits.

    `start` it when the service does, in the loop that serves.
    """

    def __init__(
        self,
        conf: GovernedConf,
        *,
        breaker: bool = True,
        shedding: bool = True,
        concurrency: bool = True,
        clock: Clock = time.monotonic,
    ) -> None:
        """``breaker``, ``shedding`` and ``concurrency`` tell what is on at all."""
        self._conf = conf
        self._clock = clock
        self._breaker = breaker
        self._rules = Rules(conf)
        self._load = LoadMeter(conf.shedding)
        self._shedder: Shedder | None = None
        if shedding and conf.mode not in _MODES:
            self._shedder = Shedder(self._load, conf.shedding)
        self._concurrency: tuple[ConcurrencyLimit, ...] = ()
        if concurrency and conf.max_conns:
            self._concurrency = (ConcurrencyLimit("*", conf.max_conns),)

    def guard(self, method: str, *, stream: bool = False) -> Guard:
        """What stands before one method: ``/user.User/Login``, or ``POST /api/user/:id`` as in the contract.

        ``stream``: its calls last as long as their callers like, so that their time says nothing of the load.
        """
        conf, terms = self._conf, self._rules.of(method)
        breaker = terms.breaker or conf.breaker
        threshold = conf.cpu_threshold if terms.threshold is None else terms.threshold
        sheds = self._shedder is not None and threshold > 0 and not stream
        return Guard(
            method,
            timeout=terms.timeout,
            concurrency=(*self._concurrency, *terms.concurrency),
            breaker=(
                Breaker(method, breaker, clock=self._clock)
                if self._breaker and not breaker.disabled
                else None
            ),
            shedder=self._shedder if sheds else None,
            threshold=(threshold + 1000) // 2 if terms.priority else threshold,
            rates=tuple(rate for rate in (terms.rate, terms.quota) if rate is not None),
            clock=self._clock,
        )

    async def start(self) -> None:
        """Measures the load from now on, all guards having been made.

        Raises `InvalidValue` when a rule matches none of them, or ``Redis.Host`` is none, OSError when Redis
        does not answer in a service that does not start without it.
        """
        self._rules.check()
        if self._conf.redis.host:
            # It takes its time to load, which the first request shall not wait for.
            from zero_runtime import redis

            connected = redis.connect(self._conf.redis)
            if not self._conf.redis.non_block:
                await connected.check()
        if self._shedder is not None:
            self._load.start()

    async def stop(self) -> None:
        """Ends what `start` began, and the connections of limits to Redis."""
        self._load.stop()
        if self._conf.redis.host:
            from zero_runtime import redis

            await redis.close(self._conf.redis)
