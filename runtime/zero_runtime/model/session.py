"""What a driver is to a database: connections, and what differs between the kinds of databases."""

from __future__ import annotations

import abc
from collections.abc import AsyncGenerator, Iterable
from typing import ClassVar, Literal, TypeAlias

from zero_runtime.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, Unavailable
from zero_runtime.model.statement import Dialect, Statement
from zero_runtime.model.values import Row, Value

Parameters: TypeAlias = tuple[Value, ...]

Isolation: TypeAlias = Literal["read committed", "repeatable read", "serializable"]
"""How much a transaction sees of others. SQLite's are always serializable."""


CONTROL = Statement("control")
"""What errors of `Session.control` are about: a command of no statement."""

UNDO_TIMEOUT = 5.0
"""Seconds that a server has to roll back. Nobody else bounds this, for it is done after tasks were cancelled.
Without the connection the server does it by itself."""

END_TIMEOUT = 1.0
"""Seconds that a server has to hear that a connection ends."""


REFUSALS = (Aborted, AlreadyExists, FailedPrecondition, InvalidArgument)
"""What says that the database has not done what was asked. After any other failure nobody knows."""


class ConnectionLost(Unavailable):
    """The connection broke; another one may work. What was asked last may have taken effect."""


class Session(abc.ABC):
    """One connection, used by one task at a time. Its methods raise the errors that `Database` promises.

    A method that is cancelled leaves a connection on which nothing runs any more, or one that is not
    `usable`.
    """

    @property
    @abc.abstractmethod
    def usable(self) -> bool:
        """Whether the connection is open, as far as that is known without asking the database."""

    @property
    @abc.abstractmethod
    def in_transaction(self) -> bool:
        """Whether the database still knows of the transaction; it may have rolled it back by itself."""

    @abc.abstractmethod
    async def fetch(self, statement: Statement, parameters: Parameters) -> list[Row]: ...

    @abc.abstractmethod
    def stream(
        self, statement: Statement, parameters: Parameters, size: int
    ) -> AsyncGenerator[list[Row], None]:
        """The rows, some ``size`` of them at a time and never all in memory. It is closed
        when no more is wanted; nothing else is asked of the connection until then."""

    @abc.abstractmethod
    async def execute(self, statement: Statement, parameters: Parameters) -> int:
        """How many rows the statement found, changed or not."""

    @abc.abstractmethod
    async def execute_many(self, statement: Statement, rows: Iterable[Parameters]) -> int:
        """Does the statement with each of the rows, inside of a transaction; returns how many these were."""

    @abc.abstractmethod
    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None
    ) -> Row | None:
        """The row as the database has it: what the statement returns, or what ``stored`` finds by ``key`` or
        else by the generated key."""

    @abc.abstractmethod
    async def control(self, command: str) -> None:
        """Runs a command without parameters and answer: one that controls transactions or makes a table."""

    @abc.abstractmethod
    async def undo(self, command: str) -> None:
        """Runs a command that rolls back, if there is anything to; when it fails, or takes longer than
        ``UNDO_TIMEOUT``, all is rolled back, and the connection closed if that is what it takes. Raises
        nothing but CancelledError."""

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connection at once, whatever runs on it. Closing it again does nothing."""

    def abandon(self) -> None:
        """Sees to it that what may still run on the connection for another task cannot get mixed up with what
        follows."""
        self.close()

    async def end(self) -> None:
        """Closes a connection that nobody uses, and waits for that, for ``END_TIMEOUT`` at most on a server.
        Raises nothing but CancelledError."""
        self.close()


class Driver(abc.ABC):
    """Makes connections to one server, or file. ``str()`` of it is what messages call it, without
    password."""

    dialect: ClassVar[Dialect]

    tables: ClassVar[Statement]
    """Gives the names of the tables that there are."""

    creates: ClassVar[tuple[str, str]]
    """The commands before and after tables are made: one process does it at a time. When that fails, a
    transaction is rolled back, and whatever else the first has taken ends with the connection."""

    in_memory = False
    """Whether the database is but in the memory of this process, with one connection to it."""

    @abc.abstractmethod
    async def connect(self) -> Session:
        """Raises Unavailable when the server is away, or lets nobody in."""

    @abc.abstractmethod
    def begin(self, isolation: Isolation | None) -> tuple[str, ...]:
        """The commands that begin a transaction."""
