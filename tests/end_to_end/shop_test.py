"""The packaged shop beside the user service: its customers are the users that log in there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.fleet import fleet, running
from tests.end_to_end.flow import ADA, problem
from tests.end_to_end.pex_test import API, RPC
from zero_runtime import config, rest

SHOP: list[str | Path] = [sys.executable, Path("services.shop/shop/shop.pex").absolute()]

USERS_SECRET = "what user-api signs and the shop verifies"
STAFF_SECRET = "what only the staff's tokens are signed by"

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


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    state = tmp_path_factory.mktemp("state")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "PEX_ROOT": str(state / "pex"),
        "ZERO_STATE_DIR": str(state),
        "ZERO_AUTH__ACCESS_SECRET": USERS_SECRET,
    }
    logs = tmp_path_factory.mktemp("logs")
    shop_environment = environment | {"ZERO_PORT": "0", "ZERO_STAFF_AUTH__ACCESS_SECRET": STAFF_SECRET}
    staff = rest.Jwt(config.JwtConf(access_secret=STAFF_SECRET)).issue(name="Grace")
    with (
        fleet(RPC, API, environment, logs) as users,
        running(SHOP, shop_environment, logs / "shop.log") as service,
        httpx.Client(base_url=f"http://{service.address}/v1/shop", timeout=20) as client,
    ):
        users.post("/api/user/register", json=ADA).raise_for_status()
        login = users.post("/api/user/login", json={key: ADA[key] for key in ("mobile", "password")}).json()
        opened = Shop(client, _bearer(login["accessToken"]), _bearer(staff.text))
        client.put("/staff/products/saw", json=SAW, headers=opened.staff).raise_for_status()
        yield opened


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_everybody_sees_the_products(shop: Shop) -> None:
    products = shop.client.get("/products", params={"category": "tools", "size": 5})
    assert products.headers["cache-control"] == "public, max-age=10"
    assert [product["price"] for product in products.json()["products"]] == ["12.50"]
    assert shop.client.post("/prices", json=["saw", "no"]).json() == {"saw": "12.50"}


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
    assert imported.json() == {"products": 1}


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
