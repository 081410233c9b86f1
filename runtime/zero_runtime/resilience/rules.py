"""``Rules`` of a configuration: what some methods have for themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from zero_runtime.config import BreakerConf, GovernedConf, InvalidValue, RedisConf, RuleConf
from zero_runtime.explain import nearest
from zero_runtime.resilience.concurrency import ConcurrencyLimit
from zero_runtime.resilience.period_limit import PeriodLimit
from zero_runtime.resilience.rejection import Rejected
from zero_runtime.resilience.token_limit import TokenLimit


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``Rate`` or ``Quota`` of a rule."""

    limit: TokenLimit | PeriodLimit
    per_caller: bool

    async def check(self, caller: str) -> None:
        """Takes one call off it; raises `Rejected` when there is none left."""
        wait = await self.limit.take(caller if self.per_caller else "")
        if wait:
            raise Rejected("rate", "too many requests", wait)


@dataclass(slots=True)
class Terms:
    """What the rules say of one method; None stands for what the service has."""

    timeout: float | None = None
    threshold: int | None = None
    priority: bool = False
    breaker: BreakerConf | None = None
    concurrency: list[ConcurrencyLimit] = field(default_factory=list)
    rate: RateLimit | None = None
    quota: RateLimit | None = None


class _Rule:
    """A rule with the limits that all methods share that match it."""

    def __init__(self, service: str, conf: RuleConf, redis: RedisConf) -> None:
        name = " ".join(conf.match)
        self.conf = conf
        self.unmatched = set(conf.match)
        self.concurrency = ConcurrencyLimit(name, conf.max_conns) if conf.max_conns else None
        self.rate = self.quota = None
        if (rate := conf.rate) is not None:
            burst = rate.burst or max(1, math.ceil(rate.rate))
            tokens = TokenLimit(f"{service}:rate:{name}", rate=rate.rate, burst=burst, redis=redis)
            self.rate = RateLimit(tokens, rate.by == "caller")
        if (quota := conf.quota) is not None:
            calls = PeriodLimit(
                f"{service}:quota:{name}",
                limit=quota.limit,
                period=int(quota.period),
                align=quota.align,
                redis=redis,
            )
            self.quota = RateLimit(calls, quota.by == "caller")

    def matches(self, method: str) -> bool:
        found = {pattern for pattern in self.conf.match if fnmatchcase(method, pattern)}
        self.unmatched -= found
        return bool(found)


class Rules:
    """The rules of a service. Of two that say the same of a method the later one holds."""

    def __init__(self, conf: GovernedConf) -> None:
        self._rules = [_Rule(conf.name, rule, conf.redis) for rule in conf.rules]
        self._methods: set[str] = set()

    def of(self, method: str) -> Terms:
        """What they say of a method."""
        self._methods.add(method)
        terms = Terms()
        for rule in self._rules:
            if rule.matches(method):
                conf = rule.conf
                if conf.timeout is not None:
                    terms.timeout = conf.timeout / 1000
                if conf.cpu_threshold is not None:
                    terms.threshold = conf.cpu_threshold
                terms.priority = conf.priority or terms.priority
                terms.breaker = conf.breaker or terms.breaker
                terms.rate = rule.rate or terms.rate
                terms.quota = rule.quota or terms.quota
                if rule.concurrency is not None:
                    terms.concurrency.append(rule.concurrency)
        return terms

    def check(self) -> None:
        """Raises `InvalidValue` with all patterns that match none of the methods asked for so far."""
        wrongs = [
            f"Rules[{index}].Match: `{pattern}` matches no method{_meant(pattern, sorted(self._methods))}"
            for index, rule in enumerate(self._rules)
            for pattern in rule.conf.match
            if pattern in rule.unmatched
        ]
        if wrongs:
            raise InvalidValue("\n".join(wrongs))


def _meant(pattern: str, methods: Sequence[str]) -> str:
    close = nearest(pattern, methods)
    return f"; did you mean `{close}`?" if close else ""
