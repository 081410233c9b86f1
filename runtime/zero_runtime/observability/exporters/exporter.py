"""What an exporter is."""

from __future__ import annotations

from typing import Protocol

TIMEOUT = 10.0
"""Seconds that a batch may take, as OpenTelemetry's own."""


class ExportError(Exception):
    """A batch was not taken; ``final`` if it never will be."""

    def __init__(self, message: str, *, final: bool) -> None:
        super().__init__(message)
        self.final = final


class Exporter(Protocol):
    """Sends batches of spans; used by one thread."""

    def export(self, request: bytes) -> None:
        """Sends a batch, which is an ``ExportTraceServiceRequest``. Raises `ExportError`."""

    def close(self) -> None:
        """Lets go of what it holds open."""
