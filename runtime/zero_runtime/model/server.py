"""One server as a database uses it: its connections, its breaker, and what is observed of it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from time import perf_counter
from types import TracebackType
from typing import Protocol

from zero_runtime.config import DatabaseConf
from zero_runtime.deadline import time_left
from zero_runtime.errors import Code, Unavailable, ZeroError
from zero_runtime.model.pool import Pool, Refused
from zero_runtime.model.session import ConnectionLost, Driver, Session
from zero_runtime.model.statement import Statement
from zero_runtime.observability import sql_observer
from zero_runtime.resilience.breaker import Breaker
from zero_runtime.resilience.rejection import Rejected

_FAULTS = frozenset((Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED))
"""What the breaker counts as failed. Everything else shows that the server works."""


class Dropped(Refused):
    """The breaker lets nobody through."""


class Server:
    """A server, or a file, and this process's connections to it."""

    def __init__(self, driver: Driver, conf: DatabaseConf) -> None:
        self.driver = driver
        self.pool = Pool(driver, conf)
        self._name = str(driver)
        self._observer = sql_observer(driver.dialect, self._name, conf.slow_threshold)
        self._breaker = (
            None if conf.breaker.disabled else Breaker(self._name, conf.breaker, clock=perf_counter)
        )

    def __str__(self) -> str:
        return self._name

    def use(self, statement: Statement) -> Use:
        """A connection for one statement, which it is all about in the block."""
        return Use(self, statement)

    async def acquire(self, statement: Statement) -> tuple[Session, float]:
        """A connection, to be given back to the pool, and for how many seconds it was waited for.

        Raises Refused also when the breaker lets nobody through; for the others see `Pool.acquire`.
        """
        begun = perf_counter()
        try:
            if self._breaker is not None:
                self._breaker.allow()
            session = self.pool.take()
            if session is not None:
                return session, 0.0
            return await self.pool.acquire(), perf_counter() - begun
        except Rejected as error:
            refused = Dropped(f"{self._name} is not asked: {error.message}")
            self._observe(statement, 0.0, 0.0, refused)
            raise refused from None
        except BaseException as error:
            if (
                self._breaker is not None
                and isinstance(error, Unavailable)
                and not isinstance(error, Refused)
            ):
                self._breaker.mark(ok=False)
            self._observe(statement, 0.0, perf_counter() - begun, error)
            raise

    def give(self, session: Session) -> None:
        """Takes a connection back."""
        self.pool.give(session)

    def ended(self, statement: Statement, begun: float, waited: float, error: BaseException | None) -> None:
        """A statement has ended that was begun at that time of `perf_counter`, after it had waited for its
        connection for so many seconds."""
        now = perf_counter()
        if self._breaker is not None:
            code = Code.OK if error is None else _code(error)
            if code is not Code.CANCELLED:
                self._breaker.count(code not in _FAULTS, now)
        if isinstance(error, ConnectionLost):
            self.pool.forget()
        if self._observer is not None:
            self._observe(statement, now - begun, waited, error)

    def _observe(
        self, statement: Statement, seconds: float, waited: float, error: BaseException | None
    ) -> None:
        if self._observer is not None:
            code = Code.OK if error is None else _code(error)
            self._observer.end(statement.name, seconds, waited, code)


class Lender(Protocol):
    """Whom a connection is from: a server, or a transaction."""

    async def acquire(self, statement: Statement) -> tuple[Session, float]: ...

    def give(self, session: Session) -> None: ...

    def ended(
        self, statement: Statement, begun: float, waited: float, error: BaseException | None
    ) -> None: ...


class Use(AbstractAsyncContextManager[Session]):
    """A connection for one statement. A class, since it is half as expensive as a generator here."""

    __slots__ = ("_begun", "_lender", "_session", "_statement", "_waited")

    def __init__(self, lender: Lender, statement: Statement) -> None:
        self._lender = lender
        self._statement = statement

    async def __aenter__(self) -> Session:
        session, self._waited = await self._lender.acquire(self._statement)
        self._session = session
        self._begun = perf_counter()
        return session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lender.give(self._session)
        self._lender.ended(self._statement, self._begun, self._waited, error)


def _code(error: BaseException) -> Code:
    if isinstance(error, ZeroError):
        return error.code
    if isinstance(error, asyncio.CancelledError):
        # The one for whom it is done does not wait any more; or the database was too slow for him.
        return Code.DEADLINE_EXCEEDED if time_left(1.0) == 0 else Code.CANCELLED
    return Code.UNKNOWN
