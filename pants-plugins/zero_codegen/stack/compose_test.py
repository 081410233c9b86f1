"""The compose file: what services are told, and what is started for them."""

from typing import Any

import msgspec
import pytest

from zero_codegen.stack.compose import PASSWORD, compose, init_sql
from zero_codegen.stack.conftest import STACK, MakeFleet
from zero_codegen.stack.fleet import Fleet
from zero_codegen.stack.fleet_test import JOB

DATABASE = f"postgresql://zero:{PASSWORD}@postgresql:5432"


def services(fleet: Fleet) -> dict[str, Any]:
    found: dict[str, Any] = compose(STACK, fleet)["services"]
    return found


def test_a_service_is_told_where_everything_is(fleet: Fleet) -> None:
    told = services(fleet)["order-rpc"]["environment"]
    assert told == {
        "USER_RPC_TOKEN": PASSWORD,
        "DATABASE_REPLICAS_1": PASSWORD,
        "ZERO_MODE": "dev",
        "ZERO_DEV_SERVER__ENABLED": "true",
        "ZERO_TELEMETRY__ENDPOINT": "otel-collector:4317",
        "ZERO_TELEMETRY__BATCHER": "otlpgrpc",
        "ZERO_LOG__FLUENTD__HOST": "fluentd",
        "ZERO_LOG__FLUENTD__PORT": "24224",
        "ZERO_DATA_SOURCE": f"{DATABASE}/order_rpc",
        "ZERO_DATABASE__REPLICAS": f"{DATABASE}/order_rpc",
        "ZERO_REDIS__HOST": "redis:6379",
        "ZERO_REDIS__USER": "",
        "ZERO_REDIS__PASS": "",
        "ZERO_ETCD__HOSTS": "etcd:2379",
        "ZERO_ETCD__USER": "",
        "ZERO_ETCD__PASS": "",
        "ZERO_USER_RPC__TARGET": "dns:///user-rpc:8080",
    }


def test_what_is_not_used_is_not_started(make_fleet: MakeFleet) -> None:
    around = {"fluentd", "otel-collector", "jaeger", "prometheus", "grafana"}
    assert {*services(make_fleet({"user-api": {}}))} - {"user-api"} == around
    assert {*services(make_fleet({"user-rpc": {}}))} - {"user-rpc"} == around | {"postgresql"}
    config = {"Redis": {"Host": "r:1"}, "UserRpc": {"Etcd": {"Hosts": ["e:1"], "Key": "user.rpc"}}}
    found = services(make_fleet({"user-api": {"config": config}}))
    assert {*found} - {"user-api"} == around | {"redis", "etcd"}
    told = found["user-api"]["environment"]
    assert told["ZERO_USER_RPC__ETCD__HOSTS"] == "etcd:2379"
    assert "ZERO_USER_RPC__TARGET" not in told


def test_services_wait_for_what_they_ask(fleet: Fleet) -> None:
    found = services(fleet)
    healthy = {
        name: {each for each, how in service["depends_on"].items() if how["condition"] == "service_healthy"}
        for name, service in found.items()
        if name in {"order-rpc", "user-api", "user-rpc"}
    }
    assert healthy == {
        "order-rpc": {"user-rpc", "postgresql", "redis", "etcd"},
        "user-api": {"user-rpc"},
        "user-rpc": {"postgresql"},
    }
    assert all("healthcheck" in found[name] for names in healthy.values() for name in names)


def test_services_that_call_each_other_do_not_wait_for_each_other(make_fleet: MakeFleet) -> None:
    back = {"path": "services/order/order.proto", "source_root": "services", "namespace": None}
    found = services(
        make_fleet(
            {
                "user-rpc": {"clients": [back | {"service": "order-rpc", "port": 8081}]},
                "order-rpc": {},
                "user-api": {},
            }
        )
    )
    assert "order-rpc" not in found["user-rpc"]["depends_on"]
    assert "user-rpc" not in found["order-rpc"]["depends_on"]
    assert "user-rpc" in found["user-api"]["depends_on"]


