"""What is counted of the decisions made here. Names are those of methods and limits, never of callers."""

from __future__ import annotations

from zero_runtime.observability.metrics import Counter, Family, counter

_LABELS = ("name", "decision")

ADMISSION = Family(
    "zero_admission_total",
    "Calls by method that were let in (pass), or refused by breaker, shedding, concurrency or rate.",
    labels=_LABELS,
)
BREAKER = Family(
    "zero_breaker_total",
    "Calls to others that breakers let through (pass) and dropped (drop).",
    labels=_LABELS,
)
CONCURRENCY = Family(
    "zero_concurrency_total", "Decisions of limits of concurrent calls in logic: pass, drop.", labels=_LABELS
)
RATE = Family("zero_rate_total", "Decisions of limits per time: pass, drop.", labels=_LABELS)
RESCUES = Family(
    "zero_rate_rescue_total", "Decisions of limits per time without Redis, which was away.", labels=("name",)
)
SINGLE_FLIGHT = Family(
    "zero_single_flight_total",
    "Work that was begun (begin), and that was waited for by others (join).",
    labels=_LABELS,
)


def decisions(family: Family, name: str, yes: str = "pass", no: str = "drop") -> tuple[Counter, Counter]:
    """The counters of the two decisions that there are on ``name``."""
    return counter(family, name, yes), counter(family, name, no)
