"""Transactions as the tasks see them that take part."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import Protocol, TypeVar, cast

from zero_runtime.deadline import time_left
from zero_runtime.errors import Aborted, DeadlineExceeded
from zero_runtime.model.pool import Refused
from zero_runtime.model.server import Server, Use
from zero_runtime.model.session import Session
from zero_runtime.model.statement import Statement

_log = logging.getLogger("zero.model")


class Participant(Protocol):
    """What takes part in a transaction from the first time on that it is asked for until the end."""

    async def before_commit(self) -> None:
        """The transaction is about to be committed. What this raises rolls it back."""

    async def ended(self, committed: bool | None) -> None:
        """The transaction has ended; None when nobody knows how, for the connection broke in the middle."""


P = TypeVar("P", bound=Participant)


class Transaction:
    """A transaction, or a savepoint in one, that a task is in."""

    def __init__(self, server: Server, session: Session, outer: Transaction | None, wait: float) -> None:
        """``wait`` is for how many seconds a statement waits for others of the same transaction."""
        self._server = server
        self.outermost: Transaction = self if outer is None else outer.outermost
        self._session: Session | None = session
        self._wait = wait
        self._turn = asyncio.Lock()
        self._queue = 0
        """How many tasks wait for their turn."""
        self._owner: asyncio.Task[object] | None = None
        self._participants: dict[Callable[[], Participant], Participant] = {}

    def use(self, statement: Statement) -> Use:
        """The connection of the transaction, for one statement."""
        return Use(self, statement)

    def enlist(self, make: Callable[[], P]) -> P:
        """The participant that ``make`` makes at the first time. Raises RuntimeError when it is too late."""
        outermost = self.outermost
        if outermost._session is None:
            raise RuntimeError(_ENDED)
        participant = outermost._participants.get(make)
        if participant is None:
            participant = outermost._participants[make] = make()
        return cast(P, participant)

    async def before_commit(self) -> None:
        """Tells the participants that it is about to be committed."""
        for participant in self._participants.values():
            await participant.before_commit()

    @property
    def has_participants(self) -> bool:
        """Whether there is anybody to be told."""
        return bool(self._participants)

    async def tell(self, committed: bool | None) -> None:
        """Tells the participants how it has ended."""
        for participant in self._participants.values():
            try:
                await participant.ended(committed)
            except Exception:
                _log.exception("what takes part in a transaction failed after its end")

    async def end(self) -> None:
        """Waits for the statement that runs and lets none begin after it."""
        try:
            async with self._turn:
                self._session = None
        except asyncio.CancelledError:  # for the second time, while another task uses the connection
            if self._session is not None:
                self._session.abandon()
                self._session = None
            raise

    async def acquire(self, statement: Statement) -> tuple[Session, float]:
        """The connection, when it is this one's turn, and for how many seconds it was waited for."""
        task, waited = asyncio.current_task(), 0.0
        if self._queue or self._turn.locked():
            if self._owner is task:
                raise RuntimeError(_STREAMS)
            begun = perf_counter()
            await self._take_turn()
            waited = perf_counter() - begun
        else:
            await self._turn.acquire()
        session = self._session
        if session is None or not session.in_transaction:
            self._turn.release()
            if session is None:
                raise RuntimeError(_ENDED)
            raise Aborted(ROLLED_BACK)
        self._owner = task
        return session, waited

    def give(self, session: Session) -> None:
        """It is the next one's turn."""
        self._owner = None
        self._turn.release()

    def ended(self, statement: Statement, begun: float, waited: float, error: BaseException | None) -> None:
        """See `Server.ended`."""
        self._server.ended(statement, begun, waited, error)

    async def _take_turn(self) -> None:
        limit = time_left(self._wait)
        assert limit is not None
        self._queue += 1
        try:
            async with asyncio.timeout(limit):
                await self._turn.acquire()
        except TimeoutError:
            text = "the connection of the transaction is in use by another task, or by a block within it"
            raise (DeadlineExceeded(text) if limit < self._wait else Refused(text)) from None
        finally:
            self._queue -= 1


ROLLED_BACK = "the database has rolled the transaction back"
_ENDED = "the transaction in which this task was started has ended"
_STREAMS = (
    "the connection of the transaction is in use by this very task: read the stream to its end before, or "
    "stream outside of the transaction"
)
