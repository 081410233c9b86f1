"""The packaged services as seen from outside: one trace through all of them, and their metrics."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.fleet import fleet, running
from tests.end_to_end.flow import ADA
from tests.observability.conftest import Target, Told
from tests.servers.redis import RedisServer, redis

RPC: list[str | Path] = [sys.executable, Path("services.user/user-rpc/user-rpc.pex").absolute()]
API: list[str | Path] = [sys.executable, Path("services.user/user-api/user-api.pex").absolute()]
SHOP: list[str | Path] = [sys.executable, Path("services.shop/shop/shop.pex").absolute()]

SECRET = "a secret of more than thirty-two bytes"
TRACE = "0123456789abcdef0123456789abcdef"
CALLER = "0123456789abcdef"
SOME = pytest.mark.parametrize("target", ["in process", "otlpgrpc"], indirect=True)
TRACED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}

OBSERVED = {
    "DevServer": {"Enabled": False},
    "Prometheus": {"Host": "127.0.0.1", "Port": 0, "Path": "/numbers"},
    "Log": {"Encoding": "plain"},
    "Mode": "dev",  # creates the tables
    "Shutdown": {"WrapUpTime": "0s"},
}


@pytest.fixture(scope="module")
def cache() -> Iterator[RedisServer]:
    with redis() as server:
        yield server


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PEX_ROOT": str(folder / "pex"),
        "ZERO_STATE_DIR": str(folder),
    }


def configured(command: list[str | Path], folder: Path, **conf: Any) -> list[str | Path]:
    file = folder / f"{conf['Name']}.json"
    file.write_text(json.dumps(OBSERVED | conf))
    return [*command, "-f", file]


def metrics(log: Path) -> dict[tuple[str, str], float]:
    """What a service tells, by name and the value of its labels that says of what."""
    address = re.search(r"metrics are told on (\S+)", log.read_text())
    assert address, log.read_text()
    assert address[1].endswith("/numbers")
    return {
        (
            sample.name,
            sample.labels.get("command") or sample.labels.get("key") or sample.labels.get("db_name", ""),
        ): sample.value
        for family in text_string_to_metric_families(httpx.get(address[1]).text)
        for sample in family.samples
        if "le" not in sample.labels
    }


def tree(spans: list[Told]) -> set[tuple[str, str, str, str]]:
    """Service, kind and name of each span, and whose part it is."""
    names = {span.span_id: f"{span.service} {span.name}" for span in spans} | {CALLER: "caller"}
    return {(span.service, span.kind, span.name, names[span.parent]) for span in spans}


@SOME
def test_one_trace_from_the_gateway_to_the_database_and_redis(
    target: Target, cache: RedisServer, tmp_path: Path
) -> None:
    rpc = configured(
        RPC,
        tmp_path,
        Name="user-rpc",
        DataSource=f"sqlite:///{tmp_path}/users.db",
        Redis={"Host": cache.address},
        Rules=[{"Match": ["/user.User/*"], "Rate": {"Rate": 1000, "By": "all"}}],
    )
    api = configured(API, tmp_path, Name="user-api", Auth={"AccessSecret": SECRET})
    with fleet(rpc, api, environment(tmp_path) | target.environment, tmp_path, by_registry=False) as client:
        client.post("/api/user/register", json=ADA).raise_for_status()
        login = {key: ADA[key] for key in ("mobile", "password")}
        client.post("/api/user/login", json=login, headers=TRACED).raise_for_status()
        told = metrics(tmp_path / "user-rpc.log")
        pools = (
            ("redis_client_pool_conn_total_current", cache.address),
            ("sql_client_open_connections", "users.db"),
        )
        while not all(told[each] for each in pools):  # looked up once a second
            time.sleep(0.1)
            told = metrics(tmp_path / "user-rpc.log")

    route, method = "/api/user/login", "user.User/Login"
    statement = "user.find_one_by_mobile"
    assert tree(target.trace(TRACE, 5)) == {
        ("user-api", "server", route, "caller"),
        ("user-api", "client", method, f"user-api {route}"),
        ("user-rpc", "server", method, f"user-api {method}"),
        ("user-rpc", "client", "evalsha", f"user-rpc {method}"),
        ("user-rpc", "client", statement, f"user-rpc {method}"),
    }
    assert told["redis_client_requests_duration_ms_count", "evalsha"] >= 2
    assert told["sql_client_requests_duration_ms_count", statement] >= 1
    assert told["sql_client_max_open_connections", "users.db"] >= 1


@SOME
def test_rows_of_the_cache(target: Target, cache: RedisServer, tmp_path: Path) -> None:
    shop = configured(
        SHOP,
        tmp_path,
        Name="shop",
        Host="127.0.0.1",
        Port=0,
        DataSource=f"sqlite:///{tmp_path}/shop.db",
        Redis={"Host": cache.address},
        Auth={"AccessSecret": SECRET},
        StaffAuth={"AccessSecret": SECRET},
    )
    with running(shop, environment(tmp_path) | target.environment, tmp_path / "shop.log") as service:
        httpx.get(f"http://{service.address}/v1/shop/products/none", headers=TRACED)
    spans = target.trace(TRACE, 3)
    (served,) = (span for span in spans if span.kind == "server")
    commands = [span for span in spans if span.attributes.get("db.system") == "redis"]
    statements = [span for span in spans if span.attributes.get("db.system") == "sqlite"]
    assert {span.name for span in commands} >= {"get"}
    assert {span.name for span in statements} == {"product.find_one"}
    assert {span.parent for span in (*commands, *statements)} == {served.span_id}
