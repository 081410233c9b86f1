"""Databases as repositories see them: statements, and transactions that repositories join by themselves."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from zero_runtime.config import DatabaseConf
from zero_runtime.errors import Aborted, Unavailable
from zero_runtime.model.creation import ordered
from zero_runtime.model.pool import Refused
from zero_runtime.model.replicas import Replicas
from zero_runtime.model.server import Dropped, Server, Use
from zero_runtime.model.session import REFUSALS, ConnectionLost, Isolation, Parameters, Session
from zero_runtime.model.statement import Dialect, Schema, Statement
from zero_runtime.model.streaming import Stream
from zero_runtime.model.transactions import ROLLED_BACK, Participant, Transaction
from zero_runtime.model.values import Row

if TYPE_CHECKING:
    from zero_runtime.model.cache import Cache

P = TypeVar("P", bound=Participant)
T = TypeVar("T")

_BEGIN, _SAVEPOINT, _COMMIT = Statement("begin"), Statement("savepoint"), Statement("commit")
_CREATE = Statement("create")
"""What commands are called that are of no statement."""

_MOST_ASKED = 4
"""How often replicas are asked for the same before the primary is."""


class Database:
    """A database. Outside of `transaction` every statement is a transaction of its own.

    Errors: `DuplicateKey` for a violated unique index, InvalidArgument for a value that a column cannot hold,
    FailedPrecondition for a violated foreign key, Aborted when a concurrent transaction won, Unavailable when
    the database cannot be reached, DeadlineExceeded when a statement took longer than ``StatementTimeout``.
    What the driver says otherwise is a defect of the statement and passes as it is.

    What is read outside of transactions is read from the replicas where there are any; it may be a little
    older then. A read whose replica is away, or has other things to do, is done elsewhere, and one whose
    connection to the primary broke is repeated once. Nothing else is ever repeated.
    """

    def __init__(
        self,
        primary: Server,
        *,
        conf: DatabaseConf,
        readers: Server | None = None,
        replicas: Replicas | None = None,
        cache: Cache | None = None,
    ) -> None:
        """``readers`` are connections to the primary on which nothing is written, where it is better to have
        some."""
        self.dialect: Dialect = primary.driver.dialect
        self.cache = cache
        self._primary = primary
        self._readers = readers or primary
        self._replicas = replicas
        self._wait = conf.wait_timeout
        self._current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)
        self._reads_primary: ContextVar[bool] = ContextVar("reads_primary", default=False)
        self._savepoints = itertools.count(1)

    @property
    def in_transaction(self) -> bool:
        """Whether the running task is in a transaction."""
        return self._current.get() is not None

    async def fetch_one(
        self, statement: Statement, parameters: Parameters = (), *, primary: bool = False
    ) -> Row | None:
        """The first row of the answer, if any. ``primary`` is for what has to be as new as it gets."""
        rows = await self.fetch_all(statement, parameters, primary=primary)
        return rows[0] if rows else None

    async def fetch_all(
        self, statement: Statement, parameters: Parameters = (), *, primary: bool = False
    ) -> list[Row]:
        """All rows of the answer."""
        if statement.writes or self._current.get() is not None:
            async with self._use(statement) as session:
                return await session.fetch(statement, parameters)

        async def fetch(server: Server) -> list[Row]:
            async with server.use(statement) as session:
                return await session.fetch(statement, parameters)

        return await self._ask_readers(fetch, primary)

    @asynccontextmanager
    async def stream(
        self, statement: Statement, parameters: Parameters = ()
    ) -> AsyncIterator[AsyncIterator[Row]]:
        """The rows of the answer, of which but a few are in memory at a time. Inside of a transaction nothing
        else can be asked for in the block."""
        if self._primary.driver.in_memory and not self.in_transaction:
            # All of it is in memory, and the one connection is for those who have something to do in the
            # block.
            yield _each(await self.fetch_all(statement, parameters))
            return
        stream = await self._open_stream(statement, parameters)
        try:
            async with aclosing(stream.rows()) as rows:
                yield rows
        finally:
            await stream.close()

    async def execute(self, statement: Statement, parameters: Parameters = ()) -> int:
        """How many rows the statement found, changed or not."""
        async with self._use(statement) as session:
            return await session.execute(statement, parameters)

    async def execute_many(self, statement: Statement, rows: Iterable[Parameters]) -> int:
        """Does the statement with each of the rows, with all of them or, when one is refused, with none;
        returns how many these were. They are not all in memory at a time unless ``rows`` has them there."""
        async with self.transaction(), self._use(statement) as session:
            return await session.execute_many(statement, rows)

    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None = None
    ) -> Row:
        """Inserts a row and gives it as the database has it: what the statement returns, or, of a database
        that returns nothing, what ``stored`` finds by ``key`` or else by the generated key.

        Raises Aborted when somebody deleted the row in between.
        """
        async with self._use(statement) as session:
            row = await session.insert(statement, parameters, stored, key)
        if row is None:
            raise Aborted("the row was deleted as soon as it was inserted")
        return row

    def transaction(self, *, isolation: Isolation | None = None) -> AbstractAsyncContextManager[None]:
        """What is done with the database in the block takes effect as a whole or, on an exception, not.

        A block within a block is a savepoint: what fails inside of it can be caught around it. Tasks started
        inside of a block take part in it, one statement at a time, and have to end in it; one that waits
        longer than ``WaitTimeout`` for another, or for a block within the block, gets Unavailable.

        ``isolation`` is the database's default if None. Raises RuntimeError when it is given for a block
        within a block.
        """
        outer = self._current.get()
        if outer is None:
            return self._transaction(isolation)
        if isolation is not None:
            raise RuntimeError("a block within a transaction has the isolation of the transaction")
        return self._savepoint(outer)

    @contextmanager
    def primary(self) -> Iterator[None]:
        """What is read in the block is read from the primary, and is as new as it gets."""
        token = self._reads_primary.set(True)
        try:
            yield
        finally:
            self._reads_primary.reset(token)

    def enlist(self, make: Callable[[], P]) -> P | None:
        """What takes part in the outermost transaction of the running task under this ``make``, which makes
        it at the first time; None outside of transactions. Raises RuntimeError when the transaction has
        ended."""
        current = self._current.get()
        return None if current is None else current.enlist(make)

    async def create(self, *schemas: Schema) -> None:
        """Makes the tables that are missing, in the order of their references. Those that exist stay as they
        are. Several processes may do so at once. Raises RuntimeError inside of a transaction."""
        if self.in_transaction:
            raise RuntimeError("tables are not made inside of a transaction")
        primary = self._primary
        driver = primary.driver
        begin, end = driver.creates
        session, _ = await primary.acquire(_CREATE)
        try:
            await session.control(begin)
            try:
                there = {name for (name,) in await session.fetch(driver.tables, ())}
                for table in ordered(schemas):
                    commands: tuple[str, ...] = getattr(table, driver.dialect)
                    for command in () if table.name in there else commands:
                        await session.control(command)
                await session.control(end)
            except BaseException:
                await session.undo("ROLLBACK")
                if not driver.in_memory:
                    session.close()
                raise
        finally:
            primary.give(session)

    @asynccontextmanager
    async def _transaction(self, isolation: Isolation | None) -> AsyncIterator[None]:
        session = await self._begin(isolation)
        transaction = Transaction(self._primary, session, None, self._wait)
        committed: bool | None = False
        try:
            try:
                async with self._inside(transaction, session):
                    yield
                await transaction.before_commit()
                committed = None
                await self._commit(session)
                committed = True
            except BaseException as error:
                if committed is None and isinstance(error, REFUSALS):
                    committed = False
                await session.undo("ROLLBACK")
                raise
            finally:
                self._primary.give(session)
        finally:
            if transaction.has_participants:
                await _to_the_end(transaction.tell(committed))

    @asynccontextmanager
    async def _savepoint(self, outer: Transaction) -> AsyncIterator[None]:
        # No name is used twice: one that was rolled back to still exists, and whoever was cancelled before it
        # made its own must not undo what was done since then.
        name = f"zero_{next(self._savepoints)}"
        session, _ = await outer.acquire(_SAVEPOINT)
        try:
            await session.control(f"SAVEPOINT {name}")
            async with self._inside(Transaction(self._primary, session, outer, self._wait), session):
                yield
            await session.control(f"RELEASE SAVEPOINT {name}")
        except BaseException:
            await session.undo(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        finally:
            outer.give(session)

    @asynccontextmanager
    async def _inside(self, transaction: Transaction, session: Session) -> AsyncIterator[None]:
        token = self._current.set(transaction)
        try:
            yield
        finally:
            self._current.reset(token)
            await transaction.end()
        if not session.in_transaction:
            raise Aborted(ROLLED_BACK)

    async def _begin(self, isolation: Isolation | None) -> Session:
        """A connection in a transaction. A broken one that was found idle is no reason to fail."""
        primary, again = self._primary, True
        while True:
            session, waited = await primary.acquire(_BEGIN)
            begun = perf_counter()
            try:
                for command in primary.driver.begin(isolation):
                    await session.control(command)
            except BaseException as error:
                try:
                    await session.undo("ROLLBACK")
                finally:
                    primary.give(session)
                    primary.ended(_BEGIN, begun, waited, error)
                if not (again and isinstance(error, ConnectionLost)):
                    raise
                again = False
            else:
                primary.ended(_BEGIN, begun, waited, None)
                return session

    async def _commit(self, session: Session) -> None:
        begun = perf_counter()
        try:
            await session.control("COMMIT")
        except BaseException as error:
            self._primary.ended(_COMMIT, begun, 0.0, error)
            raise
        self._primary.ended(_COMMIT, begun, 0.0, None)

    def _use(self, statement: Statement) -> Use:
        """The connection of the transaction, or one to the primary."""
        return (self._current.get() or self._primary).use(statement)

    async def _open_stream(self, statement: Statement, parameters: Parameters) -> Stream:
        current = self._current.get()
        if statement.writes or current is not None:
            return await Stream.open(current or self._primary, statement, parameters)
        return await self._ask_readers(lambda server: Stream.open(server, statement, parameters))

    async def _ask_readers(self, ask: Callable[[Server], Awaitable[T]], primary: bool = False) -> T:
        """What one of those says who are asked for what is only read."""
        server = self._reader(primary)
        asked: list[Server] = []
        while True:
            try:
                return await ask(server)
            except (Unavailable, Aborted) as error:
                asked.append(server)
                server = self._elsewhere(asked, error)

    def _reader(self, primary: bool = False) -> Server:
        """Who is asked for what is only read."""
        if self._replicas is None or primary or self._reads_primary.get():
            return self._readers
        return self._replicas.pick() or self._readers

    def _elsewhere(self, asked: list[Server], error: Unavailable | Aborted) -> Server:
        """Who is asked next for what is only read, after the last one of these failed. Raises the error when
        it is of no use to ask again."""
        server = asked[-1]
        if isinstance(error, ConnectionLost) and asked.count(server) == 1:
            return server
        if server is self._readers or self._replicas is None or type(error) is Refused:
            raise error
        if isinstance(error, Dropped | Aborted):
            # It is the rows that the primary sends which end what a replica of PostgreSQL reads.
            return self._readers
        self._replicas.leave_out(server, error)
        return self._reader() if len(asked) < _MOST_ASKED else self._readers


async def _each(rows: list[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Does the work even if the running task is cancelled meanwhile, however often."""
    task, cancelled = asyncio.create_task(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
