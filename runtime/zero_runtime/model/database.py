"""Databases as repositories see them: statements, and transactions that repositories join by themselves."""

from __future__ import annotations

import abc
import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import ClassVar, TypeAlias

from zero_runtime.errors import Aborted
from zero_runtime.model.statement import Dialect, Schema, Statement
from zero_runtime.model.values import Row, Value

Parameters: TypeAlias = tuple[Value, ...]

_ROLLED_BACK = "the database has rolled the transaction back"


class Session(abc.ABC):
    """One connection, used by one task at a time. Its methods raise the errors that `Database` promises."""

    @property
    @abc.abstractmethod
    def in_transaction(self) -> bool:
        """Whether the database still knows of the transaction; it may have rolled it back by itself."""

    @abc.abstractmethod
    async def fetch(self, statement: Statement, parameters: Parameters) -> list[Row]: ...

    @abc.abstractmethod
    async def execute(self, statement: Statement, parameters: Parameters) -> int: ...

    @abc.abstractmethod
    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None
    ) -> Row | None: ...

    @abc.abstractmethod
    async def control(self, command: str) -> None:
        """Runs a command that controls transactions."""

    @abc.abstractmethod
    async def undo(self, command: str) -> None:
        """Runs a command that rolls back, if there is anything to; when it fails all is rolled back."""


class _Transaction:
    """A transaction or savepoint that a task is in. As a context manager: its session, for one statement."""

    def __init__(self, session: Session) -> None:
        self._session: Session | None = session
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Session:
        await self._turn.acquire()
        if self._session is None or not self._session.in_transaction:
            self._turn.release()
            if self._session is None:
                raise RuntimeError("the transaction in which this task was started has ended")
            raise Aborted(_ROLLED_BACK)
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._turn.release()

    async def end(self) -> None:
        """Waits for the statement that runs and lets none begin after it."""
        async with self._turn:
            self._session = None


class Database(abc.ABC):
    """A database. Outside of `transaction` every statement is a transaction of its own.

    Errors: `DuplicateKey` for a violated unique index, InvalidArgument for a value that a column cannot hold,
    FailedPrecondition for a violated foreign key, Aborted when a concurrent transaction won, Unavailable when
    the database cannot be reached. What the driver says otherwise is a defect of the statement and passes as
    it is.
    """

    dialect: ClassVar[Dialect]

    _begin: ClassVar[str]
    """The command that begins a transaction."""

    def __init__(self) -> None:
        self._current: ContextVar[_Transaction | None] = ContextVar("transaction", default=None)
        self._savepoints = itertools.count(1)

    async def fetch_one(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        """The first row of the answer, if any."""
        rows = await self.fetch_all(statement, parameters)
        return rows[0] if rows else None

    async def fetch_all(self, statement: Statement, parameters: Parameters = ()) -> list[Row]:
        """All rows of the answer."""
        async with self._session() as session:
            return await session.fetch(statement, parameters)

    async def execute(self, statement: Statement, parameters: Parameters = ()) -> int:
        """How many rows the statement found, changed or not."""
        async with self._session() as session:
            return await session.execute(statement, parameters)

    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None = None
    ) -> Row:
        """Inserts a row and reads it back with ``stored``, a query by ``key`` or else by the generated key.

        Raises Aborted when somebody deleted the row in between.
        """
        async with self._session() as session:
            row = await session.insert(statement, parameters, stored, key)
        if row is None:
            raise Aborted("the row was deleted as soon as it was inserted")
        return row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """What is done with the database in the block takes effect as a whole or, on an exception, not.

        A block within a block is a savepoint: what fails inside of it can be caught around it. Tasks started
        inside of a block take part in it, one statement at a time, and have to end in it.
        """
        outer = self._current.get()
        async with self._session() as session:
            inner = _Transaction(session)
            begin, commit, undo = self._commands(savepoint=outer is not None)
            try:
                await session.control(begin)
                token = self._current.set(inner)
                try:
                    yield
                finally:
                    self._current.reset(token)
                    await inner.end()
                if not session.in_transaction:
                    raise Aborted(_ROLLED_BACK)
                await session.control(commit)
            except BaseException:
                await session.undo(undo)
                raise

    async def create(self, schema: Schema) -> None:
        """Makes the tables and indexes that are missing. Those that exist stay as they are."""
        commands: tuple[str, ...] = getattr(schema, self.dialect)
        async with self._lease() as session:
            for command in commands:
                await session.control(command)

    @abc.abstractmethod
    def _lease(self) -> AbstractAsyncContextManager[Session]:
        """A connection for this task alone."""

    def _session(self) -> AbstractAsyncContextManager[Session]:
        return self._current.get() or self._lease()

    def _commands(self, *, savepoint: bool) -> tuple[str, str, str]:
        """The commands that begin, commit and undo a transaction or a savepoint in one."""
        if not savepoint:
            return self._begin, "COMMIT", "ROLLBACK"
        # No name is used twice: one that was rolled back to still exists, and whoever was cancelled before it
        # made its own must not undo what was done since then.
        name = f"zero_{next(self._savepoints)}"
        return f"SAVEPOINT {name}", f"RELEASE SAVEPOINT {name}", f"ROLLBACK TO SAVEPOINT {name}"
