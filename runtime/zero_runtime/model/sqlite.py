"""SQLite: one connection on a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from zero_runtime.errors import Aborted, FailedPrecondition, Unavailable, ZeroError
from zero_runtime.model.database import Database, Parameters, Session
from zero_runtime.model.source import SqliteSource
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Row
from zero_runtime.model.violations import duplicate_columns, last_name, unacceptable

T = TypeVar("T")

_BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for another process that writes."""

_OLDEST = (3, 37)
"""The first version with STRICT tables, which generated schemas use."""

_DUPLICATE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_CONSTRAINT_DATATYPE = 3091  # https://sqlite.org/rescode.html; the module does not name it
_BAD_VALUES = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_CHECK, _CONSTRAINT_DATATYPE}
)
_CONFLICTS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_LOCKED})


@asynccontextmanager
async def open_sqlite(source: SqliteSource) -> AsyncIterator[Database]:
    """Opens the database, whose file is made when it is missing. Raises Unavailable."""
    if sqlite3.sqlite_version_info < _OLDEST:
        raise Unavailable(f"this Python has SQLite {sqlite3.sqlite_version}; 3.37 or later is needed")
    with ThreadPoolExecutor(1, thread_name_prefix="sqlite") as thread:
        run = asyncio.get_running_loop().run_in_executor
        try:
            connection = await run(thread, _connect, source)
        except sqlite3.Error as error:
            raise Unavailable(f"cannot open {source}: {error}") from error
        try:
            yield _SqliteDatabase(_SqliteSession(connection, thread))
        finally:
            await asyncio.shield(run(thread, connection.close))


def _connect(source: SqliteSource) -> sqlite3.Connection:
    # The thread that a statement runs on is always the same one; closing may happen on another.
    connection = sqlite3.connect(
        source.path or ":memory:", timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    # Readers of other processes do not wait for the writer, nor it for them.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


class _SqliteDatabase(Database):
    dialect = "sqlite"
    # Takes the lock for writing at once: when it is taken later what was read before may be outdated.
    _begin = "BEGIN IMMEDIATE"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._turns = _Turns(session)

    def _lease(self) -> AbstractAsyncContextManager[Session]:
        return self._turns


class _Turns(AbstractAsyncContextManager[Session]):
    """Gives the session to one task after the other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._free = asyncio.Lock()

    async def __aenter__(self) -> Session:
        await self._free.acquire()
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


class _SqliteSession(Session):
    """Work is done in the order in which it was asked for. Work whose task was cancelled before it began is
    dropped, and what has begun is finished before anything else begins; so whoever comes next finds no
    statement half done."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    async def fetch(self, statement: Statement, parameters: Parameters) -> list[Row]:
        return await self._run(statement, lambda: self._rows(statement, parameters))

    async def execute(self, statement: Statement, parameters: Parameters) -> int:
        return await self._run(
            statement, lambda: self._connection.execute(statement.sqlite, parameters).rowcount
        )

    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None
    ) -> Row | None:
        def work() -> Row | None:
            generated = self._connection.execute(statement.sqlite, parameters).lastrowid
            rows = self._rows(stored, (generated,) if key is None else key)
            return rows[0] if rows else None

        return await self._run(statement, work)

    async def control(self, command: str) -> None:
        await self._run(Statement(command, ""), lambda: self._connection.execute(command))

    async def undo(self, command: str) -> None:
        def work() -> None:
            try:
                if self._connection.in_transaction:
                    self._connection.execute(command)
            except sqlite3.Error:  # a savepoint that was not made before this task was cancelled
                self._connection.execute("ROLLBACK")

        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    def _rows(self, statement: Statement, parameters: Parameters) -> list[Row]:
        return self._connection.execute(statement.sqlite, parameters).fetchall()

    async def _run(self, statement: Statement, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except OverflowError as error:  # an integer of more than 64 bits
            raise unacceptable(None) from error
        except sqlite3.Error as error:
            if (known := _zero_error(error, statement)) is not None:
                raise known from error
            raise


def _zero_error(error: sqlite3.Error, statement: Statement) -> ZeroError | None:
    code, text = getattr(error, "sqlite_errorcode", None), str(error)
    if code in _DUPLICATE:
        # UNIQUE constraint failed: user.mobile, user.area
        columns = text.partition(": ")[2].split(", ")
        return duplicate_columns(statement, tuple(column.rpartition(".")[2] for column in columns))
    if code in _BAD_VALUES:
        # NOT NULL constraint failed: user.name; CHECK constraint failed: name (a generated constraint has the
        # name of its column); cannot store TEXT value in INTEGER column user.gender
        return unacceptable(last_name(text, "(?:failed:|column)"))
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return FailedPrecondition("a row is referred to that does not exist, or is still referred to")
    if code in _CONFLICTS:
        return Aborted("another process holds the database")
    return None
