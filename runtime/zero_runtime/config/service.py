"""The configuration that every service has."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Port, ServiceName, UrlPath
from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded
from zero_runtime.config.logs import LogConf
from zero_runtime.config.telemetry import PrometheusConf, TelemetryConf


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
    enable_pprof: bool = False
    """Whether it can be asked where the process spends its time, at ``/debug/pprof/profile``."""

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
    prometheus: PrometheusConf = PrometheusConf()
    dev_server: DevServerConf = DevServerConf()
    shutdown: ShutdownConf = ShutdownConf()

    @property
    def has_dev_server(self) -> bool:
        """Whether the administration port is served."""
        return self.mode != "dev" if self.dev_server.enabled is None else self.dev_server.enabled

    @property
    def has_admin(self) -> bool:
        """Whether anything is served besides the service itself: the administration port, or metrics."""
        return self.has_dev_server or self.prometheus.host != ""

    @property
    def has_metrics(self) -> bool:
        """Whether metrics can be scraped anywhere, so that they are counted."""
        return (self.has_dev_server and self.dev_server.enable_metrics) or self.prometheus.host != ""
