"""The logic of the shop on its routes, database and cache in memory, mostly through the generated client."""

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from common.page_api import PageRequest
from shop import products_csv
from shop.logic import ShopLogic
from shop.shop_api import (
    Address,
    CreateOrderRequest,
    Delivery,
    ImportProductsRequest,
    ListProductsRequest,
    OrderKey,
    OrderLine,
    ProductKey,
    PutProductRequest,
    SetOrderStateRequest,
    ShopApiClient,
    routes,
)
from shop.shop_model import SCHEMA, ProductModel, PurchaseLineModel, PurchaseModel
from shop.shop_service import Config, Context

from zero_runtime import config, rest
from zero_runtime.errors import InvalidArgument, NotFound, ZeroError
from zero_runtime.testing import HttpClient, database

GO = PutProductRequest(sku="go", name="Go in Practice", category="books", price=Decimal("29.90"), stock=3)
SAW = PutProductRequest(sku="saw", name="Saw", category="tools", price=Decimal("12.00"), weight=0.5, stock=1)
ZERO = PutProductRequest(sku="zero", name="Zero", category="books", price=Decimal("9.00"), stock=0)
GO_ONCE, SAW_ONCE = ("go", 1), ("saw", 1)
TO_ADA = Delivery(address=Address(street="Byron Row 1", city="London", country="GB"))


class Shop:
    """A shop with three products, as its customers and its staff reach it."""

    def __init__(self, http: HttpClient, ada: str, eve: str, staff: str) -> None:
        self.http = http
        self.client = ShopApiClient(http)
        self.ada, self.eve, self.staff = ada, eve, staff

    async def order(self, *lines: tuple[str, int], key: str = "") -> int:
        """The number of an order that Ada makes."""
        request = CreateOrderRequest(
            idempotency_key=key,
            lines=[OrderLine(sku=sku, quantity=quantity, warehouse="north") for sku, quantity in lines],
            warehouse="main",
            delivery=TO_ADA,
        )
        return (await self.client.create_order(request, token=self.ada)).id

    async def stock(self, sku: str) -> int:
        return (await self.client.get_product(ProductKey(sku=sku))).stock


@asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    jwt = config.JwtConf(access_secret="a secret of more than thirty-two bytes", access_expire=3600)
    staff_jwt = config.JwtConf(access_secret="another secret of thirty-two bytes", access_expire=3600)
    auth, staff_auth = rest.Jwt(jwt), rest.Jwt(staff_jwt)
    async with database(SCHEMA, cached=True) as tables:
        context = Context(
            config=Config(auth=jwt, staff_auth=staff_jwt, data_source="sqlite://"),
            auth=auth,
            staff_auth=staff_auth,
            database=tables,
            product_model=ProductModel(tables),
            purchase_model=PurchaseModel(tables),
            purchase_line_model=PurchaseLineModel(tables),
            log=logging.getLogger("test"),
        )
        served = HttpClient(routes(ShopLogic(context), auth=auth, staff_auth=staff_auth))
        ada, eve = auth.issue(userId=1).text, auth.issue(userId=2).text
        opened = Shop(served, ada, eve, staff_auth.issue(name="Grace").text)
        for product in GO, SAW, ZERO:
            await opened.client.staff_put_product(product, token=opened.staff)
        yield opened


def in_a_shop(test: Callable[[Shop], Awaitable[object]]) -> None:
    async def run() -> None:
        async with shop() as opened:
            await test(opened)

    asyncio.run(run())


def test_products_are_listed_by_category_sorted_and_in_pages() -> None:
    async def test(shop: Shop) -> None:
        books = await shop.client.list_products(ListProductsRequest(category="books"))
        assert [product.sku for product in books.products] == ["go", "zero"]
        cheapest = await shop.client.list_products(
            ListProductsRequest(category="books", sort="price", size=1)
        )
        assert ([product.sku for product in cheapest.products], cheapest.total) == (["zero"], 2)
        second = await shop.client.list_products(
            ListProductsRequest(category="books", sort="-price", page=2, size=1)
        )
        assert ([product.sku for product in second.products], second.total) == (["zero"], 2)
        there = await shop.client.list_products(ListProductsRequest(category="books", in_stock=True))
        assert ([product.sku for product in there.products], there.total) == (["go"], 1)

    in_a_shop(test)


def test_amounts_are_exact_and_times_have_a_zone() -> None:
    async def test(shop: Shop) -> None:
        answer = (await shop.http.request("GET", "/v1/shop/products/go")).json()
        assert answer["price"] == "29.90"
        assert dt.datetime.fromisoformat(answer["updateTime"]).utcoffset() == dt.timedelta()

    in_a_shop(test)


