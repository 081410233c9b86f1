from typing import Any

import pytest

from zero_codegen.service.configuration import configuration
from zero_codegen.service.conftest import Wire
from zero_codegen.service.network import Destination, destinations, mistakes

FOREIGN = {"path": "services/user/user.proto", "source_root": "services", "service": None, "port": None}


def found(wired: Wire, name: str, /, **changes: Any) -> list[Destination]:
    wiring = wired(name, **changes)
    values = configuration(wiring)
    assert list(mistakes(wiring, values)) == []
    return destinations(wiring, values)


def test_a_client_leads_to_the_service_of_the_graph(wired: Wire) -> None:
    assert found(wired, "user-api") == [Destination((8080,), "user-rpc")]


@pytest.mark.parametrize(
    ("conf", "ports"),
    [
        ({"Target": "dns:///users.example.com:443"}, (443,)),
        ({"Target": "direct:///10.0.0.1:9000,10.0.0.2:9001"}, (9000, 9001)),
        ({"Target": "dns:///[2001:db8::1]:7000"}, (7000,)),
        ({"Target": "dns:///${USER_HOST}:8080"}, (8080,)),
        ({"Endpoints": ["10.0.0.1:9000"], "Target": "dns:///unused:1"}, (9000,)),
        ({"Endpoints": "${A}:9000,${B}:9001"}, (9000, 9001)),
    ],
)
def test_a_client_that_is_configured_leads_to_its_ports(
    wired: Wire, conf: dict[str, Any], ports: tuple[int, ...]
) -> None:
    assert found(wired, "user-api", clients=[FOREIGN], config={"UserRpc": conf}) == [Destination(ports)]
    assert found(wired, "user-api", config={"UserRpc": conf}) == [Destination(ports)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("${DATA_SOURCE}", [Destination((3306,))]),
        ("app:${PASSWORD}@tcp(db:3307)/user?parseTime=true", [Destination((3307,))]),
        ("mysql://app:${PASSWORD}@db:3307/user", [Destination((3307,))]),
        ("mysql://app:${PASSWORD}@db/user", [Destination((3306,))]),
        ("sqlite:////data/user.db", []),
    ],
)
def test_models_lead_to_the_port_of_the_database(
    wired: Wire, source: str, expected: list[Destination]
) -> None:
    assert found(wired, "user-rpc", config={"DataSource": source}) == expected


@pytest.mark.parametrize(
    ("telemetry", "ports"),
    [
        ({"Endpoint": "collector:9000"}, (9000,)),
        ({"Endpoint": "http://collector:9000/otlp", "Batcher": "otlphttp"}, (9000,)),
        ({"Endpoint": "${COLLECTOR}"}, (4317,)),
        ({"Endpoint": "https://collector", "Batcher": "otlphttp"}, (4318,)),
    ],
)
def test_traces_lead_to_the_port_of_the_collector(
    wired: Wire, telemetry: dict[str, Any], ports: tuple[int, ...]
) -> None:
    assert found(wired, "user-api", clients=[], config={"Telemetry": telemetry}) == [Destination(ports)]


@pytest.mark.parametrize(
    "telemetry", [{"Endpoint": "/tmp/spans", "Batcher": "file"}, {"Endpoint": "c:1", "Disabled": True}, {}]
)
def test_traces_that_do_not_leave_the_pod_lead_nowhere(wired: Wire, telemetry: dict[str, Any]) -> None:
    assert found(wired, "user-api", clients=[], config={"Telemetry": telemetry}) == []


def test_ports_that_may_be_anywhere_are_one_destination(wired: Wire) -> None:
    assert found(wired, "user-rpc", egress_ports=[443, 53]) == [Destination((53, 443, 3306))]


def test_refuses_a_client_whose_port_cannot_be_seen(wired: Wire) -> None:
    wiring = wired("user-api", clients=[FOREIGN], config={"UserRpc": {"Endpoints": ["a:1", "${USERS}"]}})
    (mistake,) = mistakes(wiring, configuration(wiring))
    assert mistake.render() == (
        "services/user:user-api: `config`: `UserRpc` names no port in `${USERS}`: "
        "the network policy shuts it out\n"
        "  = hint: write the port out, like `dns:///${HOST}:8080`"
    )
