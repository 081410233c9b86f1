from typing import Any

import pytest

from zero_codegen.service.configuration import configuration
from zero_codegen.service.conftest import Specify, Wire
from zero_codegen.service.network import Destination, destinations, mistakes

NOWHERE = dict.fromkeys(("service", "port", "namespace"))
FOREIGN = {"path": "services/user/user.proto", "source_root": "services", **NOWHERE}


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
    ("conf", "expected"),
    [
        (
            {"Target": "etcd:///a:2379,b:2380?key=user.rpc:1"},
            [Destination((8080,), "user-rpc"), Destination((2379, 2380))],
        ),
        (
            {"Target": "etcd:///${ETCD}?key=user.rpc"},
            [Destination((8080,), "user-rpc"), Destination((2379,))],
        ),
        (
            {"Target": "discov:///a:2379?key=user.rpc"},
            [Destination((8080,), "user-rpc"), Destination((2379,))],
        ),
        (
            {"Target": "etcd://a:2379,b:2380/user.rpc:1"},
            [Destination((8080,), "user-rpc"), Destination((2379, 2380))],
        ),
        (
            {"Etcd": {"Hosts": ["a:2381"], "Key": "k"}},
            [Destination((8080,), "user-rpc"), Destination((2381,))],
        ),
        (
            {"Target": "k8s://shop/user-rpc:8080"},
            [Destination((8080,), "user-rpc"), Destination((443, 6443))],
        ),
        ({"Target": "k8s:///user-rpc:8080"}, [Destination((8080,), "user-rpc"), Destination((443, 6443))]),
        ({"Target": "k8s://other/user-rpc:8080"}, [Destination((443, 6443, 8080))]),
    ],
)
def test_a_client_that_looks_its_service_up_leads_to_both(
    wired: Wire, conf: dict[str, Any], expected: list[Destination]
) -> None:
    assert found(wired, "user-api", config={"UserRpc": conf}) == expected


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({}, [Destination((8080,), "user-rpc", "users")]),
        ({"Target": "dns:///user-rpc.users:8080"}, [Destination((8080,), "user-rpc", "users")]),
        ({"Target": "dns:///user-rpc:8080"}, [Destination((8080,))]),
        (
            {"Target": "k8s://users/user-rpc:8080"},
            [Destination((8080,), "user-rpc", "users"), Destination((443, 6443))],
        ),
        ({"Target": "k8s:///user-rpc:8080"}, [Destination((443, 6443, 8080))]),
        ({"Target": "k8s://shop/user-rpc:8080"}, [Destination((443, 6443, 8080))]),
        (
            {"Etcd": {"Hosts": ["a:2379"], "Key": "k"}},
            [Destination((8080,), "user-rpc", "users"), Destination((2379,))],
        ),
    ],
)
def test_a_client_leads_to_another_namespace(
    wired: Wire, specify: Specify, conf: dict[str, Any], expected: list[Destination]
) -> None:
    clients = [client | {"namespace": "users"} for client in specify("user-api")["clients"]]
    assert found(wired, "user-api", clients=clients, config={"UserRpc": conf}) == expected


@pytest.mark.parametrize(
    ("config", "ports"),
    [
        ({"Etcd": {"Hosts": ["a:2379", "b:2380"]}}, (2379, 2380)),
        ({"Etcd": {"Hosts": "${ETCD}"}}, (2379,)),
        ({"Redis": {"Host": "a:7000,b:7001", "Type": "cluster"}}, (7000, 7001)),
        ({"Redis": {"Host": "${REDIS}"}}, (6379,)),
    ],
)
def test_a_service_leads_to_its_etcd_and_redis(
    wired: Wire, config: dict[str, Any], ports: tuple[int, ...]
) -> None:
    assert found(wired, "user-rpc", models=[], config=config) == [Destination(ports)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("${DATA_SOURCE}", [Destination((3306, 5432))]),
        ("app:${PASSWORD}@tcp(db)/user", [Destination((3306,))]),
        ("app:${PASSWORD}@tcp(db:3307)/user?parseTime=true", [Destination((3307,))]),
        ("mysql://app:${PASSWORD}@db:3307/user", [Destination((3307,))]),
        ("mysql://app:${PASSWORD}@db/user", [Destination((3306,))]),
        ("postgresql://app:${PASSWORD}@db/user", [Destination((5432,))]),
        ("postgres://app:${PASSWORD}@db:5433/user?sslmode=require", [Destination((5433,))]),
        ("postgresql://app:${PASSWORD}@/user?host=db&port=5434", [Destination((5434,))]),
        ("sqlite:////data/user.db", []),
    ],
)
def test_models_lead_to_the_port_of_the_database(
    wired: Wire, source: str, expected: list[Destination]
) -> None:
    assert found(wired, "user-rpc", config={"DataSource": source}) == expected


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [
        (["mysql://app:${PASSWORD}@a:3307/user", "${B}"], (3306, 3307, 5432)),
        ("postgresql://a:5433/user,postgresql://b:5434/user", (5432, 5433, 5434)),
        ([], (5432,)),
    ],
)
def test_models_lead_to_the_ports_of_replicas(
    wired: Wire, replicas: object, expected: tuple[int, ...]
) -> None:
    config = {"DataSource": "postgresql://${PRIMARY}/user", "Database": {"Replicas": replicas}}
    assert found(wired, "user-rpc", config=config) == [Destination(expected)]