def test_prices_of_products_that_do_not_exist_are_left_out() -> None:
    async def test(shop: Shop) -> None:
        assert await shop.client.get_prices(["go", "no", "saw"]) == {
            "go": Decimal("29.90"),
            "saw": Decimal("12.00"),
        }

    in_a_shop(test)


def test_what_everybody_may_see_may_be_kept() -> None:
    async def test(shop: Shop) -> None:
        public = await shop.http.request("GET", "/v1/shop/products/go")
        assert public.headers["cache-control"] == "public, max-age=10"
        private = await shop.http.request("GET", "/v1/shop/orders", token=shop.ada)
        assert "cache-control" not in private.headers

    in_a_shop(test)


def test_an_order_takes_its_pieces_and_gives_them_back_when_it_is_cancelled() -> None:
    async def test(shop: Shop) -> None:
        id = await shop.order(("go", 2), ("saw", 1))
        order = await shop.client.get_order(OrderKey(id=id), token=shop.ada)
        assert (order.state, order.total, order.delivery) == ("open", Decimal("71.80"), TO_ADA)
        assert [await shop.stock("go"), await shop.stock("saw")] == [1, 0]
        await shop.client.cancel_order(OrderKey(id=id), token=shop.ada)
        assert [await shop.stock("go"), await shop.stock("saw")] == [3, 1]

    in_a_shop(test)


def test_an_order_of_more_than_there_is_takes_nothing() -> None:
    async def test(shop: Shop) -> None:
        with pytest.raises(ZeroError, match="not 2 pieces of saw"):
            await shop.order(("go", 1), ("saw", 2))
        assert await shop.stock("go") == 3
        assert (await shop.client.list_orders(PageRequest(), token=shop.ada)).total == 0

    in_a_shop(test)


def test_of_those_who_order_the_last_piece_at_once_one_gets_it() -> None:
    async def test(shop: Shop) -> None:
        orders = await asyncio.gather(*(shop.order(("saw", 1)) for _ in range(5)), return_exceptions=True)
        assert len([order for order in orders if isinstance(order, int)]) == 1
        assert await shop.stock("saw") == 0

    in_a_shop(test)


def test_orders_are_listed_the_latest_first_and_in_pages() -> None:
    async def test(shop: Shop) -> None:
        first, second, third = [
            await shop.order(*lines) for lines in ((GO_ONCE,), (GO_ONCE, SAW_ONCE), (GO_ONCE,))
        ]
        page = await shop.client.list_orders(PageRequest(size=2), token=shop.ada)
        assert ([order.id for order in page.orders], page.total) == ([third, second], 3)
        assert [[line.sku for line in order.lines] for order in page.orders] == [["go"], ["go", "saw"]]
        page = await shop.client.list_orders(PageRequest(page=2, size=2), token=shop.ada)
        assert ([order.id for order in page.orders], page.total) == ([first], 3)

    in_a_shop(test)


def test_orders_with_the_same_key_are_one() -> None:
    async def test(shop: Shop) -> None:
        assert await shop.order(("go", 1), key="a") == await shop.order(("go", 1), key="a")
        assert await shop.order(("go", 1)) != await shop.order(("go", 1))
        assert await shop.stock("go") == 0

    in_a_shop(test)


def test_a_line_is_sent_from_the_warehouse_of_its_order_unless_it_says_otherwise() -> None:
    async def test(shop: Shop) -> None:
        body = {
            "lines": [{"sku": "go", "quantity": 1}, {"sku": "saw", "quantity": 1, "warehouse": "north"}],
            "warehouse": "main",
            "delivery": {"shop": "Berlin", "after": "2030-01-02T10:00:00+01:00"},
        }
        answer = await shop.http.request("POST", "/v1/shop/orders", json=body, token=shop.ada)
        assert answer.status == 200, answer.body
        order = answer.json()
        assert [line["warehouse"] for line in order["lines"]] == ["main", "north"]
        assert order["delivery"] == {"shop": "Berlin", "after": "2030-01-02T10:00:00+01:00"}
        assert order["channel"] == "web"
        assert isinstance(order["id"], str)

    in_a_shop(test)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"delivery": {}}, "delivery.shop"),
        ({"delivery": {"shop": "Berlin", "address": {"street": "a", "city": "b"}}}, "delivery.address"),
        ({"lines": [{"sku": "go", "quantity": 0, "warehouse": "main"}]}, "lines[0].quantity"),
        ({"lines": [{"quantity": 1, "warehouse": "main"}]}, "lines[0].sku"),
    ],
)
def test_a_wrong_order_is_refused_by_the_name_of_what_is_wrong(change: dict[str, object], field: str) -> None:
    body = {
        "lines": [{"sku": "go", "quantity": 1, "warehouse": "main"}],
        "warehouse": "main",
        "delivery": {"shop": "Berlin"},
    }

    async def test(shop: Shop) -> None:
        answer = await shop.http.request("POST", "/v1/shop/orders", json=body | change, token=shop.ada)
        assert answer.status == 400
        assert field in {error["field"] for error in answer.json()["errors"]}

    in_a_shop(test)


