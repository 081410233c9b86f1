"""The access log: one line per request."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from zero_runtime.observability.http import Observed

LOGGER = "zero.access"

_log = logging.getLogger(LOGGER)


class AccessLine(msgspec.Struct, omit_defaults=True, gc=False):
    """What a line says in JSON; the keys are those of `logs.Json`."""

    time: str = msgspec.field(name="@timestamp")
    level: str
    service: str
    logger: str
    content: str
    status: int
    duration: str
    client: str | None = None
    trace: str = ""
    span: str = ""

    def log(self) -> None:
        """Sends it through `logging`, which adds time and trace.

        The record is made by hand: the search for the caller in `logging` costs as much as all the rest.
        """
        level = logging.INFO if self.level == "info" else logging.WARNING
        record = logging.LogRecord(LOGGER, level, __file__, 0, self.content, None, None)
        record.status = self.status
        record.duration = self.duration
        record.client = self.client
        _log.handle(record)


class AccessLog:
    """Makes the lines of requests: at the level ``info``, of slow ones as warnings.

    A line has the path without the query string, which may hold secrets.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._millisecond = 0
        self._written = ""

    def line(self, observed: Observed, *, slow: bool) -> AccessLine | None:
        """The line of a request that has ended; None when its level is not logged."""
        if not _log.isEnabledFor(logging.WARNING if slow else logging.INFO):
            return None
        content = f"{observed.method} {observed.path}"
        span = observed.span
        return AccessLine(
            self._time(observed.ended),
            "warn" if slow else "info",
            self._service,
            LOGGER,
            f"slow: {content}" if slow else content,
            observed.status,
            f"{observed.seconds * 1000:.1f}ms",
            observed.client,
            span.trace_id if span else "",
            span.span_id if span else "",
        )

    def _time(self, now: float) -> str:
        """As `logs.Json` writes it. Requests of the same millisecond share it."""
        millisecond = int(now * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            moment = datetime.fromtimestamp(millisecond / 1000, UTC)
            self._written = moment.isoformat(timespec="milliseconds")
        return self._written
