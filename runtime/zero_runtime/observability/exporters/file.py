"""Spans in a file, as lines of OTLP's JSON."""

from __future__ import annotations

import base64
import os
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from zero_runtime.config import InvalidValue
from zero_runtime.observability.exporters.exporter import ExportError

_IDS = ("traceId", "spanId", "parentSpanId")


class FileExporter:
    """Appends each batch to a file as one line, which collectors read too (receiver ``otlpjsonfile``)."""

    def __init__(self, file: str) -> None:
        try:
            self._fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidValue(f"Telemetry.Endpoint: {file} cannot be written: {reason}") from None

    def export(self, request: bytes) -> None:
        line = msgspec.json.encode(_json(request)) + b"\n"
        try:
            os.write(self._fd, line)  # at once, so that the lines of several workers do not mix
        except OSError as error:
            raise ExportError((error.strerror or str(error)).lower(), final=True) from None

    def close(self) -> None:
        os.close(self._fd)


def _json(request: bytes) -> Any:
    """protobuf's JSON with ids in hexadecimal, which is OTLP's one exception from it."""
    content = MessageToDict(ExportTraceServiceRequest.FromString(request), use_integers_for_enums=True)
    for resource in content["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                span |= {name: base64.b64decode(span[name]).hex() for name in _IDS if name in span}
    return content
