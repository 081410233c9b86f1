"""What takes the logs and the traces of services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zero_codegen import templates
from zero_codegen.stack.fleet import Fleet

FLUENTD_PORT = 24224
OTLP_GRPC, OTLP_HTTP, ZIPKIN = 4317, 4318, 9411
"""The ports of the protocols."""
METRICS = 8888
"""Of the OpenTelemetry collector itself."""
HEALTH = 13133

_MEMORY_MIB = 400
"""What the OpenTelemetry collector may use before it tells services to wait."""


def fluentd(fleet: Fleet) -> str:
    """A configuration that takes records on Fluentd's port and writes a file per service and day.

    A record is written as JSON; of a service that sends its line as text under one key (`Log.Fluentd.Key`),
    just that line.
    """
    keys: dict[str, list[str]] = {}
    for member in fleet:
        conf = member.section("Log", "Fluentd")
        if key := conf.get("Key"):
            keys.setdefault(str(key), []).append(str(conf.get("Tag") or member.name))
    return templates.render(__file__, "fluent.conf.jinja", port=FLUENTD_PORT, keys=sorted(keys.items()))


def opentelemetry() -> Mapping[str, Any]:
    """A configuration that takes spans in the protocols that services can send, and passes them on to
    Jaeger."""
    return {
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": f"0.0.0.0:{OTLP_GRPC}"},
                    "http": {"endpoint": f"0.0.0.0:{OTLP_HTTP}"},
                }
            },
            "zipkin": {"endpoint": f"0.0.0.0:{ZIPKIN}"},
        },
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_mib": _MEMORY_MIB},
            "batch": {},
        },
        "exporters": {"otlp/jaeger": {"endpoint": f"jaeger:{OTLP_GRPC}", "tls": {"insecure": True}}},
        "extensions": {"health_check": {"endpoint": f"0.0.0.0:{HEALTH}"}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {
                "metrics": {
                    "readers": [{"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": METRICS}}}}]
                }
            },
            "pipelines": {
                "traces": {
                    "receivers": ["otlp", "zipkin"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["otlp/jaeger"],
                }
            },
        },
    }
