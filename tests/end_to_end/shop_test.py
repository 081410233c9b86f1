"""The packaged shop beside the user service: its customers are the users that log in there.

It runs with what is embedded, and on MariaDB and PostgreSQL with Redis as its cache, by configuration alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.fleet import fleet, running
from tests.end_to_end.flow import ADA, problem
from tests.end_to_end.pex_test import API, RPC
from tests.servers import MariaDb, PostgreSql, mariadb, postgresql
from tests.servers.redis import RedisServer, redis
from zero_runtime import config, rest

SHOP: list[str | Path] = [sys.executable, Path("services.shop/shop/shop.pex").absolute()]

USERS_SECRET = "what user-api signs and the shop verifies"
STAFF_SECRET = "what only the staff's tokens are signed by"

_SERVERS: dict[str, Callable[[], AbstractContextManager[MariaDb | PostgreSql]]] = {
    "mariadb": mariadb,
    "postgresql": postgresql,
}

SAW = {"name": "Saw", "category": "tools", "price": "12.50", "stock": 2}
ORDER = {
    "lines": [{"sku": "saw", "quantity": 1}],
    "warehouse": "main",
    "delivery": {"shop": "Berlin"},
}


@dataclass(frozen=True)
class Shop:
    """The shop, as a customer and as its staff reach it."""

    client: httpx.Client
    customer: dict[str, str]
    staff: dict[str, str]
    cache: RedisServer | None
    """Where it keeps rows of products, if not in its own memory."""


@dataclass(frozen=True)
class Users:
    """The user service: the environment that it and the shop run in, and a customer's header."""

    environment: dict[str, str]
    customer: dict[str, str]


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    state = tmp_path_factory.mktemp("state")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "PEX_ROOT": str(state / "pex"),
        "ZERO_STATE_DIR": str(state),
        "ZERO_AUTH__ACCESS_SECRET": USERS_SECRET,
    }
    with fleet(RPC, API, environment, tmp_path_factory.mktemp("logs")) as client:
        client.post("/api/user/register", json=ADA).raise_for_status()
        login = client.post("/api/user/login", json={key: ADA[key] for key in ("mobile", "password")}).json()
        yield Users(environment, _bearer(login["accessToken"]))


@pytest.fixture(scope="module")
def cache() -> Iterator[RedisServer]:
    with redis() as server:
        yield server


