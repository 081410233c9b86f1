"""The packaged chat beside the user service that it asks who speaks, over gRPC as its callers reach it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest
from chat.chat_pb2 import FollowRequest, ImportHistoryRequest, Join, Message, PostRequest, TalkRequest
from chat.chat_rpc import ChatClient
from user.user_pb2 import RegisterRequest
from user.user_rpc import UserClient

from tests.end_to_end.fleet import running
from tests.end_to_end.pex_test import RPC
from zero_runtime import rpc
from zero_runtime.config import RpcClientConf
from zero_runtime.errors import NotFound, Unavailable

CHAT: list[str | Path] = [sys.executable, Path("services.chat/chat/chat.pex").absolute()]


@dataclass(frozen=True)
class Fleet:
    """The addresses of both services, and the user who is registered."""

    chat: str
    users: str
    ada: int


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    state = tmp_path_factory.mktemp("state")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(state),
        "PEX_ROOT": str(state / "pex"),
        "ZERO_STATE_DIR": str(state),
    }


@pytest.fixture(scope="module")
def fleet(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    logs = tmp_path_factory.mktemp("logs")
    with (
        running(RPC, environment, logs / "user-rpc.log") as users,
        running(CHAT, environment, logs / "chat.log") as chat,
    ):
        yield Fleet(chat.address, users.address, asyncio.run(_register(users.address)))


async def _register(users: str) -> int:
    async with rpc.connect(RpcClientConf(target=users, timeout=20_000)) as channel:
        ada = RegisterRequest(name="Ada", mobile="13800000001", password="correct horse")
        return (await UserClient(channel).register(ada)).id


def test_every_kind_of_call(fleet: Fleet) -> None:
    async def history() -> AsyncIterator[ImportHistoryRequest]:
        yield ImportHistoryRequest(room="lobby")
        yield ImportHistoryRequest(message=Message(user_id=fleet.ada, text="once upon a time"))

    async def talk() -> AsyncIterator[TalkRequest]:
        yield TalkRequest(join=Join(room="lobby", user_id=fleet.ada))
        yield TalkRequest(text="anybody there?")

    async def test() -> None:
        async with asyncio.timeout(30), rpc.connect(RpcClientConf(target=fleet.chat)) as channel:
            chat = ChatClient(channel)
            assert (await chat.import_history(history())).messages == 1
            posted = await chat.post(PostRequest(room="lobby", user_id=fleet.ada, text="hello"))
            assert (posted.message.number, posted.message.name) == (2, "Ada")
            async with chat.follow(FollowRequest(room="lobby", after=1)) as following:
                assert (await anext(following)).message == posted.message
                async with chat.talk(talk()) as heard:
                    assert [response.message.text async for response in heard] == ["anybody there?"]
                assert (await anext(following)).message.text == "anybody there?"

    asyncio.run(test())


def test_what_user_rpc_does_not_know_the_chat_does_not_know(fleet: Fleet) -> None:
    async def test() -> None:
        async with rpc.connect(RpcClientConf(target=fleet.chat)) as channel:
            with pytest.raises(NotFound, match="there is no user 77"):
                await ChatClient(channel).post(PostRequest(room="lobby", user_id=77, text="boo"))

    asyncio.run(test())


def test_without_a_configuration_it_tells_what_it_serves(fleet: Fleet) -> None:
    async def test() -> list[str]:
        from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

        async with grpc.aio.insecure_channel(fleet.chat) as channel:
            question = reflection_pb2.ServerReflectionRequest(list_services="")
            answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([question]))
            async for answer in answers:
                return [service.name for service in answer.list_services_response.service]
            raise AssertionError("no answer")

    assert {"chat.Chat", "grpc.health.v1.Health"} <= set(asyncio.run(test()))


def test_the_chat_says_when_no_user_service_is_there(environment: dict[str, str], tmp_path: Path) -> None:
    async def test(address: str) -> None:
        async with rpc.connect(RpcClientConf(target=address, timeout=20_000)) as channel:
            with pytest.raises(Unavailable, match="user-rpc"):
                await ChatClient(channel).post(PostRequest(room="lobby", user_id=1, text="hello"))

    # The time of the call must not be over before that in which the chat waits for the user service.
    patient = {"ZERO_TIMEOUT": "10000", "ZERO_USER_RPC__TIMEOUT": "1000"}
    alone = environment | patient | {"ZERO_STATE_DIR": str(tmp_path)}
    with running(CHAT, alone, tmp_path / "chat.log") as chat:
        asyncio.run(test(chat.address))
