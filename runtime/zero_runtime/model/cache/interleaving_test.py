"""Readers and writers of the same row, step by step, in every order there is.

A step is whatever reaches the store or the database. After each order: nothing that a reader was told was
untrue from its beginning to its end (or while a writer of it had not returned), and what is cached is true.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import pytest

from zero_runtime.config import CacheConf
from zero_runtime.config.durations import Duration
from zero_runtime.model.cache import Cache
from zero_runtime.model.cache.conftest import USER, User
from zero_runtime.model.cache.memory import MemoryStore
from zero_runtime.model.cache.protocol import LEASE
from zero_runtime.model.cache.rows import CachedRows
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Row

_actor: ContextVar[Actor] = ContextVar("actor")


class Actor:
    """A task that takes one step at a time."""

    def __init__(self, work: Coroutine[Any, Any, object]) -> None:
        self._work = work
        self._go = asyncio.Semaphore(0)
        self._waits = asyncio.Event()
        self.task: asyncio.Task[object] | None = None

    async def step(self) -> bool:
        """Goes on to where the next step would begin, or to the end; returns whether that is yet to come."""
        if self.task is None:
            self._waits.clear()
            _actor.set(self)
            self.task = asyncio.create_task(self._work)
            self.task.add_done_callback(lambda _: self._waits.set())
        elif not self.task.done():
            self._waits.clear()
            self._go.release()
        await self._waits.wait()
        if self.task.done():
            self.task.result()
        return not self.task.done()

    async def pause(self) -> None:
        """Waits for the next step."""
        self._waits.set()
        await self._go.acquire()


async def _pause() -> None:
    await _actor.get().pause()


class SteppedStore(MemoryStore):
    """A store each of whose commands is a step."""

    loses_marks = False

    async def get(self, key: bytes) -> bytes | None:
        await _pause()
        held = await super().get(key)
        await _pause()  # the answer is on its way
        return held

    async def lease(self, key: bytes, token: bytes, seen: bytes, lasts: float = LEASE) -> bytes:
        await _pause()
        return await super().lease(key, token, seen, lasts)

    async def fill(self, key: bytes, token: bytes, entry: bytes, lasts: float) -> bool:
        await _pause()
        return await super().fill(key, token, entry, lasts)

    async def mark(self, keys: Iterable[bytes], token: bytes) -> bool:
        await _pause()
        return not self.loses_marks and await super().mark(keys, token)

    async def release(self, keys: Iterable[bytes], token: bytes) -> None:
        await _pause()
        await super().release(keys, token)


class Truth:
    """A table whose statements are steps. Like a database's, they see what is committed."""

    cache: Cache | None = None
    in_transaction = False

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}

    def enlist(self, make: Callable[[], object]) -> None:
        return None

    async def fetch_one(self, statement: Statement, values: tuple[Any, ...], *, primary: bool) -> Row | None:
        assert primary
        await _pause()
        position = 0 if statement is USER.key.find else 1
        return next((row for row in self.rows.values() if row[position] == values[0]), None)

    async def commit(self, row: Row) -> None:
        await _pause()
        self.rows[row[0]] = row


class World:
    """A table, two processes that share a store, and what was true of it one after the other."""

    def __init__(self, *rows: User, local: float = 0.0, loses_marks: bool = False) -> None:
        self.truth = Truth()
        store = SteppedStore(100)
        store.loses_marks = loses_marks
        conf = CacheConf(local=Duration(local))
        self.processes: list[CachedRows[User]] = [
            Cache(conf, store, "test", local=True).rows(self.truth, USER)  # type: ignore[arg-type]
            for _ in range(2)
        ]
        self.truth.rows = {row.id: (row.id, row.name, row.points) for row in rows}
        self.history = [self._state()]
        self._dead: list[Actor] = []
        self.returned = 0
        """What the last writer who has returned made of it."""

    def _state(self) -> tuple[User | None, User | None]:
        """By the key 1 and by the name "ann"."""
        rows = [USER.decode(row) for row in self.truth.rows.values()]
        return (
            next((row for row in rows if row.id == 1), None),
            next((row for row in rows if row.name == "ann"), None),
        )

    async def find(self, process: int, index: int) -> User | None:
        cached = self.processes[process]
        if index == 0:
            return await cached.find(USER.key, (1,))
        return await cached.find(USER.unique[0], ("ann",))

    async def write(self, process: int, user: User) -> None:
        async with self.processes[process].changing((user.id,), rows=(user,)):
            await self.truth.commit((user.id, user.name, user.points))
            self.history.append(self._state())
            made = len(self.history) - 1
        self.returned = max(self.returned, made)

    async def read(self, process: int, index: int) -> None:
        first = self.returned
        found = await self.find(process, index)
        assert found in [state[index] for state in self.history[first:]]

    async def choose(self, choices: Choices, *works: Coroutine[Any, Any, object]) -> None:
        """Lets them take their steps in the order that is chosen."""
        actors = [Actor(work) for work in works]
        while actors:
            actor = actors[choices.choose(len(actors))]
            if not await actor.step():
                actors.remove(actor)

    async def run(
        self, *works: Coroutine[Any, Any, object], order: Sequence[int] = (), dies: int | None = None
    ) -> None:
        """Lets them take their steps in this order, and then in turn, all but the one that dies."""
        actors = [Actor(work) for work in works]
        for number in order:
            await actors[number].step()
        if dies is not None:
            self._dead.append(actors.pop(dies))
        while any([await actor.step() for actor in actors]):
            pass

    async def check(self, *processes: int) -> None:
        """Now that everybody is back all find what is true, and again."""
        for process in processes:
            for index in (0, 1):
                await self.run(self.read(process, index))