@pytest.fixture(scope="module", params=["embedded", "mariadb", "postgresql"])
def shop(
    request: pytest.FixtureRequest, users: Users, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    environment = users.environment | {"ZERO_PORT": "0", "ZERO_STAFF_AUTH__ACCESS_SECRET": STAFF_SECRET}
    staff = _bearer(rest.Jwt(config.JwtConf(access_secret=STAFF_SECRET)).issue(name="Grace").text)
    cache: RedisServer | None = None
    with ExitStack() as stack:
        if request.param != "embedded":
            cache = request.getfixturevalue("cache")
            server = stack.enter_context(_SERVERS[request.param]())
            environment["ZERO_DATA_SOURCE"] = server.create_database("shop")
            environment["ZERO_REDIS__HOST"] = cache.address
            environment["ZERO_CACHE__STORE"] = "redis"
        log = tmp_path_factory.mktemp("logs") / "shop.log"
        service = stack.enter_context(running(SHOP, environment, log))
        url = f"http://{service.address}/v1/shop"
        client = stack.enter_context(httpx.Client(base_url=url, timeout=20))
        client.put("/staff/products/saw", json=SAW, headers=staff).raise_for_status()
        yield Shop(client, users.customer, staff, cache)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_everybody_sees_the_products(shop: Shop) -> None:
    products = shop.client.get("/products", params={"category": "tools", "size": 5})
    assert products.headers["cache-control"] == "public, max-age=10"
    assert {product["price"] for product in products.json()["products"]} == {"12.50"}
    assert shop.client.post("/prices", json=["saw", "no"]).json() == {"saw": "12.50"}


def test_products_are_cached_and_never_old(shop: Shop) -> None:
    for stock in 5, 7:
        shop.client.put("/staff/products/plane", json=SAW | {"stock": stock}, headers=shop.staff)
        assert [shop.client.get("/products/plane").json()["stock"] for _ in range(2)] == [stock] * 2
    if shop.cache is not None:
        shop.cache.command("CONFIG RESETSTAT")
        shop.client.get("/products/plane").raise_for_status()
        assert b"keyspace_hits:1" in shop.cache.command("INFO stats")


def test_of_those_who_order_the_last_pieces_at_once_each_piece_is_sold_once(shop: Shop) -> None:
    shop.client.put("/staff/products/drill", json=SAW | {"stock": 3}, headers=shop.staff).raise_for_status()
    shop.client.get("/products/drill").raise_for_status()  # it is cached before it is sold

    def buy(_: int) -> int:
        order = ORDER | {"lines": [{"sku": "drill", "quantity": 1}]}
        return shop.client.post("/orders", json=order, headers=shop.customer).status_code

    with ThreadPoolExecutor(8) as customers:
        assert sorted(customers.map(buy, range(8))) == [200] * 3 + [409] * 5
    assert shop.client.get("/products/drill").json()["stock"] == 0


def test_orders_are_listed_in_pages_the_latest_first(shop: Shop) -> None:
    shop.client.put("/staff/products/file", json=SAW, headers=shop.staff).raise_for_status()
    order = ORDER | {"lines": [{"sku": "file", "quantity": 1}]}
    made = [shop.client.post("/orders", json=order, headers=shop.customer).json()["id"] for _ in range(2)]
    for page, expected in (1, made[1]), (2, made[0]):
        params = {"page": page, "size": 1}
        found = shop.client.get("/orders", params=params, headers=shop.customer).json()
        assert [order["id"] for order in found["orders"]] == [expected]
        assert found["total"] >= 2
    shop.client.delete(f"/orders/{made[0]}", headers=shop.customer).raise_for_status()
    assert shop.client.get("/products/file").json()["stock"] == 1


def test_an_order_that_is_sent_again_is_the_first_one(shop: Shop) -> None:
    headers = shop.customer | {"Idempotency-Key": "only once"}
    shop.client.put("/staff/products/nail", json=SAW, headers=shop.staff).raise_for_status()
    order = ORDER | {"lines": [{"sku": "nail", "quantity": 1}]}
    first, second = (shop.client.post("/orders", json=order, headers=headers).json() for _ in range(2))
    assert first == second
    assert shop.client.get("/products/nail").json()["stock"] == 1


def test_a_user_orders_and_follows_the_order(shop: Shop) -> None:
    order = shop.client.post("/orders", json=ORDER, headers=shop.customer).json()
    assert order["lines"] == [{"sku": "saw", "quantity": 1, "warehouse": "main"}]
    for state in "shipped", "delivered":
        path = f"/staff/orders/{order['id']}/state"
        shop.client.put(path, json={"state": state}, headers=shop.staff).raise_for_status()
    with shop.client.stream("GET", f"/orders/{order['id']}/events", headers=shop.customer) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        data = [line for line in events.iter_lines() if line.startswith("data:")]
    assert len(data) == 1
    assert '"delivered"' in data[0]


def test_products_are_downloaded_and_uploaded_as_a_file(shop: Shop) -> None:
    exported = shop.client.get("/products.csv")
    assert exported.headers["content-type"].startswith("text/csv")
    assert b"saw,Saw,tools,12.50" in exported.content
    imported = shop.client.post(
        "/staff/products", files={"file": ("products.csv", exported.content)}, headers=shop.staff
    )
    assert imported.json() == {"products": len(exported.content.splitlines()) - 1}


def test_what_is_wrong_is_told_field_by_field(shop: Shop) -> None:
    wrong = ORDER | {"delivery": {}, "lines": [{"sku": "saw", "quantity": 0}]}
    answer = shop.client.post("/orders", json=wrong, headers=shop.customer)
    errors = problem(answer, 400)["errors"]
    assert isinstance(errors, list)
    assert "lines[0].quantity" in {error["field"] for error in errors}


def test_tokens_of_users_are_none_of_the_staff(shop: Shop) -> None:
    problem(shop.client.put("/staff/products/saw", json=SAW, headers=shop.customer), 401)


def test_in_development_it_documents_itself(shop: Shop) -> None:
    base = shop.client.base_url.copy_with(path="/")
    document = shop.client.get(base.join("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert "/v1/shop/orders/{id}" in document["paths"]
    assert "text/html" in shop.client.get(base.join("/docs")).headers["content-type"]
