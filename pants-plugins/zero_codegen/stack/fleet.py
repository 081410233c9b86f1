"""The services of a stack: what is around them follows from their wiring and their configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from zero_codegen import api
from zero_codegen.service import administration, databases, keys
from zero_codegen.service.sections import section
from zero_codegen.service.wiring import Wiring
from zero_codegen.source import read_contract

Kind = Literal["api", "rpc", "job"]

TIMEOUTS = {"api": 3000, "rpc": 2000}
"""Of a call in milliseconds, where the configuration does not say; the runtime's defaults, which are
go-zero's."""

_QUANTITY = re.compile(r"([0-9]+)([KMGT]i|[kMGT])?")
_BYTES: dict[str, int] = {"": 1, **{unit: 1000 ** (power + 1) for power, unit in enumerate("kMGT")}}
_BYTES |= {f"{unit}i": 1024 ** (power + 1) for power, unit in enumerate("KMGT")}


@dataclass(frozen=True)
class Member:
    """One service and the configuration that it is deployed with."""

    wiring: Wiring
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.wiring.spec.name

    @property
    def kind(self) -> Kind:
        return self.wiring.spec.kind

    @property
    def port(self) -> int:
        """What it listens on; a job does not."""
        assert self.wiring.spec.port is not None
        return self.wiring.spec.port

    @property
    def metrics(self) -> administration.Metrics | None:
        """Where Prometheus asks; nowhere, if it is a job, which ends before it is asked, or has no
        metrics."""
        return None if self.kind == "job" else administration.metrics(self.wiring.spec, self.values)

    @property
    def ready(self) -> str:
        """The address, from within its container, that tells whether it takes work."""
        server = administration.administration(self.wiring.spec, self.values)
        assert server is not None  # a service without one was refused
        return f"http://127.0.0.1:{server.port}{server.ready_path}"

    @property
    def timeout(self) -> int:
        """How many milliseconds a call may take, unless its method says; 0 for no limit."""
        given = self.values.get("Timeout", TIMEOUTS[self.kind])
        return given if isinstance(given, int) else TIMEOUTS[self.kind]

    @property
    def memory(self) -> int:
        """The bytes that a pod may have."""
        match = _QUANTITY.fullmatch(self.wiring.spec.resources.memory)
        assert match is not None  # the specification was checked
        return int(match[1]) * _BYTES[match[2] or ""]

    @property
    def limits_in_redis(self) -> bool:
        """Whether it may count calls in Redis. A job is not called, but may keep its cache where `Redis`
        says."""
        return self.kind != "job" and bool(self.section("Redis").get("Host"))

    @property
    def caches_in_redis(self) -> bool:
        return self.wiring.caches and databases.store(self.values) == databases.REDIS

    @property
    def uses_redis(self) -> bool:
        return self.limits_in_redis or self.caches_in_redis

    @property
    def is_registered(self) -> bool:
        """Whether it tells etcd where it is."""
        return bool(self.section("Etcd").get("Hosts"))

    @property
    def looks_up(self) -> tuple[str, ...]:
        """The keys of the clients that find their servers in etcd."""
        found = (client.key for client in self.wiring.clients)
        return tuple(key for key in found if self.section(key, "Etcd").get("Hosts"))

    @property
    def uses_etcd(self) -> bool:
        return self.is_registered or bool(self.looks_up)

    @property
    def has_database(self) -> bool:
        return keys.DATA_SOURCE in self.values

    @property
    def calls(self) -> tuple[str, ...]:
        """The services of this repository that it calls."""
        return tuple(dict.fromkeys(client.service for client in self.wiring.clients if client.service))

    @cached_property
    def event_routes(self) -> tuple[str, ...]:
        """The paths of routes that answer with events for as long as the caller listens."""
        spec = self.wiring.spec
        if spec.serves is None or spec.serves.kind != "api":
            return ()
        contract = api.load(read_contract(spec.serves.path, spec.source_roots))
        return tuple(sorted({endpoint.path for endpoint in contract.endpoints if endpoint.sse}))

    def section(self, *path: str) -> Mapping[str, Any]:
        """A part of the configuration; an empty one where it has none."""
        return section(self.values, *path)


@dataclass(frozen=True)
class Fleet:
    """The services of a stack, by name."""

    members: tuple[Member, ...]

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    def of(self, *kinds: Kind) -> tuple[Member, ...]:
        return tuple(member for member in self if member.kind in kinds)

    @property
    def scraped(self) -> tuple[Member, ...]:
        return tuple(member for member in self if member.metrics)

    @property
    def uses_redis(self) -> bool:
        return any(member.uses_redis for member in self)

    @property
    def uses_etcd(self) -> bool:
        return any(member.uses_etcd for member in self)

    @property
    def caches_in_redis(self) -> bool:
        return any(member.caches_in_redis for member in self)

    def reached_from(self, name: str) -> set[str]:
        """The services that one calls, and those that these call, and so on."""
        calls = {member.name: member.calls for member in self}
        found: set[str] = set()
        pending = [name]
        while pending:
            for called in calls.get(pending.pop(), ()):
                if called not in found:
                    found.add(called)
                    pending.append(called)
        return found

    @cached_property
    def databases(self) -> Mapping[str, str]:
        """The database of each service that has tables. Those that keep tables of one contract share one,
        which has the name of the first of them."""
        found: dict[str, str] = {}
        for group in groups({member.name: _tables(member) for member in self if member.has_database}):
            found |= dict.fromkeys(group, min(group, key=lambda name: (len(name), name)).replace("-", "_"))
        return found


def _tables(member: Member) -> frozenset[str]:
    return frozenset(model.path for model in member.wiring.spec.models)


def groups(items: Mapping[str, frozenset[str]]) -> Sequence[Sequence[str]]:
    """Names in groups: those that have something in common, directly or by others, are in one."""
    found: list[tuple[list[str], frozenset[str]]] = []
    for name, things in items.items():
        touching = [group for group in found if group[1] & things]
        found = [group for group in found if group not in touching]
        names = [*(each for group in touching for each in group[0]), name]
        found.append((names, things.union(*(group[1] for group in touching))))
    return [names for names, _ in found]
