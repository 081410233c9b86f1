"""When the call being served ends: calls made while serving it end no later."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

served_until: ContextVar[float | None] = ContextVar("served_until", default=None)
"""Deadline of the call that the present task serves, on its loop's clock; None when there is no limit."""


def time_left(timeout: float | None) -> float | None:
    """Seconds that a call with this timeout may take; None for no limit."""
    deadline = served_until.get()
    if deadline is None:
        return timeout
    left = max(deadline - asyncio.get_running_loop().time(), 0.0)
    return left if timeout is None else min(timeout, left)


def cancelled_from_outside() -> bool:
    """Whether the server cancels the present task. Otherwise logic awaited something that was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
