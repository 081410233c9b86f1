"""Where a service connects to, as far as the graph and the configuration tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zero_codegen.diagnostics import Diagnostic
from zero_codegen.service import keys
from zero_codegen.service.wiring import Client, Wiring

DATABASE_PORT = 3306
"""MySQL's; taken when the data source names no port, for it mostly stands in a Secret altogether."""

COLLECTOR_PORTS = {"otlpgrpc": 4317, "otlphttp": 4318}
"""OTLP's own, by what `Telemetry.Batcher` says; taken when the endpoint names no port."""

_PORT = re.compile(r":([0-9]{1,5})(?=[)/?,]|$)")


@dataclass(frozen=True)
class Destination:
    """TCP ports of one service of this repository, or of any address."""

    ports: tuple[int, ...]
    service: str | None = None


def destinations(wiring: Wiring, values: Mapping[str, Any]) -> list[Destination]:
    """Services first; then, as one, ports at any address.

    These are those of foreign services, of the database and of the collector of traces, and `egress_ports`.
    """
    services: dict[str, int] = {}
    anywhere = set(wiring.spec.egress_ports)
    for client in wiring.clients:
        places = _places(client, values)
        if client.service is not None and client.port is not None and places == [client.target]:
            services[client.service] = client.port
        else:
            anywhere.update(port for place in places for port in _ports(place))
    if wiring.models:
        anywhere.update(_database_ports(str(values[keys.DATA_SOURCE])))
    anywhere.update(_collector_ports(values.get("Telemetry", {})))
    found = [Destination((port,), service) for service, port in sorted(services.items())]
    return [*found, Destination(tuple(sorted(anywhere)))] if anywhere else found


def mistakes(wiring: Wiring, values: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Clients whose port cannot be seen: the network policy would shut them out."""
    for client in wiring.clients:
        for place in _places(client, values):
            if not _ports(place):
                yield wiring.spec.diagnostic(
                    f"`config`: `{client.key}` names no port in `{place}`: the network policy shuts it out",
                    hint="write the port out, like `dns:///${HOST}:8080`",
                )


def _places(client: Client, values: Mapping[str, Any]) -> list[str]:
    """Where the configuration says a client's service is. Endpoints beat the target, as in the runtime."""
    conf = values[client.key]
    places = conf.get("Endpoints") or conf.get("Target") or []
    return [str(place) for place in (places if isinstance(places, list) else [places])]


def _ports(place: str) -> list[int]:
    return [int(port) for port in _PORT.findall(place)]


def _database_ports(source: str) -> list[int]:
    return [] if source.startswith("sqlite:") else _ports(source) or [DATABASE_PORT]


def _collector_ports(telemetry: Mapping[str, Any]) -> list[int]:
    endpoint, batcher = str(telemetry.get("Endpoint", "")), telemetry.get("Batcher", "otlpgrpc")
    if not endpoint or telemetry.get("Disabled") is True or batcher not in COLLECTOR_PORTS:
        return []
    return _ports(endpoint) or [COLLECTOR_PORTS[batcher]]
