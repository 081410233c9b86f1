"""Where spans go: a collector that speaks OTLP by HTTP or gRPC, or Zipkin's JSON, or a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from zero_runtime.config import InvalidValue, TelemetryConf
from zero_runtime.config.telemetry import JAEGER
from zero_runtime.observability.exporters.exporter import Exporter, ExportError

__all__ = ["ExportError", "Exporter", "exporter"]

_PORTS = {"otlpgrpc": 4317, "otlphttp": 4318, "zipkin": 9411}
_OTLP_PATH, _ZIPKIN_PATH = "/v1/traces", "/api/v2/spans"
_JAEGER_PORT, _JAEGER_PATH = 14268, "/api/traces"
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
    path = url.path.rstrip("/")
    secure = url.scheme == "https" or conf.otlp_http_secure
    if conf.batcher == "otlpgrpc":
        from zero_runtime.observability.exporters.grpc import GrpcExporter

        return GrpcExporter(host, port, secure=secure, headers=conf.otlp_headers)
    if conf.batcher == "zipkin":
        from zero_runtime.observability.exporters.zipkin import ZipkinExporter

        return ZipkinExporter(host, port, secure=secure, path=path or _ZIPKIN_PATH, headers=conf.otlp_headers)
    from zero_runtime.observability.exporters.http import HttpExporter

    path = conf.otlp_http_path or path or _OTLP_PATH
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
    if url.username is not None or url.query or url.fragment:
        raise InvalidValue(
            "Telemetry.Endpoint: it takes neither a user nor what follows `?` or `#`; a collector's key is one"
            " of `OtlpHeaders`"
        )
    if url.path == _JAEGER_PATH or url.port == _JAEGER_PORT:
        raise InvalidValue(f"Telemetry.Endpoint: this is Jaeger's old protocol; {JAEGER}")
    return url
