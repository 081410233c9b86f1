"""What was said, in the order in which it was said.

A room is a log in the database and whoever follows it is a place in that log: nothing is queued for
followers. One that is slow is simply further behind, one that left is gone, and one that comes back goes on
from where it was, on whichever replica. That somebody has said something is only a hint to look again.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

from chat import chat_model
from chat.chat_model import MessageColumns, MessageModel
from chat.chat_pb2 import Message

from zero_runtime import model
from zero_runtime.errors import Aborted

PAGE = 100
"""How many messages a follower reads at a time, and has in memory at most."""

LOOK = 1.0
"""Seconds between two looks at a quiet room: what other replicas write gives no hint."""

_TRIES = 20
"""How often a number is asked for that another replica was quicker to take."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something to keep in a room."""

    user_id: int
    name: str
    text: str
    time: dt.datetime | None = None
    """When it was said, in UTC; None for now."""


class Rooms:
    """All rooms. One is there as soon as somebody says something in it."""

    def __init__(self, database: model.Database, messages: MessageModel) -> None:
        self._database = database
        self._messages = messages
        self._bells: dict[str, set[asyncio.Event]] = {}
        # Of the rooms in which somebody speaks now; the others' are gone by themselves.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def last(self, room: str) -> int:
        """The number of the last message; 0 where there is none."""
        return await self._messages.last(room=room)

    async def add(self, room: str, *said: Said) -> list[Message]:
        """Keeps all of it or nothing. Raises Aborted when too many others speak at the same time.

        Numbers follow on what everybody can see, and a number is taken once only: so there are no gaps, and
        who has read up to a number has missed nothing before it.
        """
        async with self._turns.setdefault(room, asyncio.Lock()):
            for _ in range(_TRIES):
                with suppress(model.DuplicateKey):
                    return await self._add(room, said)
        raise Aborted("too many speak in this room at the same time")

    async def follow(
        self, room: str, after: int, until: asyncio.Future[None] | None = None
    ) -> AsyncGenerator[Message, None]:
        """The messages with numbers above ``after``, and then each that comes.

        Ends when what was there when ``until`` was done has been told; never without it.
        """
        with self._bell(room) as bell:
            if until is not None:
                until.add_done_callback(lambda _: bell.set())
            while True:
                # In this order: what happens after one of these two lines rings or is found by the next.
                bell.clear()
                ends = until is not None and until.done()
                page = await self._messages.list(
                    MessageColumns.room == room,
                    MessageColumns.number > after,
                    order_by=MessageColumns.number.asc(),
                    limit=PAGE,
                )
                for row in page.rows:
                    yield _message(row)
                    after = row.number
                if page.next is not None:
                    continue
                if ends:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await bell.wait()

    async def _add(self, room: str, said: Sequence[Said]) -> list[Message]:
        """Raises DuplicateKey when somebody else was quicker to take a number."""
        # What is read in a transaction is never a replica's, which may be behind.
        async with self._database.transaction():
            rows = [
                await self._messages.insert(
                    room=room,
                    number=number,
                    user_id=one.user_id,
                    name=one.name,
                    text=one.text,
                    create_time=one.time,
                )
                for number, one in enumerate(said, await self.last(room) + 1)
            ]
        for bell in self._bells.get(room, ()):
            bell.set()
        return [_message(row) for row in rows]

    @contextmanager
    def _bell(self, room: str) -> Iterator[asyncio.Event]:
        """Rings when something is said in a room by way of this process."""
        bell = asyncio.Event()
        self._bells.setdefault(room, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[room].discard(bell)
            if not self._bells[room]:
                del self._bells[room]


def _message(row: chat_model.Message) -> Message:
    message = Message(number=row.number, user_id=row.user_id, name=row.name, text=row.text)
    message.time.FromDatetime(row.create_time)
    return message
