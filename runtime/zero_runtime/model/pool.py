"""The connections of one process to one server."""

from __future__ import annotations

import asyncio
from collections import deque

from zero_runtime.config import DatabaseConf
from zero_runtime.deadline import time_left
from zero_runtime.errors import DeadlineExceeded, Unavailable
from zero_runtime.model.session import Driver, Session
from zero_runtime.observability import State, sql_pool_observer


class Refused(Unavailable):
    """The server was not even asked, for the sake of the others who ask it."""


class Pool:
    """Lends connections, each to one task at a time.

    There are ``MaxOpen`` of them at most. The one that was used last is lent first, so that those that are
    too many get old. Whoever has to wait is served in the order of coming. A connection that has broken is
    not lent, as far as the process has heard of it.
    """

    def __init__(self, driver: Driver, conf: DatabaseConf) -> None:
        self._driver = driver
        self._conf = conf
        self._lifetime = float(conf.max_lifetime) or float("inf")
        self._loop = asyncio.get_running_loop()
        self._free = conf.max_open
        """How many more may be lent; while somebody waits, none."""
        self._expiry: dict[Session, float] = {}
        """All connections, and when each of them is too old, on the loop's clock."""
        self._idle: list[Session] = []
        """Those that nobody uses; the one that was used last is at the end."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._observer = sql_pool_observer(str(driver), conf.max_open, self._state)

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._expiry)

    @property
    def used(self) -> int:
        """How many of them are lent, or being made to be lent."""
        return self._conf.max_open - self._free

    def take(self) -> Session | None:
        """A connection, if one is to be had at once. It is given back with `give`, like one of `acquire`."""
        idle = self._idle
        if idle and self._free:
            session = idle.pop()
            if session.usable and self._loop.time() < self._expiry[session]:
                self._free -= 1
                return session
            self._discard(session)
        return None

    async def acquire(self) -> Session:
        """A connection. Raises Unavailable when the server is away, Refused when none is to be had in time,
        and DeadlineExceeded when it is the time of the call being served that has come to its end."""
        if self._closed:
            raise RuntimeError(f"{self._driver} is closed")
        if self._free:
            self._free -= 1
        else:
            await self._wait()
        try:
            while self._idle:
                session = self._idle.pop()
                if session.usable and self._loop.time() < self._expiry[session]:
                    return session
                self._discard(session)
            session = await self._driver.connect()
        except BaseException:
            self._pass_on()
            raise
        self._expiry[session] = self._loop.time() + self._lifetime
        return session

    def give(self, session: Session) -> None:
        """Takes a connection back, which is not in a transaction."""
        if not session.usable or self._closed:
            self._discard(session)
        elif self._waiting or len(self._idle) < self._conf.max_idle:
            self._idle.append(session)
            if self._sweeper is None and self._lifetime < float("inf"):
                self._sweeper = self._loop.call_later(self._lifetime, self._sweep)
        else:
            if self._observer is not None:
                self._observer.too_many.add()
            self._discard(session)
        self._pass_on()

    async def warm(self) -> None:
        """Sees whether the server answers. Raises Unavailable."""
        self.give(await self.acquire())

    def forget(self) -> None:
        """Closes those that nobody uses: what broke one of them has most likely broken them all."""
        idle, self._idle = self._idle, []
        for session in idle:
            self._discard(session)

    async def close(self) -> None:
        """Ends all connections: those that are lent as soon as they are given back."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._observer is not None:
            self._observer.stop()
        idle, self._idle = self._idle, []
        for session in idle:
            del self._expiry[session]
        await asyncio.gather(*(session.end() for session in idle))

    def _pass_on(self) -> None:
        """Lets the next one have what has become free."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    async def _wait(self) -> None:
        """Waits for the right to a connection."""
        turn = self._loop.create_future()
        self._waiting.append(turn)
        begun = self._loop.time()
        limit = time_left(self._conf.wait_timeout)
        assert limit is not None
        timer = self._loop.call_later(limit, self._refuse, turn, limit < self._conf.wait_timeout)
        try:
            await turn
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                self._pass_on()  # it was this one's turn just when it was cancelled
            raise
        finally:
            timer.cancel()
            if self._observer is not None:
                self._observer.waited(self._loop.time() - begun)

    def _refuse(self, turn: asyncio.Future[None], is_deadline: bool) -> None:
        if turn.done():
            return
        text = f"{self._driver}: all {self._conf.max_open} connections are in use"
        turn.set_exception(DeadlineExceeded(text) if is_deadline else Refused(text))

    def _discard(self, session: Session) -> None:
        expiry = self._expiry.pop(session)
        if self._observer is not None and session.usable and self._loop.time() >= expiry:
            self._observer.too_old.add()
        session.close()

    def _state(self) -> State:
        return State(len(self._expiry), len(self._idle))

    def _sweep(self) -> None:
        """Ends what has become too old while nobody used it, and comes back for the rest."""
        now = self._loop.time()
        for session in [each for each in self._idle if now >= self._expiry[each]]:
            self._idle.remove(session)
            self._discard(session)
        self._sweeper = self._loop.call_later(self._lifetime, self._sweep) if self._idle else None
