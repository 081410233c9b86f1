"""What the generator makes of a contract, on the real runtime: binding, answers and refusals."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest

from zero_codegen.api import generate
from zero_codegen.source import ContractFile, Output
from zero_runtime import config, rest

_CONTRACT = """
type (
	Page {
		Number int `form:"page,default=1,range=[1:]"`
		Size   uint8 `form:"size,default=10,options=10|20"`
	}
	ListRequest {
		Page
		Tenant string   `path:"tenant-id"`
		Tags   []string `form:"tag,optional"`
		Trace  string   `header:"X-Trace,optional"`
	}
	Item {
		Id    uint64         `json:"id"`
		List  []string       `json:"list,optional"`
		Owner *Owner         `json:"owner,optional"`
		Class string         `json:"class,options=a|b"`
		Stock map[string]int `json:"stock,optional"`
	}
	Owner { Name string `json:"name"` }
	ListResponse {
		Number int      `json:"number"`
		Size   int      `json:"size"`
		Tenant string   `json:"tenantId"`
		Tags   []string `json:"tags"`
		Trace  string   `json:"trace"`
	}
	UpdateRequest {
		UserId int64 `path:"id"`
		Id     int64 `json:"id"`
		Item   Item  `json:"item"`
	}
	UpdateResponse {
		UserId int64 `json:"userId"`
		Id     int64 `json:"id"`
	}
)

@server (prefix: /v1/:tenant-id)
service shop-api {
	@handler List
	get /items (ListRequest) returns (ListResponse)
}

service shop-api {
	@handler CreateMany
	post /items ([]Item) returns ([]Item)
	@handler Update
	put /items/:id (UpdateRequest) returns (UpdateResponse)
	@handler Ping
	get /ping
	@handler Echo
	post /echo (string) returns (string)
}

@server (jwt: Auth)
service shop-api {
	@handler Whoami
	get /whoami returns (string)
}
"""


_JWT = rest.Jwt(config.JwtConf(access_secret="k" * 32))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("generated")
    assert generate([ContractFile("shop.api", "", _CONTRACT)], Output(folder)) == []
    sys.path.insert(0, str(folder))
    yield importlib.import_module("shop_api")
    sys.path.remove(str(folder))


@pytest.fixture
def call(shop: ModuleType) -> Callable[..., tuple[int, Any]]:
    class Logic(shop.ShopApi):  # type: ignore[name-defined,misc]
        async def list(self, request: Any) -> Any:
            return shop.ListResponse(
                number=request.number,
                size=request.size,
                tenant=request.tenant,
                tags=request.tags,
                trace=request.trace,
            )

        async def create_many(self, request: Any) -> Any:
            return request

        async def update(self, request: Any) -> Any:
            return shop.UpdateResponse(user_id=request.user_id, id=request.id)

        async def ping(self) -> None:
            return None

        async def echo(self, request: str) -> str:
            return request

        async def whoami(self, claims: rest.Claims) -> str:
            return str(claims["name"])

    app = rest.App(shop.routes(Logic(), auth=_JWT))

    def send(method: str, url: str, **options: Any) -> tuple[int, Any]:
        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, url, **options)

        response = asyncio.run(answer())
        return response.status_code, response.json() if response.content else None

    return send


def test_values_come_from_path_query_and_header(call: Callable[..., tuple[int, Any]]) -> None:
    status, body = call("GET", "/v1/acme/items?page=3&tag=a&tag=b", headers={"x-trace": "t1"})
    assert (status, body) == (
        200,
        {"number": 3, "size": 10, "tenantId": "acme", "tags": ["a", "b"], "trace": "t1"},
    )


def test_every_wrong_value_is_named_as_on_the_wire(call: Callable[..., tuple[int, Any]]) -> None:
    status, body = call("GET", "/v1/acme/items?page=0&size=11")
    assert status == 400
    assert "page" in json.dumps(body) and "size" in json.dumps(body)


def test_lists_and_scalars_are_bodies_too(call: Callable[..., tuple[int, Any]]) -> None:
    item = {"id": 2**64 - 1, "list": ["x"], "owner": {"name": "n"}, "class": "a", "stock": {"k": 1}}
    assert call("POST", "/items", json=[item]) == (200, [item])
    assert call("POST", "/items", json=[item | {"id": 2**64}])[0] == 400
    assert call("POST", "/items", json=[item | {"class": "c"}])[0] == 400
    assert call("POST", "/echo", json="hello") == (200, "hello")


def test_what_is_optional_has_gos_zero_value(call: Callable[..., tuple[int, Any]]) -> None:
    status, body = call("POST", "/items", json=[{"id": 1, "class": "b"}])
    assert (status, body) == (200, [{"id": 1, "list": [], "owner": None, "class": "b", "stock": {}}])


def test_a_body_cannot_set_what_the_path_sets(call: Callable[..., tuple[int, Any]]) -> None:
    item = {"id": 1, "class": "a"}
    status, body = call("PUT", "/items/7", json={"id": 8, "user_id": 9, "item": item})
    assert (status, body) == (200, {"userId": 7, "id": 8})


def test_no_response_type_is_an_empty_answer(call: Callable[..., tuple[int, Any]]) -> None:
    assert call("GET", "/ping") == (200, None)


def test_a_jwt_group_asks_for_a_token_and_hands_its_claims_on(call: Callable[..., tuple[int, Any]]) -> None:
    assert call("GET", "/whoami")[0] == 401
    headers = {"authorization": f"Bearer {_JWT.issue(name='ann').text}"}
    assert call("GET", "/whoami", headers=headers) == (200, "ann")