@pytest.mark.parametrize(
    ("config", "ports"),
    [
        ({"Cache": {"Redis": {"Host": "a:7000,b:7001"}}}, (7000, 7001)),
        ({"Redis": {"Host": "${REDIS}"}}, (6379,)),
        ({"Redis": {"Host": "a:1"}, "Cache": {"Redis": {"Host": "b:2"}}}, (1, 2)),
        ({"Cache": {"Store": "none", "Redis": {"Host": "a:1"}}}, ()),
        ({"Cache": {"Store": "${STORE}", "Redis": {"Host": "a:1"}}}, (1,)),
    ],
)
def test_cached_models_lead_to_redis(
    wired: Wire, specify: Specify, config: dict[str, Any], ports: tuple[int, ...]
) -> None:
    models = [model | {"settings": {"cached": ["*"]}} for model in specify("user-rpc")["models"]]
    config = {"DataSource": "mysql://${PRIMARY}/user", **config}
    (destination,) = found(wired, "user-rpc", models=models, config=config)
    assert destination.ports == tuple(sorted({3306, *ports}))


@pytest.mark.parametrize(
    ("telemetry", "ports"),
    [
        ({"Endpoint": "collector:9000"}, (9000,)),
        ({"Endpoint": "http://collector:9000/otlp", "Batcher": "otlphttp"}, (9000,)),
        ({"Endpoint": "${COLLECTOR}"}, (4317,)),
        ({"Endpoint": "https://collector", "Batcher": "otlphttp"}, (4318,)),
        ({"Endpoint": "http://zipkin/api/v2/spans", "Batcher": "zipkin"}, (9411,)),
        ({"Endpoint": "http://zipkin:9000/api/v2/spans", "Batcher": "zipkin"}, (9000,)),
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


@pytest.mark.parametrize(
    ("fluentd", "expected"),
    [
        ({"Host": "fluentd"}, [Destination((24224,))]),
        ({"Host": "fluentd", "Port": 24225}, [Destination((24225,))]),
        ({"Port": 24225}, []),
    ],
)
def test_logs_lead_to_the_port_of_fluentd(
    wired: Wire, fluentd: dict[str, Any], expected: list[Destination]
) -> None:
    assert found(wired, "user-api", clients=[], config={"Log": {"Fluentd": fluentd}}) == expected


def test_ports_that_may_be_anywhere_are_one_destination(wired: Wire) -> None:
    assert found(wired, "user-rpc", egress_ports=[443, 53]) == [Destination((53, 443, 3306, 5432))]


def test_refuses_a_client_whose_port_cannot_be_seen(wired: Wire) -> None:
    wiring = wired("user-api", clients=[FOREIGN], config={"UserRpc": {"Endpoints": ["a:1", "${USERS}"]}})
    (mistake,) = mistakes(wiring, configuration(wiring))
    assert mistake.render() == (
        "services/user:user-api: `config`: `UserRpc` names no port in `${USERS}`: "
        "the network policy shuts it out\n"
        "  = hint: write the port out, like `dns:///${HOST}:8080`"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"clients": [FOREIGN], "config": {"UserRpc": {"Etcd": {"Hosts": ["a:1"], "Key": "user.rpc"}}}},
            "`config`: `UserRpc` finds its service in etcd, and no service of this repository serves it: "
            "the network policy shuts it out\n  = hint: name the port that it listens on in `egress_ports`",
        ),
        (
            {"namespace": None, "config": {"UserRpc": {"Target": "k8s://shop/user-rpc:8080"}}},
            "`config`: a client looks for its service in the namespace `shop`: the service needs a Role "
            "there, and it is not said where it runs itself\n  = hint: set `namespace`",
        ),
        (
            {"config": {"UserRpc": {"Target": "k8s://${SHOP}/user-rpc:8080"}}},
            "`config`: `${SHOP}` is not the name of a namespace: the service needs a Role there\n"
            "  = hint: write it out, like `k8s://shop/user-rpc:8080`",
        ),
        (
            {"config": {"UserRpc": {"Target": "k8s://shop/user-rpc"}}},
            "`config`: `UserRpc` names no port in `k8s://shop/user-rpc`: the network policy shuts it out\n"
            "  = hint: write the port out, like `dns:///${HOST}:8080`",
        ),
        (
            {"config": {"UserRpc": {"Target": "dns:///users:65536"}}},
            "`config`: `UserRpc` names no port in `dns:///users:65536`: the network policy shuts it out\n"
            "  = hint: write the port out, like `dns:///${HOST}:8080`",
        ),
    ],
)
def test_refuses_what_the_network_or_the_cluster_would(
    wired: Wire, changes: dict[str, Any], expected: str
) -> None:
    wiring = wired("user-api", **changes)
    (mistake,) = mistakes(wiring, configuration(wiring))
    assert mistake.render() == f"services/user:user-api: {expected}"
    opened = wired("user-api", **changes | {"egress_ports": [8080]})
    assert len(list(mistakes(opened, configuration(opened)))) == ("clients" not in changes)
