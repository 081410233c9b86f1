"""SQLite: connections on threads of their own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import islice
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

import msgspec

from zero_runtime.config import DatabaseConf
from zero_runtime.deadline import served_until
from zero_runtime.errors import Aborted, DeadlineExceeded, Unavailable, ZeroError
from zero_runtime.model.database import Database
from zero_runtime.model.server import Server
from zero_runtime.model.session import CONTROL, Driver, Isolation, Parameters, Session
from zero_runtime.model.source import SqliteSource
from zero_runtime.model.statement import Statement
from zero_runtime.model.thread import Thread
from zero_runtime.model.transactions import ROLLED_BACK
from zero_runtime.model.values import DECIMAL_COLLATION, Row, compare_decimals
from zero_runtime.model.violations import broken_reference, duplicate_columns, last_name, unacceptable

if TYPE_CHECKING:
    from zero_runtime.model.cache import Cache

T = TypeVar("T")

_BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for another process that writes."""

_READERS = 4
"""Most connections that only read."""

_OLDEST = (3, 37)
"""The first version with STRICT tables, which generated schemas use."""

_CHUNK = 1000
"""Rows that the thread is given at a time."""

_STEPS = 10_000
"""After how many instructions of SQLite's machine, a millisecond at most, it is looked what time it is."""

_DUPLICATE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_CONSTRAINT_DATATYPE = 3091  # https://sqlite.org/rescode.html; the module does not name it
_BAD_VALUES = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT_NOTNULL,
        sqlite3.SQLITE_CONSTRAINT_CHECK,
        sqlite3.SQLITE_TOOBIG,
        _CONSTRAINT_DATATYPE,
    }
)
_AWAY = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
    }
)
_CONFLICTS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_KIND = 0xFF
"""The part of a code that says what kind of error it is; the rest says which of them."""


