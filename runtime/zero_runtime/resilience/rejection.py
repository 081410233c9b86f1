"""How a call is refused before anybody serves it."""

from __future__ import annotations

from typing import Literal

Reason = Literal["breaker", "shedding", "concurrency", "rate"]


class Rejected(Exception):
    """A call is refused, for the sake of the service or of its other callers; it had no effect.

    It knows nothing of transports: HTTP makes 503 of it, and 429 of ``rate``; gRPC UNAVAILABLE of ``breaker``
    and RESOURCE_EXHAUSTED of the others.
    """

    def __init__(self, reason: Reason, message: str, retry_after: float = 0) -> None:
        """``message`` is for the caller; ``retry_after`` is when it may be better, in seconds, 0 if
        unknown."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
