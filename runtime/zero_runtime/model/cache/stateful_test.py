"""Random work of two processes on a few rows, with a Redis that restarts and a network that breaks,
compared with what was true.

Each process has a cache of its own, and a way of its own to Redis; the second one has a local layer. What a
read may tell is what `protocol` promises: a write counts for its own process when it has returned; for
others too, unless its process cannot use Redis, and then once it can again. Set ``ZERO_CACHE_SECONDS`` to
let it run for that long.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import tempfile
import time
import unicodedata
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.servers import MariaDb
from tests.servers.proxy import Proxy
from tests.servers.redis import RedisServer
from zero_runtime.config import CacheConf, RedisConf
from zero_runtime.config.durations import Duration
from zero_runtime.errors import AlreadyExists
from zero_runtime.model.cache import Cache, open_cache, redis_store
from zero_runtime.model.cache.conftest import DELETE, INSERT, SCHEMA, UPDATE, USER, User, Users
from zero_runtime.model.database import Database
from zero_runtime.model.opening import open_database
from zero_runtime.model.session import Parameters
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Row

_log = logging.getLogger("zero.cache.test")

SECONDS = float(os.environ.get("ZERO_CACHE_SECONDS", "0"))
LOCAL = 0.05
IDS = (1, 2)
NAMES = ("ann", "ANN", "bob", "zoe", "Zoë")
TABLE = dict[int, User]


DELAY = 0.001
"""Seconds that answers take, but for some of the database's that take ten times as long; so one overtakes the
other."""


class Slow:
    """A database whose answers are a while on their way."""

    def __init__(self, database: Database, chance: random.Random) -> None:
        self._database = database
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def fetch_one(self, statement: Statement, parameters: Parameters, *, primary: bool) -> Row | None:
        row = await self._database.fetch_one(statement, parameters, primary=primary)
        await asyncio.sleep(self._chance.uniform(0, DELAY) * self._chance.choice((1, 1, 1, 10)))
        return row


class Process:
    """A cache, and its way to Redis."""

    def __init__(self, users: Users, cache: Cache, proxy: Proxy, local: float) -> None:
        self.users = users
        self.store = cache.store
        self.proxy = proxy
        self.local = local
        self.returned: set[int] = set()
        """The states that its writes have made which have returned."""
        self.settled: dict[int, float] = {}
        """From when on all have to know of them."""

    def settle(self) -> None:
        """Notes that the store owes nothing, if so."""
        if not self.store.away:
            for state in self.returned - self.settled.keys():
                self.settled[state] = time.monotonic()


class World:
    """The database, the processes, and what was true one after the other."""

    def __init__(self, database: Database, processes: list[Process]) -> None:
        self.database = database
        self.processes = processes
        self.history: list[TABLE] = [{}]
        self._turn = asyncio.Lock()
        self._chance = random.Random(7)

    def is_equal(self, one: str, other: str) -> bool:
        """As the collation of the table has it."""
        if self.database.dialect == "mysql":
            one, other = (unicodedata.normalize("NFD", text) for text in (one, other))
            one, other = ("".join(c for c in text if not unicodedata.combining(c)) for text in (one, other))
        return one.lower() == other.lower()

    async def find(self, process: Process, id: int) -> None:
        await self._read(process, process.users.find(id), lambda table: table.get(id))

    async def find_by_name(self, process: Process, name: str) -> None:
        def true(table: TABLE) -> User | None:
            return next((user for user in table.values() if self.is_equal(user.name, name)), None)

        await self._read(process, process.users.find_by_name(name), true)

    async def _read(
        self, process: Process, read: Coroutine[Any, Any, User | None], true: Callable[[TABLE], User | None]
    ) -> None:
        first = self._last_known(process, true)
        found = await read
        assert found in [true(table) for table in self.history[first:]], (found, self.history[first:])

    def _last_known(self, process: Process, true: Callable[[TABLE], User | None]) -> int:
        """The last state that changed the answer, and that a read of this process which begins now must
        know of."""
        latest = time.monotonic() - process.local
        known = set(process.returned)
        for each in self.processes:
            each.settle()
            known |= {state for state, since in each.settled.items() if since <= latest}
        return max(
            (state for state in known if true(self.history[state]) != true(self.history[state - 1])),
            default=0,
        )

    async def write(self, process: Process, user: User, kind: str, *, leaves: bool = False) -> None:
        """Inserts, updates or deletes; with ``leaves`` whoever does it is cancelled, and it goes on in the
        database."""
        users, made = process.users, asyncio.get_running_loop().create_future()
        with suppress(AlreadyExists, asyncio.CancelledError):
            keys, rows = ((user.id,),) if kind != "insert" else (), (user,) if kind != "delete" else ()
            async with users.cached.changing(*keys, rows=rows):
                work = asyncio.create_task(self._statement(user, kind, made))
                if leaves:
                    await asyncio.sleep(0)
                    raise asyncio.CancelledError
                await work
        state = await made
        if leaves:
            await asyncio.sleep(process.local)
        self._return(process, state)

    async def _statement(self, user: User, kind: str, made: asyncio.Future[int]) -> None:
        pause = self._chance.uniform(0, DELAY)
        async with self._turn:
            state = self._begin(user, kind)
            try:
                await self._execute(user, kind)
                await asyncio.sleep(pause)
            except AlreadyExists:
                self.history[state] = self.history[state - 1]
                raise
            finally:
                made.set_result(state)

    async def transaction(self, process: Process, changes: list[tuple[User, str]], undone: bool) -> None:
        """Several changes at once, or none."""
        async with self._turn:
            before = len(self.history) - 1
            try:
                async with self.database.transaction():
                    table = self.history[-1]
                    for user, kind in changes:
                        async with process.users.cached.changing((user.id,)) as change:
                            await self._execute(user, kind)
                            if kind != "delete":
                                change.row(user)
                        table = self._after(table, user, kind)
                    if undone:
                        raise _Undone
                    self.history.append(table)
            except (AlreadyExists, _Undone):
                del self.history[before + 1 :]
            state = len(self.history) - 1
        if state > before:
            self._return(process, state)

    async def many(self, process: Process, users: list[User]) -> None:
        """Inserts rows whose keys nobody tells the cache."""
        async with self._turn:
            table = self.history[-1]
            for user in users:
                table = self._after(table, user, "insert")
            self.history.append(table)
            state = len(self.history) - 1
            try:
                async with process.users.cached.changing() as change:
                    change.unknown()
                    rows = [(user.id, user.name, user.points) for user in users]
                    await self.database.execute_many(INSERT, rows)
            except AlreadyExists:
                self.history[state] = self.history[state - 1]
        self._return(process, state)

    def _begin(self, user: User, kind: str) -> int:
        self.history.append(self._after(self.history[-1], user, kind))
        return len(self.history) - 1

    def _return(self, process: Process, state: int) -> None:
        process.returned.add(state)
        process.settle()

    def _after(self, table: TABLE, user: User, kind: str) -> TABLE:
        if kind == "delete":
            return {id: row for id, row in table.items() if id != user.id}
        if kind == "update" and user.id not in table:
            return table
        return table | {user.id: user}

    async def _execute(self, user: User, kind: str) -> None:
        if kind == "insert":
            await self.database.execute(INSERT, (user.id, user.name, user.points))
        elif kind == "update":
            await self.database.execute(UPDATE, (user.name, user.points, user.id))
        else:
            await self.database.execute(DELETE, (user.id,))

    def heal(self) -> None:
        for process in self.processes:
            process.proxy.lost, process.proxy.away, process.proxy.silent = 0.0, False, False

    async def settled(self) -> None:
        """All is well again; everybody finds what is true, within the time that is promised."""
        self.heal()
        ends = time.monotonic() + 3.0  # a pause, a connection and an answer, on a busy machine
        while any(process.store.away for process in self.processes):
            assert time.monotonic() < ends, "a store is still away"
            await asyncio.sleep(0.01)
        await asyncio.sleep(LOCAL)
        for process in self.processes:
            for id in IDS:
                await self.find(process, id)
            for name in NAMES:
                await self.find_by_name(process, name)
        rows = await self.database.fetch_all(USER.select)
        assert {row[0]: USER.decode(row) for row in rows} == self.history[-1]


class _Undone(Exception):
    pass


class Machine(RuleBasedStateMachine):
    """What Hypothesis plays with."""

    redis: ClassVar[RedisServer]
    source: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.worked = False
        """Since Redis was restarted."""
        self.run(self._open())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self.loop.run(work)
        except BaseException:  # which Hypothesis may not see again: what overtakes what is not in its hands
            _log.exception("this is what went wrong first")
            raise

    async def _open(self) -> None:
        self.redis.command("FLUSHALL")
        database = await self.stack.enter_async_context(open_database(self.source))
        await database.create(SCHEMA)
        for id in IDS:
            await database.execute(DELETE, (id,))
        processes: list[Process] = []
        for number, local in enumerate((0.0, LOCAL)):
            chance = random.Random(number)
            proxy = Proxy(self.redis.port, chance)
            proxy.delay = DELAY
            await proxy.start()
            self.stack.push_async_callback(proxy.stop)
            conf = CacheConf(
                redis=RedisConf(host=f"127.0.0.1:{proxy.port}"), prefix="test", local=Duration(local)
            )
            cache = await self.stack.enter_async_context(open_cache(conf, RedisConf(), source=self.source))
            assert cache is not None
            rows = cache.rows(cast(Database, Slow(database, chance)), USER)
            processes.append(Process(Users(database, rows), cache, proxy, local))
        self.world = World(database, processes)

    @rule(
        chance=st.randoms(use_true_random=True), number=st.integers(20, 80), fine=st.integers(0, 2).map(bool)
    )
    def work(self, chance: random.Random, number: int, fine: bool) -> None:
        """Many things at once, in the middle of which the network may begin to fail."""
        if chance.random() < 0.6:
            self.world.heal()
        # With a mark that Redis forgets, a statement that nobody waits for any more is not covered.
        forgets = not fine and chance.random() < 0.3
        works = [self._operation(chance, leaves=not forgets) for _ in range(number)]
        if not fine:
            works.insert(chance.randrange(number), self._forget() if forgets else self._fail(chance))

        async def after(pause: float, work: Coroutine[Any, Any, None]) -> None:
            await asyncio.sleep(pause)
            await work

        async def all_of_them() -> None:
            async with asyncio.TaskGroup() as group:
                for work in works:
                    group.create_task(after(chance.uniform(0, 0.15), work))

        self.run(all_of_them())
        self.worked = True

    def _operation(self, chance: random.Random, *, leaves: bool) -> Coroutine[Any, Any, None]:
        world = self.world
        process = chance.choice(world.processes)
        kind = chance.choices(("find", "find_by_name", "write", "transaction", "many"), (24, 6, 4, 1, 1))[0]
        if kind == "find":
            return world.find(process, chance.choice(IDS))
        if kind == "find_by_name":
            return world.find_by_name(process, chance.choice(NAMES))
        if kind == "write":
            return world.write(process, *self._change(chance), leaves=leaves and chance.random() < 0.02)
        if kind == "many":
            return world.many(process, [self._change(chance)[0]])
        changes = [self._change(chance) for _ in range(chance.randrange(4))]
        return world.transaction(process, changes, undone=chance.random() < 0.3)

    def _change(self, chance: random.Random) -> tuple[User, str]:
        id = chance.choice(IDS)
        name = chance.choice(NAMES) if chance.random() < 0.3 else f"{NAMES[2 * id - 2]}"
        user = User(id=id, name=name, points=chance.randrange(1000))
        return user, chance.choices(("insert", "update", "delete"), (3, 8, 1))[0]

    async def _forget(self) -> None:
        """Redis loses all leases, entries and marks, as it does one by one when its memory is full."""
        await asyncio.to_thread(self.redis.command, "FLUSHALL")

    async def _fail(self, chance: random.Random) -> None:
        proxy = chance.choice(self.world.processes).proxy
        kind = chance.choices(("lost", "cut", "away", "silent"), (4, 3, 2, 1))[0]
        if kind == "lost":
            proxy.lost = chance.choice((0.05, 0.3))
        elif kind == "silent":
            proxy.silent = True
        else:
            proxy.away |= kind == "away"
            proxy.cut()

    @precondition(lambda self: self.worked)
    @rule()
    def restart(self) -> None:
        """Redis forgets everything."""
        self.worked = False
        self.redis.stop()
        self.redis.start()

    @rule()
    def heal(self) -> None:
        """Everything works again."""
        self.run(self.world.settled())

    def teardown(self) -> None:
        try:
            self.run(self.world.settled())
        finally:
            self.run(self.stack.aclose())
            self.loop.close()


def _play(redis: RedisServer, source: str, examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # So short that marks which are left behind end within a test.
    monkeypatch.setattr(redis_store, "MARK", 3.0)
    Machine.redis, Machine.source = redis, source
    ends = time.monotonic() + SECONDS
    while True:
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=8,
                deadline=None,
                database=None,
                derandomize=not SECONDS,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
        if time.monotonic() >= ends:
            return


def test_on_sqlite(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _play(redis_server, f"sqlite:///{Path(folder) / 'data.db'}", 5, monkeypatch)


def test_on_mariadb(
    redis_server: RedisServer, mariadb_server: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    _play(redis_server, mariadb_server.create_database("cache"), 2, monkeypatch)
