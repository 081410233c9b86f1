"""``Telemetry`` and ``Prometheus``: where traces are sent, and where metrics are scraped."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Instead, Port, UrlPath

JAEGER = "it takes OTLP on port 4317 (`Batcher: otlpgrpc`) and 4318 (`Batcher: otlphttp`)"
"""What is said to those who want to send traces by Jaeger's own protocol, which Jaeger itself has given
up."""


class TelemetryConf(Conf, kw_only=True, frozen=True):
    """``Telemetry``: where traces are sent."""

    name: str = ""
    """Name of the service in traces; if empty, its own."""

    endpoint: str = ""
    """Address of the collector, or the file for the batcher ``file``; if empty, nothing is sent."""

    sampler: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """The share of the traces begun here that is sent."""

    batcher: Annotated[
        Literal["otlpgrpc", "otlphttp", "zipkin", "file"],
        Instead(jaeger=f"Jaeger's own protocol is no more: {JAEGER}"),
    ] = "otlpgrpc"
    """How: OTLP by gRPC or HTTP, Zipkin's JSON by HTTP, or lines of OTLP's JSON in a file."""

    otlp_headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Sent with every batch: the key of a collector, say."""

    otlp_http_path: str = ""
    """Path at the collector; if empty, OTLP's own ``/v1/traces``."""

    otlp_http_secure: bool = False
    """Whether the collector is spoken to in TLS."""

    disabled: bool = False


class PrometheusConf(Conf, kw_only=True, frozen=True):
    """``Prometheus``: a port of its own for metrics, besides that of ``DevServer``."""

    host: str = ""
    """If empty, there is none."""

    port: Port = 9101
    path: UrlPath = "/metrics"
