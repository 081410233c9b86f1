"""Spans to a collector over HTTP: by OTLP, unless a subclass says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

from zero_runtime.observability.exporters.exporter import TIMEOUT, ExportError

_RETRIED = frozenset((429, 502, 503, 504))
"""What OTLP's specification counts as passing."""


class HttpExporter:
    """Posts batches in protobuf over one connection."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        secure: bool,
        path: str,
        headers: Mapping[str, str],
        content_type: str = "application/x-protobuf",
    ) -> None:
        connect = HTTPSConnection if secure else HTTPConnection
        self._connection = connect(host, port, timeout=TIMEOUT)
        self._path = path
        self._headers = {**headers, "Content-Type": content_type}

    def export(self, request: bytes) -> None:
        try:
            response = self._posted(request)
        except (OSError, HTTPException) as error:
            self._connection.close()  # the next request opens it again
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ExportError(reason.lower(), final=False) from None
        if response.status >= 300:
            message = f"it answered {response.status} {response.reason}"
            raise ExportError(message, final=response.status not in _RETRIED)

    def _posted(self, request: bytes) -> HTTPResponse:
        connection = self._connection
        reused = connection.sock is not None
        try:
            connection.request("POST", self._path, request, self._headers)
            response = connection.getresponse()
        except ConnectionError:
            connection.close()
            if not reused:
                raise
            return self._posted(request)  # the collector had closed the connection, which was idle
        with response:
            response.read()
        return response

    def close(self) -> None:
        self._connection.close()