def test_customers_see_their_own_orders_only_and_staff_has_tokens_of_its_own() -> None:
    async def test(shop: Shop) -> None:
        id = await shop.order(("go", 1))
        with pytest.raises(NotFound):
            await shop.client.get_order(OrderKey(id=id), token=shop.eve)
        assert (await shop.client.list_orders(PageRequest(), token=shop.eve)).total == 0
        by_customer = await shop.http.request(
            "PUT", f"/v1/shop/staff/orders/{id}/state", json={"state": "shipped"}, token=shop.ada
        )
        assert by_customer.status == 401

    in_a_shop(test)


def test_an_order_is_followed_until_it_is_delivered() -> None:
    async def test(shop: Shop) -> None:
        id = await shop.order(("go", 1))
        states = []
        async for event in shop.client.watch_order(OrderKey(id=id), token=shop.ada):
            states.append(event.state)
            if len(states) < 3:
                request = SetOrderStateRequest(id=id, state="shipped" if len(states) == 1 else "delivered")
                await shop.client.staff_set_order_state(request, token=shop.staff)
        assert states == ["open", "shipped", "delivered"]

    in_a_shop(test)


def test_an_order_that_is_not_there_cannot_be_followed() -> None:
    async def test(shop: Shop) -> None:
        with pytest.raises(NotFound):
            await anext(shop.client.watch_order(OrderKey(id=7), token=shop.ada))

    in_a_shop(test)


def test_an_order_that_was_shipped_cannot_be_cancelled() -> None:
    async def test(shop: Shop) -> None:
        id = await shop.order(("go", 1))
        request = SetOrderStateRequest(id=id, state="shipped")
        await shop.client.staff_set_order_state(request, token=shop.staff)
        with pytest.raises(ZeroError, match="only an order that is open"):
            await shop.client.cancel_order(OrderKey(id=id), token=shop.ada)
        assert await shop.stock("go") == 2

    in_a_shop(test)


def test_what_is_exported_can_be_changed_and_imported_again() -> None:
    async def test(shop: Shop) -> None:
        content = await shop.client.export_products()
        assert content.startswith(b"sku,name,category,price,weight,stock\r\n")
        file = rest.Upload(
            filename="products.csv", content_type="text/csv", content=content.replace(b"29.90", b"31.00")
        )
        checked = ImportProductsRequest(file=file, dry_run=True)
        assert (await shop.client.staff_import_products(checked, token=shop.staff)).products == 3
        assert (await shop.client.get_product(ProductKey(sku="go"))).price == Decimal("29.90")
        await shop.client.staff_import_products(ImportProductsRequest(file=file), token=shop.staff)
        assert (await shop.client.get_product(ProductKey(sku="go"))).price == Decimal("31.00")

    in_a_shop(test)


def test_an_export_of_several_pages_has_each_product_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products_csv, "_PAGE", 2)

    async def test(shop: Shop) -> None:
        lines = (await shop.client.export_products()).decode().splitlines()
        assert [line.split(",")[0] for line in lines] == ["sku", "go", "saw", "zero"]

    in_a_shop(test)


def test_every_wrong_line_of_an_import_is_named_and_nothing_is_kept() -> None:
    async def test(shop: Shop) -> None:
        content = (
            b"sku,name,category,price,weight,stock\nnew,New,books,1,0,1\na,A,cars,1,0,1\nb,B,books,x,0,1\n"
        )
        file = rest.Upload(filename="products.csv", content_type="text/csv", content=content)
        with pytest.raises(InvalidArgument) as refused:
            await shop.client.staff_import_products(ImportProductsRequest(file=file), token=shop.staff)
        assert [error.field for error in refused.value.fields] == ["file[3]", "file[4]"]
        with pytest.raises(NotFound):
            await shop.client.get_product(ProductKey(sku="new"))

    in_a_shop(test)


def test_the_log_tells_who_of_the_staff_did_what(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "test"):
        in_a_shop(lambda shop: shop.stock("go"))
    assert "Grace: PUT /v1/shop/staff/products/go" in caplog.messages
