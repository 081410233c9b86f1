"""The packaged sweep beside the packaged shop: it deletes what the shop has cancelled.

It runs with what is embedded, and on MariaDB and PostgreSQL with the configuration that it is deployed with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.fleet import running
from tests.servers import MariaDb, PostgreSql, mariadb, postgresql
from tests.servers.redis import redis
from zero_runtime import config, rest

PACKAGED = Path("services.shop").absolute()
SHOP: list[str | Path] = [sys.executable, PACKAGED / "shop/shop.pex"]
SWEEP: list[str | Path] = [sys.executable, PACKAGED / "shop-sweep/shop-sweep.pex"]
DEPLOYED: list[str | Path] = ["-f", PACKAGED / "shop-sweep/etc/shop-sweep.yaml"]

_SERVERS: dict[str, Callable[[], AbstractContextManager[MariaDb | PostgreSql]]] = {
    "mariadb": mariadb,
    "postgresql": postgresql,
}

USERS_SECRET = "what user-api signs and the shop verifies"
STAFF_SECRET = "what only the staff's tokens are signed by"


@dataclass(frozen=True)
class Place:
    """Where shop and sweep run: the shop as a customer reaches it, what the sweep is started with."""

    client: httpx.Client
    arguments: list[str | Path]
    environment: dict[str, str]

    def order(self) -> int:
        """The number of an order."""
        order = {
            "lines": [{"sku": "saw", "quantity": 1}],
            "warehouse": "main",
            "delivery": {"shop": "Berlin"},
        }
        return int(self.client.post("/orders", json=order).raise_for_status().json()["id"])

    def sweep(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SWEEP, *self.arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="module", params=["embedded", "mariadb", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    state = tmp_path_factory.mktemp("state")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "PEX_ROOT": str(tmp_path_factory.getbasetemp() / "pex"),  # one for all: to unpack takes long
        "ZERO_STATE_DIR": str(state),
        "SHOP_KEPT_DAYS": "-1",
    }
    arguments: list[str | Path] = []
    with ExitStack() as stack:
        if request.param != "embedded":
            server = stack.enter_context(_SERVERS[request.param]())
            environment["DATA_SOURCE"] = environment["ZERO_DATA_SOURCE"] = server.create_database("shop")
            environment["ZERO_REDIS__HOST"] = stack.enter_context(redis()).address
            environment["ZERO_CACHE__STORE"] = "redis"
            arguments = DEPLOYED
        served = environment | {
            "ZERO_PORT": "0",
            "ZERO_AUTH__ACCESS_SECRET": USERS_SECRET,
            "ZERO_STAFF_AUTH__ACCESS_SECRET": STAFF_SECRET,
        }
        service = stack.enter_context(running(SHOP, served, tmp_path_factory.mktemp("logs") / "shop.log"))
        customer, staff = (
            {"Authorization": f"Bearer {rest.Jwt(config.JwtConf(access_secret=secret)).issue(**claims).text}"}
            for secret, claims in ((USERS_SECRET, {"userId": 1}), (STAFF_SECRET, {"name": "Grace"}))
        )
        client = stack.enter_context(
            httpx.Client(base_url=f"http://{service.address}/v1/shop", headers=customer, timeout=20)
        )
        saw = {"name": "Saw", "category": "tools", "price": "12.50", "stock": 9}
        client.put("/staff/products/saw", json=saw, headers=staff).raise_for_status()
        yield Place(client, arguments, environment)


def test_a_run_beside_the_service_deletes_what_that_has_cancelled(place: Place) -> None:
    kept, cancelled = place.order(), place.order()
    place.client.delete(f"/orders/{cancelled}").raise_for_status()
    done = place.sweep()
    assert (done.returncode, done.stderr) == (0, "")
    assert "deleted 1 orders" in done.stdout
    found = [place.client.get(f"/orders/{number}").status_code for number in (kept, cancelled)]
    assert found == [200, 404]
    assert "deleted 0 orders" in place.sweep().stdout


def test_a_run_that_finds_no_database_fails(place: Place) -> None:
    done = place.sweep(ZERO_DATA_SOURCE="mysql://u:p@127.0.0.1:1/shop")
    assert (done.returncode, done.stderr) == (1, "")
    assert "127.0.0.1:1" in done.stdout
    assert "Traceback" not in done.stdout


def test_what_it_is_deployed_with_is_complete_but_for_its_secret(place: Place) -> None:
    environment = {key: value for key, value in place.environment.items() if "DATA_SOURCE" not in key}
    done = subprocess.run([*SWEEP, *DEPLOYED], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "DATA_SOURCE" in done.stderr


def test_lines_of_a_run_belong_to_its_trace(place: Place) -> None:
    done = place.sweep(ZERO_LOG__ENCODING="json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["content"] for line in lines[-2:]] == ["deleted 0 orders", "shop-sweep is done"]
    assert len({line["trace"] for line in lines[-2:]}) == 1
