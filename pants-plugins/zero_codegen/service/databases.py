"""What the configuration of a service says of the database and the cache of its models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.service.sections import section, texts
from zero_codegen.service.wiring import Wiring

REDIS = "redis"
MEMORY = "memory"
NONE = "none"


def replicas(values: Mapping[str, Any]) -> list[str]:
    """The data sources of the replicas: a list, or a text with commas."""
    return texts(section(values, "Database").get("Replicas"))


def store(values: Mapping[str, Any]) -> object:
    """Where rows are cached; Redis if that is not said."""
    return section(values, "Cache").get("Store", REDIS)


def cache_redis(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Redis of the cache: its own, or else the service's."""
    own = section(values, "Cache", "Redis")
    return own if own.get("Host") else section(values, "Redis")


def mistakes(wiring: Wiring, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Caches that would not be there, or not tell what others have changed."""
    if not wiring.caches:
        return
    spec, where = wiring.spec, store(values)
    if where == REDIS and not cache_redis(values).get("Host"):
        cached = ", ".join(f"`{model.attribute}`" for model in wiring.models if model.cached)
        yield spec.diagnostic(
            f"`config`: rows of {cached} are cached, and no Redis is named",
            hint="set `Redis.Host` or `Cache.Redis.Host`; or set `Cache.Store` to `none`",
        )
    if where == MEMORY and spec.kind == "job":
        yield spec.diagnostic(
            f"`config`: `Cache.Store` is `{MEMORY}`, which a job cannot have: "
            "the services with the same tables would serve rows that it has changed",
            hint=f"set `Cache.Store` to `{REDIS}` or `none`, as in these services",
        )
    elif where == MEMORY and spec.replicas.max > 1:
        yield spec.diagnostic(
            f"`config`: `Cache.Store` is `{MEMORY}`, which one pod alone can have: "
            "others would serve rows that it has changed",
            hint=f"set `Cache.Store` to `{REDIS}` or `none`, or `min_replicas` and `max_replicas` to 1",
        )