@asynccontextmanager
async def open_sqlite(
    source: SqliteSource, conf: DatabaseConf, cache: Cache | None
) -> AsyncIterator[Database]:
    """Opens the database, whose file is made when it is missing. Raises Unavailable.

    One connection writes. Others read a file, and wait neither for it nor for what is in a transaction; a
    database in memory has but the one.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise Unavailable(f"this Python has SQLite {sqlite3.sqlite_version}; 3.37 or later is needed")
    for_ever = msgspec.structs.replace(conf, max_lifetime=type(conf.max_lifetime)(0.0))
    writer = Server(SqliteDriver(source, conf), msgspec.structs.replace(for_ever, max_open=1, max_idle=1))
    readers = None
    if source.path is not None and conf.max_open > 1:
        most = min(_READERS, conf.max_open - 1)
        reading = SqliteDriver(source, conf, reads=True)
        readers = Server(reading, msgspec.structs.replace(for_ever, max_open=most, max_idle=most))
    try:
        await writer.pool.warm()
        yield Database(writer, conf=conf, readers=readers, cache=cache)
    finally:
        if readers is not None:
            await readers.pool.close()
        await writer.pool.close()


class SqliteDriver(Driver):
    """Opens a file, or a database in memory."""

    dialect = "sqlite"
    tables = Statement("tables", sqlite="SELECT name FROM sqlite_schema WHERE type = 'table'")
    creates = ("BEGIN IMMEDIATE", "COMMIT")

    def __init__(self, source: SqliteSource, conf: DatabaseConf, *, reads: bool = False) -> None:
        """``reads`` is for connections on which nothing can be written."""
        self._source = source
        self._reads = reads
        self.in_memory = source.path is None
        self._limit = float(conf.statement_timeout)

    def __str__(self) -> str:
        return str(self._source)

    async def connect(self) -> Session:
        thread = Thread("sqlite")
        try:
            connection = await thread.run(self._connect, thread)
        except sqlite3.Error as error:
            thread.stop()
            raise Unavailable(f"cannot open {self._source}: {error}") from error
        except BaseException:
            thread.stop()
            raise
        return SqliteSession(connection, thread, self._limit)

    def begin(self, isolation: Isolation | None) -> tuple[str, ...]:
        # Takes the lock for writing at once: when it is taken later what was read before may be outdated.
        return ("BEGIN IMMEDIATE",)

    def _connect(self, thread: Thread) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._source.path or ":memory:", timeout=_BUSY_TIMEOUT, isolation_level=None
        )
        connection.set_progress_handler(thread.is_over, _STEPS)
        connection.create_collation(DECIMAL_COLLATION, compare_decimals)
        # Readers do not wait for the writer, nor it for them.
        _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
        connection.execute("PRAGMA foreign_keys = ON")
        if self._reads:
            connection.execute("PRAGMA query_only = ON")
        return connection


def _patiently(work: Callable[[], object]) -> None:
    """Does what SQLite itself does not wait for while another process does the same."""
    until = monotonic() + _BUSY_TIMEOUT
    while True:
        try:
            work()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _KIND not in _CONFLICTS or monotonic() > until:
                raise
        sleep(0.01)


class SqliteSession(Session):
    """A connection and its thread. Work whose task was cancelled before it began is dropped, and what has
    begun is ended before anything else begins; so whoever comes next finds no statement half done."""

    def __init__(self, connection: sqlite3.Connection, thread: Thread, limit: float) -> None:
        self._connection = connection
        self._thread = thread
        self._limit = limit
        self._closed = False
        self._begun = False
        """Whether a transaction was begun and not ended. SQLite may have rolled it back by itself since, as
        it does when a write is interrupted: what is still to be done must not be done outside of it then."""

    @property
    def usable(self) -> bool:
        return not self._closed

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    async def fetch(self, statement: Statement, parameters: Parameters) -> list[Row]:
        return await self._run(statement, self._rows, statement.sqlite, parameters)

    async def stream(
        self, statement: Statement, parameters: Parameters, size: int
    ) -> AsyncGenerator[list[Row], None]:
        cursor = await self._run(statement, self._connection.execute, statement.sqlite, parameters)
        try:
            while rows := await self._run(statement, cursor.fetchmany, size):
                yield rows
        finally:
            await asyncio.shield(self._thread.run(cursor.close))

    async def execute(self, statement: Statement, parameters: Parameters) -> int:
        def work() -> int:
            count = self._connection.execute(statement.sqlite, parameters).rowcount
            # The module does not tell of a statement that begins with WITH.
            return count if count >= 0 else int(self._rows("SELECT changes()", ())[0][0])

        return await self._run(statement, work)

    async def execute_many(self, statement: Statement, rows: Iterable[Parameters]) -> int:
        count, remaining = 0, iter(rows)
        while some := list(islice(remaining, _CHUNK)):
            await self._run(statement, self._connection.executemany, statement.sqlite, some)
            count += len(some)
        return count

    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None
    ) -> Row | None:
        rows = await self.fetch(statement, parameters)
        return rows[0] if rows else None

    async def control(self, command: str) -> None:
        await self._run(CONTROL, self._control, command)

    async def undo(self, command: str) -> None:
        def work() -> None:
            try:
                if self._connection.in_transaction:
                    self._connection.execute(command)
            except sqlite3.Error:  # a savepoint that was not made before this task was cancelled
                self._connection.execute("ROLLBACK")
            self._begun = self._begun and command != "ROLLBACK"

        if not self._closed:
            await asyncio.shield(self._thread.run(work))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._thread.stop(self._connection.close)

    def abandon(self) -> None:
        """Does nothing: the thread does one thing after the other."""

    async def end(self) -> None:
        if not self._closed:
            self._closed = True
            await self._thread.end(self._connection.close)

    def _control(self, command: str) -> None:
        self._connection.execute(command)
        self._begun = self._connection.in_transaction

    def _rows(self, text: str, parameters: Parameters) -> list[Row]:
        return self._connection.execute(text, parameters).fetchall()

    async def _run(self, statement: Statement, work: Callable[..., T], *arguments: object) -> T:
        until = served_until.get() or float("inf")
        if self._limit:
            until = min(until, monotonic() + self._limit)
        try:
            return await self._thread.run(self._do, work, arguments, until=until)
        except (OverflowError, UnicodeEncodeError) as error:
            # An integer of more than 64 bits; half a character.
            raise unacceptable(None) from error
        except sqlite3.Error as error:
            if (known := _zero_error(error, statement)) is not None:
                raise known from error
            raise

    def _do(self, work: Callable[..., T], arguments: tuple[object, ...]) -> T:
        if self._begun and not self._connection.in_transaction:
            raise Aborted(ROLLED_BACK)
        return work(*arguments)


def _zero_error(error: sqlite3.Error, statement: Statement) -> ZeroError | None:
    code, text = getattr(error, "sqlite_errorcode", 0), str(error)
    if isinstance(error, sqlite3.ProgrammingError) and text.endswith("is not supported"):
        return unacceptable(None)  # Error binding parameter 1: type 'list' is not supported
    if code in _DUPLICATE:
        # UNIQUE constraint failed: user.mobile, user.area
        columns = text.partition(": ")[2].split(", ")
        return duplicate_columns(statement, tuple(column.rpartition(".")[2] for column in columns))
    if code in _BAD_VALUES:
        # NOT NULL constraint failed: user.name; CHECK constraint failed: name (a generated constraint has the
        # name of its column); cannot store TEXT value in INTEGER column user.gender
        return unacceptable(last_name(text, "(?:failed:|column)"))
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return broken_reference()
    if code & _KIND in _CONFLICTS:
        return Aborted("another process holds the database")
    if code == sqlite3.SQLITE_INTERRUPT:
        return DeadlineExceeded("the statement took too long")
    if code & _KIND in _AWAY:
        return Unavailable(f"the database cannot be read or written: {text}")
    return None
