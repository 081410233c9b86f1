"""The configuration keys that the runtime knows, so that a misspelt one fails the build and not the start.

The generator never imports the runtime, hence this table; a test compares it with the runtime's own types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

Keys: TypeAlias = Mapping[str, "Keys | Each | None"]
"""The keys of a mapping: each with the keys below it, or with None when it holds a value; empty where any key
will do."""


@dataclass(frozen=True)
class Each:
    """What a key holds that has a list: mappings with these keys."""

    keys: Keys


def _keys(*values: str, **below: Keys | Each) -> dict[str, Keys | Each | None]:
    return {**dict.fromkeys(values), **below}


_BREAKER = _keys("Disabled", "Window", "Buckets", "K", "MinK", "Protection", "ForcePass", "Patience")
_ETCD = _keys(
    *("Hosts", "Key", "ID", "User", "Pass"),
    *("CertFile", "CertKeyFile", "CACertFile", "InsecureSkipVerify"),
)
_REDIS = _keys("Host", "Type", "User", "Pass", "Tls", "NonBlock", "PingTimeout", "Protocol")
_SERVICE = _keys(
    "Name",
    "Mode",
    Log=_keys(
        *("Level", "Encoding", "Mode", "Path", "Rotation", "MaxSize", "KeepDays", "MaxBackups", "Compress"),
        Fluentd=_keys(
            *("Host", "Port", "Tag", "Key", "Ack", "Timeout", "BufferBytes", "Spill", "SpillBytes"),
            *("SharedKey", "User", "Pass", "Tls", "CACertFile"),
        ),
    ),
    Prometheus=_keys("Host", "Port", "Path"),
    DevServer=_keys(
        *(
            "Enabled",
            "Host",
            "Port",
            "HealthPath",
            "ReadyPath",
            "MetricsPath",
            "EnableMetrics",
            "EnablePprof",
        ),
    ),
    Shutdown=_keys("WrapUpTime", "WaitTime"),
    Telemetry=_keys(
        *("Name", "Endpoint", "Sampler", "Batcher", "OtlpHttpPath", "OtlpHttpSecure", "Disabled"),
        OtlpHeaders={},
    ),
)
_GOVERNED = _keys(
    "CpuThreshold",
    "MaxConns",
    Breaker=_BREAKER,
    Shedding=_keys(
        *("Window", "Buckets", "MinRt", "FlyingBeta", "MinFactor", "Tolerance"),
        *("CoolOff", "CpuInterval", "CpuBeta"),
    ),
    Redis=_REDIS,
    Rules=Each(
        _keys(
            *("Match", "Timeout", "MaxConns", "CpuThreshold", "Priority"),
            Breaker=_BREAKER,
            Rate=_keys("Rate", "Burst", "By"),
            Quota=_keys("Limit", "Period", "Align", "By"),
        )
    ),
)
_REST = _keys(
    *(
        "Host",
        "Port",
        "CertFile",
        "KeyFile",
        "Workers",
        "Timeout",
        "MaxBytes",
        "ErrorFormat",
        "TraceIgnorePaths",
    ),
    Cors=_keys("Origins", "Headers", "ExposeHeaders", "Credentials", "MaxAge"),
    Gzip=_keys("Level", "MinBytes"),
    Signature=_keys("Strict", "Expiry", PrivateKeys=Each(_keys("Fingerprint", "KeyFile"))),
    Middlewares=_keys(
        *("Trace", "Log", "Prometheus", "MaxConns", "Breaker", "Shedding", "Timeout", "MaxBytes", "Gunzip"),
    ),
)
_RPC = _keys(
    *("ListenOn", "Timeout", "Register", "Health", "Auth", "AuthKey", "StrictControl"),
    *("CertFile", "KeyFile", "CACertFile", "MaxRecvMsgSize", "MaxSendMsgSize"),
    MethodTimeouts=Each(_keys("FullMethod", "Timeout")),
    Etcd=_ETCD,
    Keepalive=_keys(
        *("Time", "Timeout", "MinTime", "MaxConnectionIdle", "MaxConnectionAge", "MaxConnectionAgeGrace"),
    ),
    Middlewares=_keys(
        *("Trace", "Recover", "Stat", "Prometheus", "Breaker"), StatConf=_keys("SlowThreshold")
    ),
)
SERVERS: Mapping[str, Keys] = MappingProxyType(
    {
        "api": {**_SERVICE, **_GOVERNED, **_REST},
        "rpc": {**_SERVICE, **_GOVERNED, **_RPC},
        "job": {**_SERVICE, "Redis": _REDIS},
    }
)
"""What a service understands whatever it is made of, by the kind of the contract it serves; a job serves none."""

JWT = _keys("AccessSecret", "AccessExpire")
JWT_TRANSITION = _keys("Secret", "PrevSecret")
CLIENT = _keys(
    *("Endpoints", "Target", "App", "Token", "Timeout", "KeepaliveTime", "Transport", "BalancerName"),
    "Subset",
    *("Tls", "CACertFile", "CertFile", "KeyFile", "ServerName", "MaxRecvMsgSize", "MaxSendMsgSize"),
    Etcd=_ETCD,
    Retry=_keys("Attempts", "Backoff", "Budget"),
    Breaker=_BREAKER,
    Middlewares=_keys("Trace", "Duration", "Prometheus", "Breaker", "Timeout"),
)
DATA_SOURCE = "DataSource"
DATABASE = _keys(
    *("Replicas", "Policy", "MaxOpen", "MaxIdle", "MaxLifetime", "WaitTimeout", "StatementTimeout"),
    "SlowThreshold",
    Breaker=_BREAKER,
)
CACHE = _keys(
    *("Store", "Prefix", "Expiry", "NotFoundExpiry", "Jitter", "Local", "LocalSize", "MaxLoads", "LoadWait"),
    Redis=_REDIS,
)
