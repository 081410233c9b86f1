"""What is observed of statements that a database is asked for; ``command`` is the statement's name,
``user.find_one``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zero_runtime.observability.commands import BUCKETS, CommandObserver, Families
from zero_runtime.observability.metrics import Family, Metrics
from zero_runtime.observability.trace import Sampler

if TYPE_CHECKING:
    from zero_runtime.observability.spans import SpanQueue

_log = logging.getLogger("zero.model")

DURATIONS = Family(
    "sql_client_requests_duration_ms",
    "How long statements took, in milliseconds; without the time that they waited for a connection.",
    ("command",),
    BUCKETS,
)
ERRORS = Family(
    "sql_client_requests_error_total",
    "Statements that failed, by the name of the error's code.",
    ("command", "error"),
)
SLOWS = Family("sql_client_requests_slow_total", "Statements that were slow.", ("command",))


class SqlObserver(CommandObserver):
    """Observes the statements that one server is asked for."""

    def __init__(
        self,
        system: str,
        target: str,
        *,
        slow: float = float("inf"),
        metrics: Metrics | None = None,
        sampler: Sampler | None = None,
        spans: SpanQueue | None = None,
    ) -> None:
        families = Families(DURATIONS, ERRORS, SLOWS)
        super().__init__(
            system, target, families, _log, slow=slow, metrics=metrics, sampler=sampler, spans=spans
        )