def test_ports_of_this_machine_are_given_once_and_to_this_machine_alone(make_fleet: MakeFleet) -> None:
    found = services(make_fleet({"user-api": {"port": 9090}, "user-api/other-api": {"port": 9090}}))
    ports = [port for service in found.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    outside = [port.split(":")[1] for port in ports]
    assert len({*outside}) == len(outside)
    assert (found["user-api"]["ports"], found["other-api"]["ports"]) == (
        ["127.0.0.1:9091:9090"],
        ["127.0.0.1:9092:9090"],
    )


def test_a_job_runs_when_it_is_told_to(make_fleet: MakeFleet) -> None:
    job = services(make_fleet({"user-rpc/user-sweep": JOB}))["user-sweep"]
    assert job["profiles"] == ["jobs"]
    assert "restart" not in job and "healthcheck" not in job and "ports" not in job
    assert "ZERO_DEV_SERVER__ENABLED" not in job["environment"]


def test_logs_go_to_this_fluentd_whatever_another_asks_for(make_fleet: MakeFleet) -> None:
    """Without accounts and TLS; folders that are written to are there, for the root is read-only."""
    fluentd = {
        "Host": "logs.example.com",
        "SharedKey": "${LOG_FLUENTD_SHARED_KEY}",
        "Tls": True,
        "CACertFile": "/etc/ca.pem",
        "Spill": "spill",
    }
    log = {"Mode": "file", "Path": "/var/log/user", "Fluentd": fluentd}
    telemetry = {"Endpoint": "traces.example.com:443", "OtlpHttpSecure": True}
    config = {"Log": log, "Telemetry": telemetry}
    user = services(make_fleet({"user-rpc": {"config": config}}))["user-rpc"]
    assert user["tmpfs"] == ["/tmp", "/var/log/user", "/app/spill"]
    told = user["environment"]
    assert {name: told[name] for name in told if "LOG" in name or "OTLP" in name} == {
        "ZERO_LOG__FLUENTD__HOST": "fluentd",
        "ZERO_LOG__FLUENTD__PORT": "24224",
        "ZERO_LOG__FLUENTD__SHARED_KEY": "",
        "ZERO_LOG__FLUENTD__TLS": "false",
        "ZERO_LOG__FLUENTD__CA_CERT_FILE": "",
        "ZERO_TELEMETRY__OTLP_HTTP_SECURE": "false",
    }


def test_secrets_that_are_files_come_from_a_folder(fleet: Fleet) -> None:
    found = services(fleet)
    assert found["order-rpc"]["volumes"] == ["./secrets/order-rpc:/run/secrets/zero:ro"]
    assert "volumes" not in found["user-api"]


@pytest.mark.parametrize(
    ("database", "source", "statements"),
    [
        (
            "postgresql",
            f"{DATABASE}/user_rpc",
            'CREATE DATABASE "order_rpc";\nCREATE DATABASE "user_rpc";\n',
        ),
        (
            "mariadb",
            f"mysql://zero:{PASSWORD}@mariadb:3306/user_rpc",
            "CREATE DATABASE `order_rpc`;\nGRANT ALL ON `order_rpc`.* TO 'zero'@'%';\n"
            "CREATE DATABASE `user_rpc`;\nGRANT ALL ON `user_rpc`.* TO 'zero'@'%';\n",
        ),
    ],
)
def test_each_service_has_a_database_of_the_kind_that_is_asked_for(
    fleet: Fleet, database: str, source: str, statements: str
) -> None:
    stack = msgspec.structs.replace(STACK, database=database)
    found = compose(stack, fleet)["services"]
    assert found["user-rpc"]["environment"]["ZERO_DATA_SOURCE"] == source
    assert database in found
    assert init_sql(stack, fleet) == statements


def test_images_can_be_others(fleet: Fleet) -> None:
    stack = msgspec.structs.replace(STACK, images={"redis": "registry.example.com/valkey:8"})
    found = compose(stack, fleet)["services"]
    assert found["redis"]["image"] == "registry.example.com/valkey:8"
    assert found["grafana"]["image"].startswith("docker.io/grafana/grafana:")
    assert found["order-rpc"]["image"] == "registry.example.com/shop/order-rpc:latest"
