import dataclasses
from typing import Any

import pytest

from zero_codegen.service import secrets
from zero_codegen.service.configuration import configuration
from zero_codegen.service.conftest import Wire
from zero_codegen.service.wiring import JwtTransition, Wiring


def mistakes(wiring: Wiring) -> list[str]:
    return [diagnostic.render() for diagnostic in secrets.mistakes(wiring, configuration(wiring))]


def needed(wiring: Wiring) -> list[str]:
    return secrets.keys_of_secret(wiring, configuration(wiring))


def test_names_what_the_configuration_refers_to(wired: Wire) -> None:
    overrides = {
        "Host": "${HOST:-0.0.0.0}",
        "Auth": {"AccessSecret": "${KEY}-$${NOT_THIS}"},
        "UserRpc": {"Endpoints": ["${A}:1", "${B}:2"]},
    }
    assert needed(wired("user-api", config=overrides, env={"B": "10.0.0.1"})) == ["A", "KEY"]


def test_names_files_that_are_secret(wired: Wire) -> None:
    files = {"CertFile": "/run/secrets/zero/tls.crt", "KeyFile": "/run/secrets/zero/tls.key"}
    config = {**files, "CACertFile": "/etc/ssl/certs/ca.pem"}
    assert needed(wired("user-rpc", models=[], config=config)) == ["tls.crt", "tls.key"]


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("user-rpc", {"Etcd": {"Hosts": ["etcd:2379"]}}, ["DATA_SOURCE"]),
        ("user-rpc", {"Etcd": {"Hosts": ["etcd:2379"], "User": "root"}}, ["DATA_SOURCE", "ETCD_PASS"]),
        ("user-rpc", {"Redis": {"Host": "redis:6379"}}, ["DATA_SOURCE"]),
        ("user-rpc", {"Redis": {"Host": "redis:6379", "User": "zero"}}, ["DATA_SOURCE", "REDIS_PASS"]),
        ("user-rpc", {"Redis": {"Host": "redis:6379", "User": "zero", "Pass": "${P}"}}, ["DATA_SOURCE", "P"]),
        ("user-api", {"UserRpc": {"App": "user-api"}}, ["AUTH_ACCESS_SECRET", "USER_RPC_TOKEN"]),
        (
            "user-api",
            {"UserRpc": {"Etcd": {"Hosts": ["etcd:2379"], "Key": "user.rpc", "User": "root"}}},
            ["AUTH_ACCESS_SECRET", "USER_RPC_ETCD_PASS"],
        ),
        (
            "user-rpc",
            {"Log": {"Fluentd": {"Host": "fluentd", "User": "zero", "SharedKey": "${KEY}"}}},
            ["DATA_SOURCE", "KEY", "LOG_FLUENTD_PASS"],
        ),
    ],
)
def test_whoever_has_a_user_has_a_password(
    wired: Wire, name: str, config: dict[str, Any], expected: list[str]
) -> None:
    wiring = wired(name, config=config)
    assert needed(wiring) == expected
    assert mistakes(wiring) == []


@pytest.mark.parametrize(
    ("name", "config", "key", "variable"),
    [
        ("user-api", {"Auth": {"AccessSecret": "hunter2"}}, "Auth.AccessSecret", "AUTH_ACCESS_SECRET"),
        (
            "user-api",
            {"Auth": {"AccessSecret": "${KEY:-hunter2}"}},
            "Auth.AccessSecret",
            "AUTH_ACCESS_SECRET",
        ),
        ("user-api", {"Redis": {"Pass": "hunter2"}}, "Redis.Pass", "REDIS_PASS"),
        ("user-api", {"UserRpc": {"Token": "hunter2"}}, "UserRpc.Token", "USER_RPC_TOKEN"),
        ("user-api", {"UserRpc": {"Etcd": {"Pass": 2}}}, "UserRpc.Etcd.Pass", "USER_RPC_ETCD_PASS"),
        ("user-rpc", {"Etcd": {"Pass": "hunter2"}}, "Etcd.Pass", "ETCD_PASS"),
        ("user-rpc", {"Log": {"Fluentd": {"Pass": "x"}}}, "Log.Fluentd.Pass", "LOG_FLUENTD_PASS"),
        (
            "user-rpc",
            {"Log": {"Fluentd": {"SharedKey": "x"}}},
            "Log.Fluentd.SharedKey",
            "LOG_FLUENTD_SHARED_KEY",
        ),
        (
            "user-api",
            {"Telemetry": {"OtlpHeaders": {"x-api-key": "hunter2"}}},
            "Telemetry.OtlpHeaders.x-api-key",
            "TELEMETRY_OTLP_HEADERS_X_API_KEY",
        ),
        ("user-rpc", {"DataSource": "root:root@tcp(db:3306)/user"}, "DataSource", "DATA_SOURCE"),
        ("order-rpc", {"Cache": {"Redis": {"Pass": "hunter2"}}}, "Cache.Redis.Pass", "CACHE_REDIS_PASS"),
        (
            "order-rpc",
            {"Database": {"Replicas": ["sqlite:////a.db", "postgresql://root:root@db/user"]}},
            "Database.Replicas.2",
            "DATABASE_REPLICAS_2",
        ),
    ],
)
def test_refuses_a_published_secret(
    wired: Wire, name: str, config: dict[str, Any], key: str, variable: str
) -> None:
    address = f"services/{name.partition('-')[0]}:{name}"
    assert mistakes(wired(name, config=config)) == [
        f"{address}: `config`: `{key}` holds a secret in plain text\n"
        f"  = hint: write `${{{variable}}}` and keep the value in the Secret `{name}`"
    ]
    taken = config if "Replicas" in key or "Headers" in key else {}
    *_, in_environment = mistakes(wired(name, config=taken, env={variable: "hunter2"}))
    assert f"`env`: `{variable}` holds a secret in plain text" in in_environment


@pytest.mark.parametrize("key", ["Secret", "PrevSecret"])
def test_refuses_a_published_secret_of_a_transition(wired: Wire, key: str) -> None:
    wiring = wired("user-api", config={"Keys": {key: "hunter2"}})
    (mistake,) = mistakes(dataclasses.replace(wiring, jwts=(JwtTransition("Keys", "keys"),)))
    variable = f"KEYS_{'SECRET' if key == 'Secret' else 'PREV_SECRET'}"
    assert f"`config`: `Keys.{key}` holds a secret in plain text" in mistake
    assert f"write `${{{variable}}}` and keep the value in the Secret `user-api`" in mistake


@pytest.mark.parametrize("source", ["app:${DB_PASSWORD}@tcp(db:3306)/user", "sqlite:////data/user.db"])
def test_a_data_source_may_be_public_but_for_its_password(wired: Wire, source: str) -> None:
    assert mistakes(wired("user-rpc", config={"DataSource": source})) == []
