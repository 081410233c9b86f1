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

from chat.chat_model import MessageModel
from chat.chat_pb2 import Message

from zero_runtime import model
from zero_runtime.errors import Aborted

PAGE = 100
"""How many messages a follower reads at a time, and has in memory at most."""

LOOK = 1.0
"""Seconds between two looks at a quiet room: what other replicas write gives no hint."""

_TRIES = 20
"""How often a number is asked for that another replica was quicker to take."""

_LAST = model.Statement(
    sqlite="SELECT COALESCE(MAX(number), 0) FROM message WHERE room = ?",
    mysql="SELECT COALESCE(MAX(number), 0) FROM message WHERE room = %s",
)
_AFTER = model.Statement(
    sqlite="SELECT number, user_id, name, text, create_time FROM message "
    "WHERE room = ? AND number > ? ORDER BY number LIMIT ?",
    mysql="SELECT number, user_id, name, text, create_time FROM message "
    "WHERE room = %s AND number > %s ORDER BY number LIMIT %s",
)


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
        row = await self._database.fetch_one(_LAST, (room,))
        assert row is not None
        return int(row[0])

    async def add(self, room: str, *said: Said) -> list[Message]:
        """Keeps all of it or nothing. Raises Aborted when too many others speak at the same time.

        Numbers follow on what everybody can see, and a number is taken once only: so there are no gaps, and
        who has read up to a number has missed nothing before it.
        """
        async with self._turns.setdefault(room, asyncio.Lock()):
            for _ in range(_TRIES):
                with suppress(model.DuplicateKey):
                    return await self._add(room, await self.last(room), said)
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
                rows = await self._database.fetch_all(_AFTER, (room, after, PAGE))
                for number, user_id, name, text, time in rows:
                    yield _message(number, user_id, name, text, model.decode_datetime(time))
                    after = number
                if len(rows) == PAGE:
                    continue
                if ends:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK):
                        await bell.wait()

    async def _add(self, room: str, last: int, said: Sequence[Said]) -> list[Message]:
        """Raises DuplicateKey when the messages after ``last`` are there already."""
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
                for number, one in enumerate(said, last + 1)
            ]
        for bell in self._bells.get(room, ()):
            bell.set()
        return [_message(row.number, row.user_id, row.name, row.text, row.create_time) for row in rows]

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


def _message(number: int, user_id: int, name: str, text: str, time: dt.datetime) -> Message:
    message = Message(number=number, user_id=user_id, name=name, text=text)
    message.time.FromDatetime(time)
    return message
