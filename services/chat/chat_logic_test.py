"""The chat and the user service that it calls, each behind a channel, on databases in memory."""

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import pytest
from chat import chat_service as chat_wiring
from chat.chat_model import SCHEMA, MessageModel
from chat.chat_pb2 import (
    FollowRequest,
    ImportHistoryRequest,
    Join,
    Message,
    PostRequest,
    TalkRequest,
)
from chat.chat_rpc import ChatClient, chat_service
from chat.logic import HISTORY_LENGTH, TEXT_LENGTH, ChatLogic
from chat.rooms import PAGE
from chat.talk import talk
from google.protobuf.timestamp_pb2 import Timestamp
from user import rpc_logic, user_rpc_service
from user.user_model import SCHEMA as USERS
from user.user_model import UserModel
from user.user_rpc import UserClient, user_service

from zero_runtime.config import RpcClientConf
from zero_runtime.errors import InvalidArgument, NotFound, ZeroError
from zero_runtime.testing import channel, database

T = TypeVar("T")

LOG = logging.getLogger("test")
ADA, EVE, NOBODY = 1, 2, 3


@dataclass
class Chat:
    """A chat that Ada and Eve may use."""

    client: ChatClient
    logic: ChatLogic
    context: chat_wiring.Context

    async def say(self, *texts: str, user: int = ADA, room: str = "lobby") -> None:
        for text in texts:
            await self.client.post(PostRequest(room=room, user_id=user, text=text))

    async def said(self, count: int, *, after: int = 0, room: str = "lobby") -> list[Message]:
        """The next messages that a follower is told."""
        heard: list[Message] = []
        async with self.client.follow(FollowRequest(room=room, after=after)) as messages:
            while len(heard) < count:
                heard.append((await anext(messages)).message)
        return heard

    async def nobody_follows(self) -> None:
        while self.logic._rooms._bells:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def opened() -> AsyncIterator[Chat]:
    async with AsyncExitStack() as stack:
        users = await stack.enter_async_context(database(USERS))
        for name in "Ada", "Eve":
            await UserModel(users).insert(name=name, mobile=name, password="")
        user_context = user_rpc_service.Context(
            config=user_rpc_service.Config(data_source="sqlite://"),
            database=users,
            user_model=UserModel(users),
            log=LOG,
        )
        served = channel(user_service(rpc_logic.UserLogic(user_context)))
        tables = await stack.enter_async_context(database(SCHEMA))
        context = chat_wiring.Context(
            config=chat_wiring.Config(
                data_source="sqlite://", user_rpc=RpcClientConf(target="local:///user-rpc")
            ),
            user_rpc=UserClient(await stack.enter_async_context(served)),
            database=tables,
            message_model=MessageModel(tables),
            log=LOG,
        )
        logic = ChatLogic(context)
        connected = await stack.enter_async_context(channel(chat_service(logic)))
        yield Chat(ChatClient(connected), logic, context)


