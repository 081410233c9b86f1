"""The access log: one line per request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

_log = logging.getLogger("zero.access")


def log_access(scope: Mapping[str, Any], status: int, seconds: float) -> None:
    """Logs a request of the ASGI ``scope``, without its query string, which may hold secrets.

    The record is made by hand: the search for the caller in `logging` costs as much as all the rest.
    """
    if not _log.isEnabledFor(logging.INFO):
        return
    record = logging.LogRecord(
        _log.name, logging.INFO, __file__, 0, "%s %s", (scope["method"], scope["path"]), None
    )
    client = scope.get("client")
    record.status = status
    record.duration = f"{seconds * 1000:.1f}ms"
    record.client = client[0] if client else None
    _log.handle(record)
