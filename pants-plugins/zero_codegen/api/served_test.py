"""What the generator makes of a contract, on the real runtime: through its own client, and as plain HTTP."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from zero_runtime import config, rest
from zero_runtime.errors import InvalidArgument, NotFound, ResourceExhausted, Unauthenticated
from zero_runtime.testing import Answer, HttpClient

_TESTDATA = Path(__file__).with_name("testdata")

_AUTH = rest.Jwt(config.JwtConf(access_secret="k" * 32))
_ADMIN = rest.JwtTransition(config.JwtTransitionConf(secret="n" * 32, prev_secret="p" * 32))
_ANN = _AUTH.issue(name="ann").text
_MALLORY = _AUTH.issue(name="mallory").text
_ADMIN_OF_BEFORE = rest.Jwt(config.JwtConf(access_secret="p" * 32)).issue(name="root").text

_LAUNCH = datetime(1965, 8, 1, 12, tzinfo=UTC)
_ADDED = {
    "title": "Dune",
    "authors": ["Herbert"],
    "price": {"amount": "9.90", "currency": "USD"},
    "published": "1965-08-01T14:00:00+02:00",
}
_DUNE = {
    "id": str(2**60),
    "isbn": "1",
    "title": "Dune, edition 2",
    "authors": ["Herbert"],
    "price": {"amount": "9.90", "currency": "USD"},
    "weight": None,
    "published": "1965-08-01T14:00:00+02:00",
    "stock": {},
    "size": None,
    "meta": None,
}
"""As an answer has it: without the rating and the reviews that there are none of."""
_PURCHASE = {"currency": "USD", "lines": [{"isbn": "1"}]}


class Shop(NamedTuple):
    """A bookshop that is open, and those who call it."""

    api: Any
    """The module made of `bookshop.api`."""
    types: Any
    """The one made of `common/paging.api`."""
    logic: Any
    http: HttpClient
    client: Any

    async def add(self, number: str = "1", **changes: Any) -> Answer:
        return await self.send("PUT", f"/v1/admin/books/{number}?edition=2", json=_ADDED | changes)

    async def send(self, method: str, target: str, **options: Any) -> Answer:
        return await self.http.request(method, target, **{"token": _ANN} | options)


Test = Callable[[Shop], Awaitable[None]]


async def _signature(request: rest.Request, proceed: rest.Endpoint) -> rest.Response:
    """Requests are good unless they say otherwise."""
    return rest.Response(403) if request.header(b"x-unsigned") else await proceed(request)


@pytest.fixture(scope="module")
def modules() -> Iterator[tuple[Any, Any, Any]]:
    sys.path.insert(0, str(_TESTDATA))
    api, types, logic = map(importlib.import_module, ("bookshop_api", "common.paging_api", "bookshop_logic"))
    yield api, types, logic
    sys.path.remove(str(_TESTDATA))


@pytest.fixture
def in_shop(modules: tuple[Any, Any, Any]) -> Callable[[Test], None]:
    """Runs a test in a shop of its own."""
    api, types, implementation = modules

    def run(test: Test) -> None:
        logic = implementation.BookshopLogic()
        http = HttpClient(api.routes(logic, auth=_AUTH, admin_auth=_ADMIN, signature=_signature))
        asyncio.run(test(Shop(api, types, logic, http, api.BookshopApiClient(http))))  # type: ignore[arg-type]

    return run


def test_values_come_from_path_query_and_header(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        await shop.add()
        await shop.add("2", title="Emma", price={"amount": 5}, published="1815-12-23T00:00:00Z")
        found = await shop.client.search(shop.api.SearchRequest(max_price=Decimal("9.90"), since=_LAUNCH))
        assert (found.total, [book.isbn for book in found.books]) == (1, ["1"])
        answer = await shop.send("GET", "/v1/books?page=2&size=1")
        assert (answer.json()["total"], answer.json()["books"][0]["isbn"]) == (2, "2")

    in_shop(test)


def test_every_wrong_value_is_named_as_on_the_wire(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        answer = await shop.send("GET", "/v1/books?page=0&size=101&maxPrice=x&since=now")
        assert answer.status == 400
        assert [error["field"] for error in answer.json()["errors"]] == ["page", "size", "since", "maxPrice"]

    in_shop(test)


def test_a_client_gets_what_the_service_answers(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        assert (await shop.add()).json() == _DUNE
        book = await shop.client.get(shop.api.BookRequest(isbn="1"))
        assert (book.id, book.price.amount, book.published, book.rating) == (
            2**60,
            Decimal("9.90"),
            _LAUNCH,
            0,
        )
        with pytest.raises(NotFound, match="there is no book 2"):
            await shop.client.get(shop.api.BookRequest(isbn="2"))

    in_shop(test)


def test_what_is_empty_and_may_be_left_out_is(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        review = shop.api.BookReviews
        await shop.add()
        book = await shop.logic.get(shop.api.BookRequest(isbn="1"))
        book.rating, book.reviews = 4.5, [review(stars=5, text="!"), review(stars=4)]
        answer = await shop.send("GET", "/v1/books/1")
        assert answer.json() == _DUNE | {
            "rating": 4.5,
            "reviews": [{"stars": 5, "text": "!"}, {"stars": 4}],
        }

    in_shop(test)


def test_a_required_struct_is_filled_with_its_defaults(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        await shop.add()
        await shop.add("2", title="Emma", price={"amount": "12"})
        books = await shop.client.list(shop.api.ListRequest(isbns=["2", "1"]))
        assert [book.isbn for book in books] == ["1", "2"]
        order = shop.types.Order(by="price", descending=True)
        books = await shop.client.list(shop.api.ListRequest(isbns=["1", "2"], order=order))
        assert [book.isbn for book in books] == ["2", "1"]

    in_shop(test)


def test_bodies_are_lists_maps_and_whatever_else(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        await shop.add()
        assert await shop.client.prices(["1"]) == {
            "1": shop.types.Money(amount=Decimal("9.90"), currency="USD")
        }
        assert await shop.client.suggest({"Du": 3, "Em": 1}) == {"Du": ["Dune, edition 2"], "Em": []}
        assert await shop.client.newest() == _LAUNCH
        assert await shop.client.echo({"a": [1, None, "x"]}) == {"a": [1, None, "x"]}
        assert await shop.client.open() is None
        assert (await shop.send("HEAD", "/v1/open")).body == b""

    in_shop(test)


def test_a_field_with_two_sources_comes_from_either(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        assert (await shop.add(edition=3)).json()["title"] == "Dune, edition 3"  # later sources win
        answer = await shop.send("PUT", "/v1/admin/books/1", json=_ADDED)
        assert (answer.status, answer.json()["errors"][0]["field"]) == (400, "edition")
        money = shop.types.Money(amount=Decimal(1))
        request = shop.api.AddRequest(
            isbn="7", edition=1, title="Emma", authors=[], price=money, published=_LAUNCH
        )
        assert (await shop.client.admin_add(request, token=_ANN)).title == "Emma, edition 1"

    in_shop(test)


def test_a_body_cannot_set_what_the_path_sets(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        assert (await shop.add("1", isbn="2")).json()["isbn"] == "1"

    in_shop(test)


def test_rules_of_tags(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        async def purchase(**changes: Any) -> Any:
            given, headers = _PURCHASE | changes, {"idempotency-key": "k"}
            answer = await shop.send("POST", "/v1/purchases", json=given, headers=headers)
            body = answer.json()
            return body if answer.status == 200 else [error["field"] for error in body["errors"]]

        bought = await purchase(shop="Main Street")
        assert bought["lines"] == [{"isbn": "1", "quantity": 1, "currency": "USD"}]  # inherited
        assert (bought["region"], bought["paid"], "address" in bought) == ("eu", "false", False)
        address = {"street": "Main Street", "city": "Rome"}
        bought = await purchase(address=address, voucher="v", pin="7")
        assert (bought["address"], bought["paid"]) == (address, "true")
        assert await purchase(shop="Main Street", voucher="v") == ["pin"]
        assert await purchase(shop="Main Street", pin="7") == ["pin"]
        assert await purchase() == ["address"]
        assert await purchase(shop="Main Street", address=address) == ["address"]

    in_shop(test)


def test_a_variable_of_the_environment_stands_above_a_request(
    in_shop: Callable[[Test], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(shop: Shop) -> None:
        monkeypatch.setenv("BOOKSHOP_REGION", "us")
        assert shop.api.__spec__ is not None
        again = importlib.util.module_from_spec(shop.api.__spec__)  # it is read when the service starts
        shop.api.__spec__.loader.exec_module(again)
        http = HttpClient(again.routes(shop.logic, auth=_AUTH, admin_auth=_ADMIN, signature=_signature))
        given, headers = _PURCHASE | {"shop": "Main Street", "region": "asia"}, {"idempotency-key": "k"}
        answer = await http.request("POST", "/v1/purchases", json=given, headers=headers, token=_ANN)
        assert answer.json()["region"] == "us"

    in_shop(test)


def test_a_group_asks_for_a_token_and_hands_its_claims_on(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        line = shop.api.Line(isbn="1", currency="EUR")
        request = shop.api.PurchaseRequest(key="k", currency="EUR", lines=[line], shop="Main Street")
        bought = await shop.client.purchase_create(request, token=_ANN)
        assert (bought.buyer, bought.paid) == ("ann", False)
        with pytest.raises(Unauthenticated):
            await shop.client.purchase_get(shop.api.PurchaseId(id="k"))
        await shop.client.purchase_cancel(shop.api.PurchaseId(id="k"), token=_ANN)
        with pytest.raises(NotFound):
            await shop.client.purchase_get(shop.api.PurchaseId(id="k"), token=_ANN)

    in_shop(test)


def test_middlewares_stand_before_their_groups(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        with pytest.raises(ResourceExhausted):
            await shop.client.purchase_get(shop.api.PurchaseId(id="k"), token=_MALLORY)
        purchase, headers = _PURCHASE | {"shop": "Main Street"}, {"idempotency-key": "k"}
        await shop.send("POST", "/v1/purchases", json=purchase, headers=headers)
        await shop.send("DELETE", "/v1/purchases/k")  # which has a `middleware` of its own
        await shop.send("HEAD", "/v1/open")
        assert shop.logic.audited == ["POST /v1/purchases 200", "DELETE /v1/purchases/k 200"]

    in_shop(test)


def test_a_group_limits_its_requests(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        body = {"voucher": "v" * 65536}
        assert (await shop.send("POST", "/v1/purchases", json=body)).status == 413
        assert (await shop.send("POST", "/v1/echo", json=body)).status == 200

    in_shop(test)


def test_events_are_streamed(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        purchase, headers = _PURCHASE | {"shop": "Main Street"}, {"idempotency-key": "k"}
        await shop.send("POST", "/v1/purchases", json=purchase, headers=headers)
        events = shop.client.purchase_watch(shop.api.PurchaseId(id="k"), token=_ANN)
        assert [(event.state, event.note) async for event in events] == [("paid", ""), ("sent", "by bicycle")]
        assert (await shop.send("GET", "/v1/purchases/x/events")).status == 404
        answer = await shop.send("GET", "/v1/purchases/k/events")
        assert answer.headers["content-type"] == "text/event-stream"
        assert b'data: {"number":1,"state":"paid","at":"2026-01-01T00:00:00Z"}\n\n' in answer.body
        with pytest.raises(NotFound):
            [event async for event in shop.client.purchase_watch(shop.api.PurchaseId(id="x"), token=_ANN)]

    in_shop(test)


def test_files_are_taken_and_given(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        front, sample = rest.Upload("front.png", "image/png", b"123"), rest.Upload("", "", b"45")
        request = shop.api.CoverRequest(isbn="1", front=front, samples=[sample, sample])
        cover = await shop.client.admin_cover(request, token=_ANN)
        assert msgspec.to_builtins(cover) == {
            "name": "front.png",
            "type": "image/png",
            "bytes": 7,
            "files": 3,
        }
        answer = await shop.send("POST", "/v1/admin/books/1/cover", form={"back": front})
        assert [error["field"] for error in answer.json()["errors"]] == ["front"]
        year = shop.api.SalesRequest(year=2026)
        assert await shop.client.admin_sales(year, token=_ANN) == b"isbn,year\r\n"
        sales = await shop.send("GET", "/v1/admin/sales/2026")
        assert sales.headers["content-type"].startswith("text/csv")

    in_shop(test)


def test_either_of_two_verifiers_lets_in_and_signatures_are_asked_for(
    in_shop: Callable[[Test], None],
) -> None:
    async def test(shop: Shop) -> None:
        sales = "/v1/admin/sales/2026"
        assert (await shop.send("GET", sales, token=_ANN)).status == 200
        assert (await shop.send("GET", sales, token=_ADMIN_OF_BEFORE)).status == 200
        assert (await shop.send("GET", sales, token="none")).status == 401
        assert (await shop.send("GET", sales, headers={"x-unsigned": "1"})).status == 403

    in_shop(test)


def test_a_client_refuses_what_has_no_place_in_a_request(in_shop: Callable[[Test], None]) -> None:
    async def test(shop: Shop) -> None:
        with pytest.raises(InvalidArgument):
            await shop.client.get(shop.api.BookRequest(isbn=""))

    in_shop(test)