def in_a_chat(test: Callable[[Chat], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), opened() as chat:
            await test(chat)

    asyncio.run(run())


def texts(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages]


def test_the_user_service_says_who_speaks() -> None:
    async def test(chat: Chat) -> None:
        posted = (await chat.client.post(PostRequest(room="lobby", user_id=EVE, text="你好"))).message
        assert (posted.number, posted.user_id, posted.name, posted.text) == (1, EVE, "Eve", "你好")
        age = dt.datetime.now(dt.UTC) - posted.time.ToDatetime(dt.UTC)
        assert abs(age) < dt.timedelta(seconds=10)
        with pytest.raises(NotFound, match="there is no user 3"):
            await chat.say("boo", user=NOBODY)
        assert await chat.said(1) == [posted]

    in_a_chat(test)


@pytest.mark.parametrize(
    ("room", "text", "wrong"),
    [
        ("", "hello", "room is required"),
        ("x" * 65, "hello", "room has more than 64 characters"),
        ("lobby", "", "text is required"),
        ("lobby", "王" * (TEXT_LENGTH + 1), "text has more than 2000 characters"),
    ],
)
def test_what_is_wrong_with_a_message_is_told(room: str, text: str, wrong: str) -> None:
    async def test(chat: Chat) -> None:
        with pytest.raises(InvalidArgument) as caught:
            await chat.say(text, room=room)
        (field,) = caught.value.fields
        assert f"{field.field} {field.message}" == wrong

    in_a_chat(test)


def test_a_follower_is_told_what_was_said_and_what_is() -> None:
    async def test(chat: Chat) -> None:
        await chat.say("one", "two")
        await chat.say("elsewhere", room="kitchen")
        async with chat.client.follow(FollowRequest(room="lobby")) as messages:
            heard = [(await anext(messages)).message for _ in range(2)]
            await chat.say("three", user=EVE)
            heard.append((await anext(messages)).message)
        assert [(message.number, message.name, message.text) for message in heard] == [
            (1, "Ada", "one"),
            (2, "Ada", "two"),
            (3, "Eve", "three"),
        ]
        assert texts(await chat.said(1, after=2)) == ["three"]

    in_a_chat(test)


def test_followers_who_have_left_leave_nothing() -> None:
    async def test(chat: Chat) -> None:
        await chat.say("one")
        async with chat.client.follow(FollowRequest(room="lobby")) as messages:
            await anext(messages)
            assert chat.logic._rooms._bells
        await chat.nobody_follows()

    in_a_chat(test)


def test_a_slow_follower_misses_nothing() -> None:
    """It has not read a message while more are said than are read at a time."""

    async def test(chat: Chat) -> None:
        await chat.say("0")
        async with chat.client.follow(FollowRequest(room="lobby")) as messages:
            await anext(messages)
            history = [ImportHistoryRequest(room="lobby")]
            count = 2 * PAGE + 10
            history += [ImportHistoryRequest(message=Message(user_id=ADA, text="x" * 1000))] * count
            await chat.client.import_history(stream(*history))
            heard = [(await anext(messages)).message.number for _ in range(count)]
        assert heard == list(range(2, count + 2))

    in_a_chat(test)


def test_followers_hear_what_another_replica_was_told() -> None:
    async def test(chat: Chat) -> None:
        async with (
            channel(chat_service(ChatLogic(chat.context))) as other,
            ChatClient(other).follow(FollowRequest(room="lobby")) as messages,
        ):
            hearing = asyncio.ensure_future(anext(messages))
            await asyncio.sleep(0.1)
            await chat.say("over here")
            assert (await hearing).message.text == "over here"

    in_a_chat(test)


def test_all_who_speak_at_once_are_heard_once() -> None:
    async def test(chat: Chat) -> None:
        async with channel(chat_service(ChatLogic(chat.context))) as other:
            replica = Chat(ChatClient(other), chat.logic, chat.context)
            speakers = [(chat, ADA), (replica, EVE)] * 3
            await asyncio.gather(*(one.say("a", "b", "c", user=user) for one, user in speakers))
        heard = await chat.said(18)
        assert [message.number for message in heard] == list(range(1, 19))
        assert sorted(texts(heard)) == sorted("abc" * 6)

    in_a_chat(test)


def test_a_history_is_taken_over() -> None:
    async def test(chat: Chat) -> None:
        past = Message(user_id=EVE, name="Mallory", text="long ago", number=77)
        past.time.FromJsonString("2009-11-10T23:00:00.5Z")
        answer = await chat.client.import_history(
            stream(
                ImportHistoryRequest(room="lobby"),
                ImportHistoryRequest(message=past),
                ImportHistoryRequest(message=Message(user_id=ADA, text="just now")),
            )
        )
        assert answer.messages == 2
        first, second = await chat.said(2)
        assert (first.number, first.name, first.text, first.time) == (1, "Eve", "long ago", past.time)
        assert (second.number, second.name, second.text) == (2, "Ada", "just now")

    in_a_chat(test)


@pytest.mark.parametrize(
    ("last", "error"),
    [
        ([ImportHistoryRequest(message=Message(user_id=NOBODY, text="boo"))], NotFound),
        ([ImportHistoryRequest(message=Message(user_id=ADA))], InvalidArgument),
        (
            [ImportHistoryRequest(message=Message(user_id=ADA, text="x", time=Timestamp(seconds=2**60)))],
            InvalidArgument,
        ),
        ([ImportHistoryRequest(message=Message(user_id=ADA, text="x"))] * HISTORY_LENGTH, InvalidArgument),
    ],
    ids=["nobody", "nothing", "never", "too much"],
)
def test_a_history_with_a_mistake_leaves_nothing(
    last: list[ImportHistoryRequest], error: type[ZeroError]
) -> None:
    async def test(chat: Chat) -> None:
        good = ImportHistoryRequest(message=Message(user_id=ADA, text="good"))
        with pytest.raises(error):
            await chat.client.import_history(stream(ImportHistoryRequest(room="lobby"), good, *last))
        await chat.say("the first")
        assert texts(await chat.said(1)) == ["the first"]

    in_a_chat(test)


def test_two_talk() -> None:
    async def test(chat: Chat) -> None:
        await chat.say("before they came")
        to_eve: asyncio.Queue[TalkRequest | None] = asyncio.Queue()

        async def eves() -> AsyncIterator[TalkRequest]:
            yield TalkRequest(join=Join(room="lobby", user_id=EVE))
            while (request := await to_eve.get()) is not None:
                yield request

        async with chat.client.talk(eves()) as eve:
            await to_eve.put(TalkRequest(text="anybody there?"))
            assert (await anext(eve)).message.text == "anybody there?"
            requests = [TalkRequest(join=Join(room="lobby", user_id=ADA)), TalkRequest(text="me")]
            async with chat.client.talk(stream(*requests)) as ada:
                assert [response.message.text async for response in ada] == ["me"]
            assert (await anext(eve)).message.name == "Ada"
            await to_eve.put(TalkRequest(text="bye"))
            await to_eve.put(None)
            assert [response.message.text async for response in eve] == ["bye"]
        await chat.nobody_follows()

    in_a_chat(test)


@pytest.mark.parametrize(
    ("requests", "error"),
    [
        ([], InvalidArgument),
        ([TalkRequest(text="first things first")], InvalidArgument),
        ([TalkRequest(join=Join(room="lobby", user_id=NOBODY))], NotFound),
        ([TalkRequest(join=Join(room="lobby", user_id=ADA)), TalkRequest(text="")], InvalidArgument),
    ],
    ids=["silence", "no room", "nobody", "nothing"],
)
def test_a_wrong_word_ends_the_talk(requests: list[TalkRequest], error: type[ZeroError]) -> None:
    async def test(chat: Chat) -> None:
        with pytest.raises(error):
            async with chat.client.talk(stream(*requests)) as heard:
                assert [response async for response in heard] == []
        await chat.nobody_follows()

    in_a_chat(test)


def test_a_talk_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    async def test(chat: Chat) -> None:
        await talk(chat.client, "lobby", ADA, stream("hello", "goodbye"))
        assert capsys.readouterr().out == "Ada: hello\nAda: goodbye\n"

    in_a_chat(test)


async def stream(*items: T) -> AsyncIterator[T]:
    for item in items:
        yield item
