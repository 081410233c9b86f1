"""The configuration keys that the runtime knows, so that a misspelt one fails the build and not the start.

The generator never imports the runtime, hence this table; a test compares it with the runtime's own types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

Keys: TypeAlias = Mapping[str, "Keys | None"]
"""The keys of a mapping: each with the keys below it, or with None when it holds a value."""


def _keys(*values: str, **mappings: Iterable[str]) -> Keys:
    below = {name: MappingProxyType(dict.fromkeys(names)) for name, names in mappings.items()}
    return MappingProxyType(dict.fromkeys(values) | below)


_SERVICE = _keys(
    "Name",
    "Mode",
    Log=("Level", "Encoding"),
    DevServer=("Enabled", "Host", "Port", "HealthPath"),
    Shutdown=("WrapUpTime", "WaitTime"),
)
SERVERS: Mapping[str, Keys] = MappingProxyType(
    {
        "api": {**_SERVICE, **_keys("Host", "Port", "Timeout", "MaxBytes", Middlewares=("Log",))},
        "rpc": {**_SERVICE, **_keys("ListenOn", "Timeout", "Register")},
    }
)
"""What a service understands whatever it is made of, by the kind of the contract it serves."""

JWT = _keys("AccessSecret", "AccessExpire")
CLIENT = _keys("Endpoints", "Target", "Timeout")
DATA_SOURCE = "DataSource"
