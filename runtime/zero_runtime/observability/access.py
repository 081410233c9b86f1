"""The access log: one line per request or call."""

from __future__ import annotations

import logging
from typing import Protocol

from zero_runtime.observability.output import Record, timestamp
from zero_runtime.observability.trace import Span

LOGGER = "zero.access"

_log = logging.getLogger(LOGGER)


class AccessLine(Record, omit_defaults=True, gc=False):
    """What a line says in JSON; the keys are those of `logs.formats.Json`."""

    level: str
    service: str
    logger: str
    content: str
    duration: str
    status: int | None = None
    """Of HTTP."""
    code: str | None = None
    """Of gRPC: ``NOT_FOUND``."""
    client: str | None = None
    trace: str = ""
    span: str = ""

    def log(self) -> None:
        """Sends it through `logging`, which adds time and trace.

        The record is made by hand: the search for the caller in `logging` costs as much as all the rest.
        """
        level = logging.INFO if self.level == "info" else logging.WARNING
        record = logging.LogRecord(LOGGER, level, __file__, 0, self.content, None, None)
        if self.status is not None:
            record.status = self.status
        if self.code is not None:
            record.code = self.code
        record.duration = self.duration
        record.client = self.client
        _log.handle(record)


class Ended(Protocol):
    """What has ended, and is told."""

    span: Span | None
    seconds: float
    """How long it took."""
    ended: float
    """When it ended, in seconds since the epoch."""


class AccessLog:
    """Makes the lines of requests and calls: at the level ``info``, of slow ones as warnings.

    A line has the path without the query string, which may hold secrets.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def line(
        self,
        content: str,
        ended: Ended,
        client: str | None,
        *,
        slow: bool,
        status: int | None = None,
        code: str | None = None,
    ) -> AccessLine | None:
        """The line of what has ended; None when its level is not logged."""
        if not _log.isEnabledFor(logging.WARNING if slow else logging.INFO):
            return None
        span = ended.span
        return AccessLine(
            timestamp(ended.ended),
            "warn" if slow else "info",
            self._service,
            LOGGER,
            content,
            f"{ended.seconds * 1000:.1f}ms",
            status,
            code,
            client,
            span.trace_id if span else "",
            span.span_id if span else "",
        )
