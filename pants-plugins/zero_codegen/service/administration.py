"""Where a service is asked how it is: by Kubernetes' probes, and for its metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.service.sections import is_port, section
from zero_codegen.service.spec import Spec

PORT = 6060
HEALTH_PATH = "/healthz"
READY_PATH = "/readyz"
METRICS_PATH = "/metrics"
"""Where metrics are when the configuration does not say, on either port (the default of the runtime)."""
PROMETHEUS_PORT = 9101
"""The port of `Prometheus` when the configuration does not say (go-zero's default)."""

_LOOPBACK = re.compile(r"localhost|127\..*|\[?::1\]?")


@dataclass(frozen=True)
class Administration:
    """The administration port, `DevServer`."""

    port: int
    health_path: str
    ready_path: str


@dataclass(frozen=True)
class Metrics:
    """Where Prometheus finds metrics: a port of the container, by number and by name."""

    port: int
    port_name: str
    path: str


def administration(spec: Spec, values: Mapping[str, Any]) -> Administration | None:
    """The administration port. A job has it only if its configuration says so: most runs end before anybody asks."""
    server = section(values, "DevServer")
    if not server.get("Enabled", spec.kind != "job"):
        return None
    paths = (server.get("HealthPath", HEALTH_PATH), server.get("ReadyPath", READY_PATH))
    return Administration(server.get("Port", PORT), *map(str, paths))


def metrics(spec: Spec, values: Mapping[str, Any]) -> Metrics | None:
    """Where metrics are: on a port of their own (`Prometheus`), or else on the administration port."""
    own, server = section(values, "Prometheus"), section(values, "DevServer")
    if own.get("Host"):
        return Metrics(own.get("Port", PROMETHEUS_PORT), "metrics", str(own.get("Path", METRICS_PATH)))
    administered = administration(spec, values)
    if administered is None or server.get("EnableMetrics", True) is False:
        return None
    return Metrics(administered.port, "admin", str(server.get("MetricsPath", METRICS_PATH)))


def mistakes(spec: Spec, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What probes and Prometheus would not find."""
    server, own = section(values, "DevServer"), section(values, "Prometheus")
    if spec.kind != "job" and server.get("Enabled", True) is not True:
        yield spec.diagnostic("`config`: the probes of Kubernetes need `DevServer`", hint="leave it enabled")
    paths = {key: str(server[key]) for key in ("HealthPath", "ReadyPath", "MetricsPath") if key in server}
    for key, path in paths.items():
        if not path.startswith("/"):
            yield spec.diagnostic(f"`config`: `DevServer.{key}` is no path", hint="begin it with `/`")
    if len({*paths.values(), paths.get("MetricsPath", METRICS_PATH)}) < len({*paths, "MetricsPath"}):
        message = "`config`: two of `DevServer.HealthPath`, `ReadyPath` and `MetricsPath` are the same"
        yield spec.diagnostic(message)
    if not str(own.get("Path", "/")).startswith("/"):
        yield spec.diagnostic("`config`: `Prometheus.Path` is no path", hint="begin it with `/`")
    yield from _wrong_hosts(spec, values)
    yield from _wrong_ports(spec, values)


def _wrong_hosts(spec: Spec, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Addresses at which a process hears only itself."""
    hosts = {"Prometheus.Host": section(values, "Prometheus").get("Host")}
    if administration(spec, values) is not None:
        hosts["DevServer.Host"] = section(values, "DevServer").get("Host")
    if spec.kind == "api":
        hosts["Host"] = values.get("Host")
    for key, host in hosts.items():
        if _LOOPBACK.fullmatch(str(host)):
            message = f"`config`: at `{key}`, `{host}`, nothing is heard from outside of the pod"
            yield spec.diagnostic(message, hint="write `0.0.0.0`")


def _wrong_ports(spec: Spec, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Ports that are none, or that two want."""
    ports: dict[str, object] = {}
    if (administered := administration(spec, values)) is not None:
        ports["DevServer"] = administered.port
    if (found := metrics(spec, values)) is not None and found.port_name == "metrics":
        ports["Prometheus"] = found.port
    for key, port in ports.items():
        if not is_port(port):
            hint = f"write a number: `{PORT if key == 'DevServer' else PROMETHEUS_PORT}`"
            yield spec.diagnostic(f"`config`: `{key}.Port` is no TCP port", hint=hint)
        elif port == spec.port:
            yield spec.diagnostic(f"`port`: {port} is the port of `{key}`", hint="take another")
    if len(ports) == 2 and len({*ports.values()}) == 1:
        message = "`config`: `Prometheus.Port` is the port of `DevServer`"
        yield spec.diagnostic(
            message, hint="take another, or leave `Prometheus` out: metrics are there anyway"
        )
