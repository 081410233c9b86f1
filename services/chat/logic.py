"""The chat: every kind of call there is, and a service that calls another one."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import aclosing

from chat.chat_pb2 import (
    FollowRequest,
    FollowResponse,
    ImportHistoryRequest,
    ImportHistoryResponse,
    Join,
    Message,
    PostRequest,
    PostResponse,
    TalkRequest,
    TalkResponse,
)
from chat.chat_rpc import ChatRpc
from chat.chat_service import Context
from chat.rooms import Rooms, Said
from user.user_pb2 import UserInfoRequest

from zero_runtime.errors import FieldError, InvalidArgument

ROOM_LENGTH, TEXT_LENGTH = 64, 2000
"""What fits into the columns, in characters."""

HISTORY_LENGTH = 1000
"""How many messages are taken over in one call: they are held in memory until the last one has come."""


class ChatLogic(ChatRpc):
    def __init__(self, context: Context) -> None:
        self._users = context.user_rpc
        self._rooms = Rooms(context.database, context.message_model)

    async def post(self, request: PostRequest) -> PostResponse:
        _check("room", request.room, ROOM_LENGTH)
        _check("text", request.text, TEXT_LENGTH)
        said = Said(request.user_id, await self._name(request.user_id), request.text)
        (message,) = await self._rooms.add(request.room, said)
        return PostResponse(message=message)

    async def follow(self, request: FollowRequest) -> AsyncIterator[FollowResponse]:
        _check("room", request.room, ROOM_LENGTH)
        # Closed at once when the caller leaves, and not when the garbage collector finds it.
        async with aclosing(self._rooms.follow(request.room, request.after)) as messages:
            async for message in messages:
                yield FollowResponse(message=message)

    async def import_history(self, requests: AsyncIterator[ImportHistoryRequest]) -> ImportHistoryResponse:
        room = (await anext(requests, ImportHistoryRequest())).room
        _check("room", room, ROOM_LENGTH)
        names: dict[int, str] = {}
        history: list[Said] = []
        async for request in requests:
            message = request.message
            _check("message.text", message.text, TEXT_LENGTH)
            if len(history) == HISTORY_LENGTH:
                raise InvalidArgument(f"a history has {HISTORY_LENGTH} messages at most")
            if message.user_id not in names:
                names[message.user_id] = await self._name(message.user_id)
            history.append(Said(message.user_id, names[message.user_id], message.text, _time(message)))
        return ImportHistoryResponse(messages=len(await self._rooms.add(room, *history)))

    async def talk(self, requests: AsyncIterator[TalkRequest]) -> AsyncIterator[TalkResponse]:
        join = (await anext(requests, TalkRequest())).join
        _check("room", join.room, ROOM_LENGTH)
        name = await self._name(join.user_id)
        after = await self._rooms.last(join.room)
        listening = asyncio.ensure_future(self._listen(requests, join, name))
        try:
            async with aclosing(self._rooms.follow(join.room, after, until=listening)) as messages:
                async for message in messages:
                    yield TalkResponse(message=message)
            await listening  # raises what was wrong with what the caller said
        finally:
            listening.cancel()

    async def _listen(self, requests: AsyncIterator[TalkRequest], join: Join, name: str) -> None:
        async for request in requests:
            _check("text", request.text, TEXT_LENGTH)
            await self._rooms.add(join.room, Said(join.user_id, name, request.text))

    async def _name(self, user_id: int) -> str:
        """What the user service calls somebody; its NOT_FOUND is the caller's, too."""
        return (await self._users.user_info(UserInfoRequest(id=user_id))).name


def _time(message: Message) -> dt.datetime | None:
    if not message.HasField("time"):
        return None
    try:
        return message.time.ToDatetime(dt.UTC)
    except (ValueError, OverflowError) as error:
        wrong = FieldError("message.time", "is no time that there is")
        raise InvalidArgument(f"{wrong.field} {wrong.message}", fields=[wrong]) from error


def _check(field: str, value: str, length: int) -> None:
    if not value:
        raise InvalidArgument(f"{field} is empty", fields=[FieldError(field, "is required")])
    if len(value) > length:
        wrong = FieldError(field, f"has more than {length} characters")
        raise InvalidArgument(f"{field} {wrong.message}", fields=[wrong])
