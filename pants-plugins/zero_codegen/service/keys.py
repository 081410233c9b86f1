"""The configuration keys that the runtime knows, so that a misspelt one fails the build and not the start.

The generator never imports the runtime, hence this table; a test compares it with the runtime's own types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

Keys: TypeAlias = Mapping[str, "Keys | None"]
"""The keys of a mapping: each with the keys below it, or with None when it holds a value; empty where any key
will do."""


def _keys(*values: str, **mappings: Iterable[str]) -> dict[str, Keys | None]:
    below = {name: MappingProxyType(dict.fromkeys(names)) for name, names in mappings.items()}
    return {**dict.fromkeys(values), **below}


_SERVICE = _keys(
    "Name",
    "Mode",
    Log=("Level", "Encoding"),
    DevServer=(
        "Enabled",
        "Host",
        "Port",
        "HealthPath",
        "ReadyPath",
        "MetricsPath",
        "EnableMetrics",
    ),
    Shutdown=("WrapUpTime", "WaitTime"),
) | {
    "Telemetry": _keys(
        "Name",
        "Endpoint",
        "Sampler",
        "Batcher",
        "OtlpHttpPath",
        "OtlpHttpSecure",
        "Disabled",
        OtlpHeaders=(),
    )
}
_REST = _keys(
    "Host",
    "Port",
    "CertFile",
    "KeyFile",
    "Workers",
    "Timeout",
    "MaxBytes",
    "MaxConns",
    "ErrorFormat",
    "TraceIgnorePaths",
    Cors=("Origins", "Headers", "ExposeHeaders", "Credentials", "MaxAge"),
    Gzip=("Level", "MinBytes"),
    Signature=("Strict", "Expiry", "PrivateKeys"),
    Middlewares=("Trace", "Log", "Prometheus", "MaxConns", "Timeout", "MaxBytes", "Gunzip"),
)
SERVERS: Mapping[str, Keys] = MappingProxyType(
    {
        "api": {**_SERVICE, **_REST},
        "rpc": {**_SERVICE, **_keys("ListenOn", "Timeout", "Register")},
    }
)
"""What a service understands whatever it is made of, by the kind of the contract it serves."""

JWT = _keys("AccessSecret", "AccessExpire")
JWT_TRANSITION = _keys("Secret", "PrevSecret")
CLIENT = _keys("Endpoints", "Target", "Timeout")
DATA_SOURCE = "DataSource"