class Choices:
    """All ways to choose, one after the other: the last choice that can be another becomes that."""

    def __init__(self) -> None:
        self._made: list[tuple[int, int]] = []
        """Which was chosen, of how many."""
        self._next = 0

    def __iter__(self) -> Iterator[Choices]:
        while True:
            self._next = 0
            yield self
            while self._made and self._made[-1][0] + 1 == self._made[-1][1]:
                self._made.pop()
            if not self._made:
                return
            chosen, number = self._made[-1]
            self._made[-1] = chosen + 1, number

    def choose(self, number: int) -> int:
        """One of so many."""
        if self._next == len(self._made):
            self._made.append((0, number))
        self._next += 1
        return self._made[self._next - 1][0]


ANN = User(id=1, name="ann", points=0)
CHANGES = {
    "insert": ((), ANN),
    "update": ((ANN,), User(id=1, name="ann", points=1)),
    "rename away": ((ANN,), User(id=1, name="bob", points=1)),
    "rename to": ((User(id=1, name="bob", points=0),), ANN),
    "of another row": ((User(id=1, name="bob", points=0),), User(id=2, name="ann", points=0)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("index", [0, 1], ids=["key", "unique"])
@pytest.mark.parametrize("known", [False, True], ids=["empty", "filled"])
def test_a_reader_and_a_writer_in_all_orders(change: str, index: int, known: bool) -> None:
    before, after = CHANGES[change]

    async def test() -> None:
        for choices in Choices():
            world = World(*before)
            if known:
                await world.check(0, 1)
            await world.choose(choices, world.read(1, index), world.write(0, after))
            await world.check(1, 0)

    asyncio.run(test())


@pytest.mark.parametrize("index", [0, 1], ids=["key", "unique"])
@pytest.mark.parametrize("loses_marks", [False, True], ids=["marked", "not marked"])
def test_a_process_reads_what_it_has_written_whatever_it_remembers(index: int, loses_marks: bool) -> None:
    async def test() -> None:
        for choices in Choices():
            world = World(ANN, local=60.0, loses_marks=loses_marks)
            await world.run(world.find(1, index))  # it is in the store, not in this process
            await world.run(world.find(1, 0))
            await world.choose(
                choices, world.read(0, index), world.write(0, User(id=1, name="ann", points=1))
            )
            await world.check(0)

    asyncio.run(test())


@pytest.mark.parametrize("index", [0, 1], ids=["key", "unique"])
def test_a_writer_that_dies_before_it_releases(index: int) -> None:
    """Another one, and a reader, are at the same row meanwhile."""

    async def test() -> None:
        chance = random.Random(3)
        order = [*[0] * 7, *[1] * 4, *[2] * 3]
        for _ in range(400):
            chance.shuffle(order)
            world = World(ANN)
            other, dying = User(id=1, name="ann", points=1), User(id=1, name="ann", points=2)
            await world.run(
                world.read(1, index), world.write(1, other), world.write(0, dying), order=order, dies=2
            )
            world.returned = len(world.history) - 1
            await world.check(1)

    asyncio.run(test())


def test_readers_and_writers_in_many_orders() -> None:
    """Two readers and two writers of the same row in different processes."""

    async def test() -> None:
        chance = random.Random(5)
        order = [*[0] * 6, *[1] * 6, *[2] * 4, *[3] * 4]
        for _ in range(600):
            chance.shuffle(order)
            world = World(ANN)
            await world.run(
                *(world.read(process, chance.randrange(2)) for process in (0, 1)),
                *(
                    world.write(process, User(id=1, name=chance.choice(["ann", "bob"]), points=process + 1))
                    for process in (0, 1)
                ),
                order=order,
            )
            await world.check(0, 1)

    asyncio.run(test())
