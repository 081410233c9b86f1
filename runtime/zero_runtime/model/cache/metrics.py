"""What is counted of the cache."""

from __future__ import annotations

from zero_runtime.observability.metrics import Family, counter

_READS = Family(
    "zero_cache_total",
    "Reads of single rows by table: answered by the cache (hit), by this process's memory (local), by a "
    "placeholder (placeholder), by the database because nothing was cached (miss), or because the cache was "
    "away (away).",
    labels=("table", "result"),
)
OWED = Family("zero_cache_owed_total", "Keys that could not be deleted when their rows changed.")
PAID = Family("zero_cache_paid_total", "Those of them that were deleted later.")
LOST = Family("zero_cache_lost_total", "Those of them that were given up.")


class Reads:
    """How reads of a table were answered."""

    __slots__ = ("away", "hit", "local", "miss", "placeholder")

    def __init__(self, table: str) -> None:
        self.hit = counter(_READS, table, "hit")
        self.local = counter(_READS, table, "local")
        self.placeholder = counter(_READS, table, "placeholder")
        self.miss = counter(_READS, table, "miss")
        self.away = counter(_READS, table, "away")
