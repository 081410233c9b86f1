"""The logic of both services, together: gateway -> RPC -> database, all real, in one process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from user import api_logic, rpc_logic, user_api_service, user_rpc_service
from user.user_api import routes
from user.user_model import SCHEMA, UserModel
from user.user_rpc import UserClient, user_service

from zero_runtime import config, rest
from zero_runtime.testing import HttpClient, channel, database

ADA = {"name": "Ada", "gender": 2, "mobile": "13800000001", "password": "correct horse"}
LOGIN = {"mobile": ADA["mobile"], "password": ADA["password"]}


@asynccontextmanager
async def gateway() -> AsyncIterator[tuple[HttpClient, UserModel]]:
    log = logging.getLogger("test")
    async with database(SCHEMA) as tables:
        users = UserModel(tables)
        rpc_config = user_rpc_service.Config(data_source="sqlite://")
        rpc_context = user_rpc_service.Context(config=rpc_config, database=tables, user_model=users, log=log)
        async with channel(user_service(rpc_logic.UserLogic(rpc_context))) as connected:
            jwt = config.JwtConf(access_secret="a secret of more than thirty-two bytes", access_expire=3600)
            auth = rest.Jwt(jwt)
            api_config = user_api_service.Config(
                auth=jwt, user_rpc=config.RpcClientConf(target="local:///user-rpc")
            )
            context = user_api_service.Context(
                config=api_config, auth=auth, user_rpc=UserClient(connected), log=log
            )
            yield HttpClient(routes(api_logic.UserLogic(context), auth=auth)), users


def through_the_gateway(test: Callable[[HttpClient, UserModel], Awaitable[None]]) -> None:
    async def run() -> None:
        async with gateway() as (client, users):
            await test(client, users)

    asyncio.run(run())


def test_a_password_is_kept_as_an_argon2_hash_only() -> None:
    async def test(client: HttpClient, users: UserModel) -> None:
        await client.request("POST", "/api/user/register", json=ADA)
        user = await users.find_one_by_mobile("13800000001")
        assert user is not None
        assert user.password.startswith("$argon2id$")
        assert "correct horse" not in user.password

    through_the_gateway(test)


def test_the_token_of_a_login_opens_the_account() -> None:
    async def test(client: HttpClient, users: UserModel) -> None:
        registered = await client.request("POST", "/api/user/register", json=ADA)
        login = await client.request("POST", "/api/user/login", json=LOGIN)
        info = await client.request("POST", "/api/user/userinfo", token=login.json()["accessToken"])
        assert info.status == 200
        assert info.json() == registered.json()

    through_the_gateway(test)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("register", ADA, 409),
        ("register", ADA | {"mobile": ""}, 400),
        ("login", LOGIN | {"password": "wrong"}, 401),
        ("login", LOGIN | {"mobile": "13800000002"}, 401),
    ],
)
def test_what_the_rpc_server_refuses_is_refused_over_http(path: str, body: object, status: int) -> None:
    async def test(client: HttpClient, users: UserModel) -> None:
        await client.request("POST", "/api/user/register", json=ADA)
        answer = await client.request("POST", f"/api/user/{path}", json=body)
        assert answer.status == status
        assert answer.headers["content-type"].startswith("application/problem+json")

    through_the_gateway(test)


def test_the_account_of_a_token_may_be_gone() -> None:
    async def test(client: HttpClient, users: UserModel) -> None:
        user = (await client.request("POST", "/api/user/register", json=ADA)).json()
        login = await client.request("POST", "/api/user/login", json=LOGIN)
        await users.delete(user["id"])
        info = await client.request("POST", "/api/user/userinfo", token=login.json()["accessToken"])
        assert info.status == 404

    through_the_gateway(test)
