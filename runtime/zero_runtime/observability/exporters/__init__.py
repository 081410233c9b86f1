"""Where spans go: a collector that speaks OTLP by HTTP or gRPC, or a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from zero_runtime.config import InvalidValue, TelemetryConf
from zero_runtime.observability.exporters.exporter import Exporter, ExportError

__all__ = ["ExportError", "Exporter", "exporter"]

_PORTS = {"otlpgrpc": 4317, "otlphttp": 4318}
_TRACES = "/v1/traces"
_HEADER = re.compile(r"[0-9A-Za-z_.-]+: [ -~]*")
"""What HTTP and gRPC both send."""


def exporter(conf: TelemetryConf) -> Exporter:
    """The exporter that ``Batcher`` names, of which each loads what it needs.

    Raises `config.InvalidValue` when ``Endpoint`` is none for it, or ``OtlpHeaders`` are no headers.
    """
    if conf.batcher == "file":
        from zero_runtime.observability.exporters.file import FileExporter

        return FileExporter(conf.endpoint)
    _check(conf.otlp_headers)
    url = _url(conf.endpoint, _PORTS[conf.batcher])
    host, port = url.hostname or "", url.port or _PORTS[conf.batcher]
    secure = url.scheme == "https" or conf.otlp_http_secure
    if conf.batcher == "otlpgrpc":
        from zero_runtime.observability.exporters.grpc import GrpcExporter

        return GrpcExporter(host, port, secure=secure, headers=conf.otlp_headers)
    from zero_runtime.observability.exporters.http import HttpExporter

    path = conf.otlp_http_path or url.path.rstrip("/") or _TRACES
    return HttpExporter(host, port, secure=secure, path=path, headers=conf.otlp_headers)


def _check(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER.fullmatch(f"{name}: {value}"):
            raise InvalidValue(
                f"Telemetry.OtlpHeaders.{name}: no header can be that: it has to be ASCII in one line"
            )


def _url(endpoint: str, port: int) -> SplitResult:
    """An endpoint as a URL, whose scheme may be missing; ``port`` is the usual one."""
    try:
        url = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
        good = url.scheme in ("", "http", "https") and url.hostname and url.port != 0
    except ValueError:
        good = False
    if not good:
        raise InvalidValue(f"Telemetry.Endpoint: expected an address such as `collector:{port}`")
    if url.path == "/api/traces":
        raise InvalidValue(
            "Telemetry.Endpoint: this is Jaeger's old protocol; "
            "it takes OTLP on port 4317 (`Batcher: otlpgrpc`) and 4318 (`Batcher: otlphttp`)"
        )
    return url
