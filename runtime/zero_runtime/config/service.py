"""The configuration that every service has."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Port, ServiceName, UrlPath
from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded


class LogConf(Conf, kw_only=True, frozen=True):
    """``Log``: what is logged, and how."""

    level: Literal["debug", "info", "warn", "error", "severe"] = "info"
    """The least severe level that is logged."""

    encoding: Annotated[Literal["json", "plain"], Embedded("plain")] = "json"
    """One JSON object per line for machines, or plain text for a terminal."""


class TelemetryConf(Conf, kw_only=True, frozen=True):
    """``Telemetry``: where traces are sent."""

    name: str = ""
    """Name of the service in traces; if empty, its own."""

    endpoint: str = ""
    """Address of the collector, or the file for the batcher ``file``; if empty, nothing is sent."""

    sampler: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """The share of the traces begun here that is sent."""

    batcher: Literal["otlpgrpc", "otlphttp", "file"] = "otlpgrpc"
    otlp_headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Sent with every batch: the key of a collector, say."""

    otlp_http_path: str = ""
    """Path at the collector; if empty, OTLP's own ``/v1/traces``."""

    otlp_http_secure: bool = False
    """Whether the collector is spoken to in TLS."""

    disabled: bool = False


class DevServerConf(Conf, kw_only=True, frozen=True):
    """``DevServer``: the administration port, for Kubernetes, Prometheus and the like."""

    enabled: bool | None = None
    """Whether there is one; if that is not said, in every mode but ``dev``."""

    host: str = "0.0.0.0"
    port: Port = 6060
    health_path: UrlPath = "/healthz"
    """Tells that the process is alive."""

    ready_path: UrlPath = "/readyz"
    """Tells whether the service takes work."""

    metrics_path: UrlPath = "/metrics"
    enable_metrics: bool = True

    def __post_init__(self) -> None:
        if len({self.health_path, self.ready_path, self.metrics_path}) < 3:
            raise ValueError("two of HealthPath, ReadyPath and MetricsPath are the same")


class ShutdownConf(Conf, kw_only=True, frozen=True):
    """``Shutdown``: how a service ends on SIGTERM."""

    wrap_up_time: Annotated[Duration, Embedded("0s")] = msgspec.field(default=Duration(1.0))
    """How long it still takes new work while it tells that it is not ready, for load balancers to notice."""

    wait_time: Duration = msgspec.field(default=Duration(5.5))
    """How long work in flight may last after that."""


class ServiceConf(Conf, kw_only=True, frozen=True):
    """What every service has."""

    name: ServiceName
    """Name of the service in logs and in discovery."""

    mode: Annotated[Literal["dev", "test", "rt", "pre", "pro"], Embedded("dev")] = "pro"
    """Purpose of the process. ``dev`` also creates the tables of its models when they are missing."""

    log: LogConf = LogConf()
    telemetry: TelemetryConf = TelemetryConf()
    dev_server: DevServerConf = DevServerConf()
    shutdown: ShutdownConf = ShutdownConf()

    @property
    def has_dev_server(self) -> bool:
        """Whether the administration port is served."""
        return self.mode != "dev" if self.dev_server.enabled is None else self.dev_server.enabled
