"""Where a service connects to, as far as the graph and the configuration tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.service import databases, keys, telemetry
from zero_codegen.service.sections import section, texts
from zero_codegen.service.wiring import Client, Wiring

MYSQL_PORT = 3306
POSTGRESQL_PORT = 5432
"""Taken when a data source names no port; both where it stands in a Secret altogether, as it mostly does."""
ETCD_PORT = 2379
REDIS_PORT = 6379
"""Those of their own; taken for a host without a port, such as `${REDIS_HOST}`."""
CLUSTER_API_PORTS = (443, 6443)
"""Where Kubernetes' API is reached: the port of its Service, and the usual one of the servers behind it, for
many networks look at a connection after it has been sent on there."""

_PORT = re.compile(r":([0-9]{1,5})(?=[)/?,]|$)")
_PORT_PARAMETER = re.compile(r"[?&]port=([0-9]{1,5})")
"""Where a PostgreSQL URL may have it, too."""
_IN_ETCD = re.compile(r"(?:etcd|discov):///?([^/?]*)")
_IN_CLUSTER = re.compile(r"k8s://([^/]*)/(.*)")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Destination:
    """TCP ports of one service of this repository, or of any address.

    `namespace` is where the service is, None in that of the one that connects.
    """

    ports: tuple[int, ...]
    service: str | None = None
    namespace: str | None = None


def destinations(wiring: Wiring, values: Mapping[str, Any]) -> list[Destination]:
    """Services first; then, as one, ports at any address.

    These are those of foreign services, of the database and its replicas, of Redis, of etcd, of the collectors
    of traces and logs and of Kubernetes' API where services are looked up in it, and `egress_ports`.
    """
    services: dict[str, Destination] = {}
    anywhere = set(wiring.spec.egress_ports)
    for client in wiring.clients:
        hosts, places = _etcd_of(values[client.key]), _places(client, values)
        anywhere.update(_host_ports(hosts, ETCD_PORT))
        if client.service and client.port and (hosts or _is_own(wiring, client, places)):
            services[client.service] = Destination((client.port,), client.service, client.namespace)
        else:
            anywhere.update(port for place in places for port in _ports(place))
    if namespaces(wiring, values):
        anywhere.update(CLUSTER_API_PORTS)
    anywhere.update(_host_ports(texts(section(values, "Etcd").get("Hosts")), ETCD_PORT))
    anywhere.update(_host_ports(texts(section(values, "Redis").get("Host")), REDIS_PORT))
    if wiring.models:
        for source in (str(values[keys.DATA_SOURCE]), *databases.replicas(values)):
            anywhere.update(_database_ports(source))
    if wiring.caches and databases.store(values) not in (databases.MEMORY, databases.NONE):
        anywhere.update(_host_ports(texts(databases.cache_redis(values).get("Host")), REDIS_PORT))
    if found := telemetry.collector(values):
        endpoint, usual = found
        anywhere.update(_host_ports([endpoint], usual))
    if port := telemetry.fluentd_port(values):
        anywhere.add(port)
    own = [services[name] for name in sorted(services)]
    return [*own, Destination(tuple(sorted(anywhere)))] if anywhere else own


def namespaces(wiring: Wiring, values: Mapping[str, Any]) -> list[str]:
    """The namespaces in whose EndpointSlices clients look for their services; "" is the service's own one."""
    found = {
        "" if match[1] == wiring.spec.namespace else match[1]
        for client in wiring.clients
        for place in _places(client, values)
        if (match := _IN_CLUSTER.fullmatch(place))
    }
    return sorted(found)


def is_registered(values: Mapping[str, Any]) -> bool:
    """Whether the service tells etcd where it is."""
    return bool(texts(section(values, "Etcd").get("Hosts")))


def mistakes(wiring: Wiring, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Clients that the network policy would shut out, for their port cannot be seen, or that may not look."""
    spec = wiring.spec
    for client in wiring.clients:
        for place in _places(client, values):
            if not _ports(place):
                yield spec.diagnostic(
                    f"`config`: `{client.key}` names no port in `{place}`: the network policy shuts it out",
                    hint="write the port out, like `dns:///${HOST}:8080`",
                )
        if _etcd_of(values[client.key]) and not client.service and not spec.egress_ports:
            yield spec.diagnostic(
                f"`config`: `{client.key}` finds its service in etcd, "
                "and no service of this repository serves it: the network policy shuts it out",
                hint="name the port that it listens on in `egress_ports`",
            )
    for namespace in filter(None, namespaces(wiring, values)):
        if not _NAMESPACE.fullmatch(namespace):
            yield spec.diagnostic(
                f"`config`: `{namespace}` is not the name of a namespace: the service needs a Role there",
                hint="write it out, like `k8s://shop/user-rpc:8080`",
            )
        elif spec.namespace is None:
            yield spec.diagnostic(
                f"`config`: a client looks for its service in the namespace `{namespace}`: "
                "the service needs a Role there, and it is not said where it runs itself",
                hint="set `namespace`",
            )


def _is_own(wiring: Wiring, client: Client, places: list[str]) -> bool:
    """Whether the places of a client's service are just that of the service of this repository."""
    there = {client.namespace} if client.namespace else {"", wiring.spec.namespace or ""}
    slices = {f"k8s://{namespace}/{client.service}:{client.port}" for namespace in there}
    return len(places) == 1 and places[0] in {client.target, *slices}


def _places(client: Client, values: Mapping[str, Any]) -> list[str]:
    """Where the configuration says a client's service is, unless it is found in etcd.

    Endpoints beat the target, as in the runtime.
    """
    conf = values[client.key]
    places = conf.get("Endpoints") or conf.get("Target") or []
    places = [str(place) for place in (places if isinstance(places, list) else [places])]
    return [] if _etcd_of(conf) else places


def _etcd_of(conf: Mapping[str, Any]) -> list[str]:
    """The members of the etcd in which a client's service is found, if it is found there."""
    if conf.get("Endpoints"):
        return []
    if target := conf.get("Target"):
        match = _IN_ETCD.match(str(target))
        return match[1].split(",") if match else []
    return texts(section(conf, "Etcd").get("Hosts"))


def _host_ports(hosts: list[str], default: int) -> set[int]:
    return {port for host in hosts for port in _ports(host) or [default]}


def _ports(place: str, pattern: re.Pattern[str] = _PORT) -> list[int]:
    return [port for port in map(int, pattern.findall(place)) if 1 <= port <= 65535]


def _database_ports(source: str) -> list[int]:
    if source.startswith("sqlite:"):
        return []
    if source.startswith(("postgresql:", "postgres:")):
        return _ports(source) or _ports(source, _PORT_PARAMETER) or [POSTGRESQL_PORT]
    if source.startswith(("mysql:", "mariadb:")) or "@tcp" in source:
        return _ports(source) or [MYSQL_PORT]
    return _ports(source) or [MYSQL_PORT, POSTGRESQL_PORT]
