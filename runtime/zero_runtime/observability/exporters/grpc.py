"""Spans to a collector by OTLP over gRPC."""

from __future__ import annotations

from collections.abc import Mapping

import grpc

from zero_runtime.observability.exporters.exporter import TIMEOUT, ExportError

_RETRIED = frozenset(
    (
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    )
)
"""What OTLP's specification counts as passing."""


class GrpcExporter:
    """Calls the trace service of a collector."""

    def __init__(self, host: str, port: int, *, secure: bool, headers: Mapping[str, str]) -> None:
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        credentials = grpc.ssl_channel_credentials() if secure else None
        self._channel = (
            grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target)
        )
        self._export = self._channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        )
        self._metadata = tuple((name.lower(), value) for name, value in headers.items())

    def export(self, request: bytes) -> None:
        try:
            self._export(request, timeout=TIMEOUT, metadata=self._metadata)
        except grpc.RpcError as error:
            message = f"{error.code().name}: {error.details()}"
            raise ExportError(message, final=error.code() not in _RETRIED) from None

    def close(self) -> None:
        self._channel.close()
