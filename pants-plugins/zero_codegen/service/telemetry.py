"""What the configuration of a service says of traces and logs: where these go, and what takes them no more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.service.sections import is_port, section
from zero_codegen.service.spec import Spec

COLLECTOR_PORTS = {"otlpgrpc": 4317, "otlphttp": 4318, "zipkin": 9411}
"""The protocols' own, by what `Telemetry.Batcher` says; taken when the endpoint names no port."""
FLUENTD_PORT = 24224
"""That of Fluentd's forward protocol, when the configuration does not say."""

_JAEGER = re.compile(r":14268(?![0-9])|/api/traces(?![^?#])")
"""Where Jaeger's collector took its own protocol."""


def collector(values: Mapping[str, Any]) -> tuple[str, int] | None:
    """The endpoint that traces are sent to, and the port that it has if it names none."""
    telemetry = section(values, "Telemetry")
    endpoint, batcher = (str(telemetry.get(key) or "") for key in ("Endpoint", "Batcher"))
    batcher = batcher or "otlpgrpc"
    if not endpoint or telemetry.get("Disabled") is True or batcher not in COLLECTOR_PORTS:
        return None
    return endpoint, COLLECTOR_PORTS[batcher]


def fluentd_port(values: Mapping[str, Any]) -> int | None:
    """The port of the collector of logs, if these are sent to one."""
    fluentd = section(values, "Log", "Fluentd")
    if not fluentd.get("Host"):
        return None
    port = fluentd.get("Port", FLUENTD_PORT)
    return port if is_port(port) else FLUENTD_PORT


def mistakes(spec: Spec, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Jaeger's own protocol, which go-zero's examples name and which Jaeger itself has dropped; and a password that
    nobody would send, in plain text."""
    telemetry = section(values, "Telemetry")
    hint = "it takes OTLP on port 4317 (`Batcher: otlpgrpc`) and 4318 (`Batcher: otlphttp`)"
    if telemetry.get("Batcher") == "jaeger":
        message = "`config`: `Telemetry.Batcher`: Jaeger's own protocol is no more"
        yield spec.diagnostic(message, hint=hint)
    elif telemetry.get("Batcher") != "file" and _JAEGER.search(str(telemetry.get("Endpoint") or "")):
        message = "`config`: `Telemetry.Endpoint`: this is Jaeger's own protocol, which is no more"
        yield spec.diagnostic(message, hint=hint)
    elif telemetry.get("Batcher") != "file" and "@" in str(telemetry.get("Endpoint") or ""):
        yield spec.diagnostic(
            "`config`: `Telemetry.Endpoint` names a user, of whom the collector would not be told",
            hint='tell it by a header: `OtlpHeaders={"Authorization": "${TELEMETRY_AUTHORIZATION}"}`',
        )
