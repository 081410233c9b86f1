"""The configuration of what keeps a service alive under faults and load: see `zero_runtime.resilience`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Milliseconds
from zero_runtime.config.durations import Duration
from zero_runtime.config.redis import RedisConf
from zero_runtime.config.service import ServiceConf

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A part of a whole."""

Thousandths = Annotated[int, msgspec.Meta(ge=0, lt=1000)]
"""A load, in thousandths of what the service may use; 0 means none counts."""

Buckets = Annotated[int, msgspec.Meta(ge=2, le=1000)]
"""In how many parts a window is counted."""


def _window(window: Duration) -> None:
    if not window:
        raise ValueError("`Window` is 0")


class BreakerConf(Conf, kw_only=True, frozen=True):
    """``Breaker``: when calls of a method that fails are not made any more. The defaults are go-zero's."""

    disabled: bool = False
    window: Duration = msgspec.field(default=Duration(10.0))
    """How long calls are remembered."""

    buckets: Buckets = 40
    k: Annotated[float, msgspec.Meta(ge=1)] = 1.5
    """How many calls are let through per call that succeeds: 1.5 while half as many fail as succeed."""

    min_k: Annotated[float, msgspec.Meta(ge=1)] = 1.1
    """What ``K`` goes down to while nothing succeeds."""

    protection: Annotated[int, msgspec.Meta(ge=0)] = 5
    """Failed calls per window that never count: a handful tells nothing."""

    patience: Duration = msgspec.field(default=Duration(1.0))
    """How long all calls may fail before those that succeeded earlier count no more; 0 is until they are
    forgotten, as in go-zero."""

    force_pass: Duration = msgspec.field(default=Duration(1.0))
    """After which time without a call one is let through, to see whether it is well again."""

    def __post_init__(self) -> None:
        _window(self.window)
        if self.min_k > self.k:
            raise ValueError("`MinK` is greater than `K`")


class SheddingConf(Conf, kw_only=True, frozen=True):
    """``Shedding``: when calls are refused because the service is overloaded."""

    window: Duration = msgspec.field(default=Duration(5.0))
    """How long the calls that were served are remembered."""

    buckets: Buckets = 50
    min_rt: Duration = msgspec.field(default=Duration(1.0))
    """How long a call is taken to last while none is remembered."""

    flying_beta: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5
    """How much the calls in flight on average are made of their average before; go-zero's 0.9 lets twenty
    more in before it sees them, and a loop reads a hundred in one go."""

    min_factor: Share = 0.1
    """Which part of the calls that fit is always let in, however high the load."""

    tolerance: Duration = msgspec.field(default=Duration(0.1))
    """How long calls may wait for one another: as many as are served in this time are never too many."""

    cool_off: Duration = msgspec.field(default=Duration(1.0))
    """How long after the load was too high calls are still refused."""

    cpu_interval: Duration = msgspec.field(default=Duration(0.25))
    """How often the load is measured."""

    cpu_beta: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.6
    """How much the load is made of what it was one interval before: with 0.6 it is believed after a second,
    with go-zero's 0.95 after 11 s, when callers have waited in vain for long."""

    def __post_init__(self) -> None:
        _window(self.window)
        if not self.cpu_interval:
            raise ValueError("`CpuInterval` is 0")


class RateConf(Conf, kw_only=True, frozen=True):
    """``Rate`` of a rule: calls per second, evened out by a bucket of tokens."""

    rate: Annotated[float, msgspec.Meta(gt=0)]
    """How many calls per second there may be for long."""

    burst: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How many there may be at once; 0 is what comes in a second, and at least one."""

    by: Literal["all", "caller"] = "all"
    """Whether all callers share it, or each has its own."""


class QuotaConf(Conf, kw_only=True, frozen=True):
    """``Quota`` of a rule: calls per period of time."""

    limit: Annotated[int, msgspec.Meta(ge=1)]
    """How many calls there may be in one period."""

    period: Duration
    """How long it is, in whole seconds; the first call begins it."""

    align: bool = False
    """Whether periods begin at fixed times instead: those of 24h at midnight, in the time zone of the
    service."""

    by: Literal["all", "caller"] = "all"
    """Whether all callers share it, or each has its own."""

    def __post_init__(self) -> None:
        if self.period < 1 or self.period % 1:
            raise ValueError("`Period` is not made of whole seconds")


class RuleConf(Conf, kw_only=True, frozen=True):
    """One of ``Rules``: what the methods that match have for themselves; what is not said stays as it is."""

    match: Annotated[list[Annotated[str, msgspec.Meta(min_length=1)]], msgspec.Meta(min_length=1)]
    """Methods, as ``/user.User/Login`` and ``POST /api/user/:id``; ``*`` stands for any characters."""

    timeout: Milliseconds | None = None
    """How long one call may take; 0 is no limit."""

    max_conns: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """How many calls of all that match each worker serves at a time, besides the limit of the service; 0 is
    no limit."""

    cpu_threshold: Thousandths | None = None
    """From which load on they are shed; 0 sheds none."""

    priority: bool = False
    """Whether they are shed later than others: at half the way from the threshold to 1000."""

    breaker: BreakerConf | None = None
    rate: RateConf | None = None
    quota: QuotaConf | None = None


class GovernedConf(ServiceConf, kw_only=True, frozen=True):
    """What services have that serve calls."""

    cpu_threshold: Thousandths = 900
    """From which load on, in thousandths of what the service may use, calls are shed; 0 sheds none."""

    max_conns: Annotated[int, msgspec.Meta(ge=0)] = 10000
    """How many requests each worker serves at a time; further ones are refused. 0 means no limit."""

    breaker: BreakerConf = BreakerConf()
    shedding: SheddingConf = SheddingConf()
    redis: RedisConf = RedisConf()
    rules: list[RuleConf] = msgspec.field(default_factory=list)
    """What some methods have for themselves; later ones win over earlier ones."""
