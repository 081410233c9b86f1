"""Several processes that serve one port, and the one that keeps them.

The keeper listens, forks the workers and another process for the administration port, starts again what dies
and passes on the signal to stop. It has no event loop, so that it can fork at any time.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import select
import signal
import socket
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import FrameType
from typing import NoReturn

from zero_runtime import logs
from zero_runtime.config import RestConf

_PAUSE = 1.0
"""Seconds until a process that died is started again; twice as long each time it does not last."""

_LONGEST_PAUSE = 10.0
"""Short enough for the connections that wait for the worker meanwhile."""

_LASTING = 60.0
"""Seconds after which a process counts as one that lasts."""

_MARGIN = 5.0
"""Seconds that a process has to close what it opened, beyond what is configured for draining."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("zero.service")


class Board:
    """Where each process says how it is; all of them share it."""

    def __init__(self, places: int) -> None:
        self._states = mmap.mmap(-1, places)
        self.bell, self.cord = os.pipe()
        """Descriptors: the one can be read when something has changed, after a write to the other."""
        for end in (self.bell, self.cord):
            os.set_blocking(end, False)

    def clear(self, place: int) -> None:
        """Nothing is known of this one any more."""
        self._states[place] = 0

    def put(self, place: int, ready: bool) -> None:
        """Says whether this one does what it is there for."""
        self._states[place] = ready
        with contextlib.suppress(BlockingIOError):  # it rings already
            os.write(self.cord, b"\0")

    def ready(self, place: int) -> bool:
        """Whether this one does what it is there for."""
        return bool(self._states[place])


@dataclass(frozen=True, slots=True)
class Post:
    """What a process of the service knows of its place among the others."""

    index: int
    """0 for the first worker; the administration comes after the last."""

    board: Board
    listener: socket.socket | None
    """None for the administration, which has its own."""

    life: int
    """A descriptor that can be read when the keeper is no more."""

    def tell(self, *, ready: bool) -> None:
        """Says whether this process does what it is there for."""
        self.board.put(self.index, ready)

    def takes_work(self) -> bool:
        """Whether any worker takes work; asked by the administration."""
        return any(map(self.board.ready, range(self.index)))


Main = Callable[[Post], int]
"""What a process does; returns its exit status."""


@dataclass(slots=True)
class _Place:
    """A process that should run."""

    name: str
    main: Main
    post: Post
    pid: int = 0
    """0 while it does not run."""

    since: float = 0
    """When it was started, or is to be started again."""

    pause: float = 0
    lasted: bool = False
    """Whether it has ever been ready."""


class Keeper:
    """Runs processes until a signal ends them."""

    def __init__(
        self,
        conf: RestConf,
        listeners: Sequence[socket.socket],
        address: str,
        work: Main,
        administer: Main | None,
    ) -> None:
        """``listeners`` has a socket for each worker, which stays open, and keeps the connections that wait,
        while the worker is started again. ``work`` is what a worker does, ``administer`` what the process of
        the administration port does."""
        self._conf = conf
        self._address = address
        self._life, self._line = os.pipe()
        """A pipe whose one end is closed when the keeper dies."""
        mains = [(f"worker {number}", work) for number in range(1, conf.workers + 1)]
        if administer is not None:
            mains.append(("the administration", administer))
        self._board = Board(len(mains))
        self._places = [
            _Place(name, main, Post(index, self._board, listener, self._life))
            for index, ((name, main), listener) in enumerate(zip_longest(mains, listeners))
        ]
        self._signal = 0
        self._told = False

    def run(self) -> int:
        """Returns the exit status of the service: that of a process that could not start, else 0."""
        for number in (*_SIGNALS, signal.SIGCHLD):
            signal.signal(number, self._note)
        signal.set_wakeup_fd(self._board.cord, warn_on_full_buffer=False)
        status = self._keep()
        if self._signal:
            _log.info("%s stops", self._conf.name)
        self._end()
        _log.info("%s has stopped", self._conf.name)
        return status

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return
        if self._signal:
            self._die(number)
        self._signal = number

    def _die(self, number: int) -> NoReturn:
        """The second signal ends everything at once."""
        self._send(signal.SIGKILL, self._places)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        raise SystemExit(1)

    def _keep(self) -> int:
        """Keeps all processes running until a signal comes or one of them cannot start."""
        while not self._signal:
            now = time.monotonic()
            for place in self._places:
                if not place.pid and place.since <= now:
                    self._start(place)
            due = [place.since for place in self._places if not place.pid]
            self._sleep(min(due) - now if due else None)
            self._look()
            for place, status in self._ended():
                if not place.lasted and not self._signal:
                    return status or 1
                self._schedule(place, status)
        return 0

    def _look(self) -> None:
        """Learns who is ready by now."""
        for place in self._places:
            place.lasted = place.lasted or self._board.ready(place.post.index)
        if not self._told and all(place.lasted for place in self._places):
            self._told = True
            _log.info("%s listens on %s with %d workers", self._conf.name, self._address, self._conf.workers)

    def _schedule(self, place: _Place, status: int) -> None:
        now = time.monotonic()
        lasted = now - place.since > _LASTING
        place.pause = _PAUSE if lasted else min(max(place.pause * 2, _PAUSE), _LONGEST_PAUSE)
        place.since = now + place.pause
        if not self._signal:
            text = "%s ended with status %d and is started again in %g s"
            _log.error(text, place.name, status, place.pause)

    def _start(self, place: _Place) -> None:
        self._board.clear(place.post.index)
        logs.flush()
        place.since = time.monotonic()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # none may be lost between two handlers
        with warnings.catch_warnings():
            # Python warns of threads: the one that writes the log looks after itself.
            warnings.simplefilter("ignore", DeprecationWarning)
            place.pid = os.fork()
        if place.pid == 0:
            self._become(place)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _become(self, place: _Place) -> NoReturn:
        """The life of a new process."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            # A terminal sends this one to all processes: the keeper passes it on.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(self._line)
            self._let_go(keeping=place.post.listener)
            status = place.main(place.post)
        except BaseException:
            _log.critical("%s failed", place.name, exc_info=True)
        finally:
            logs.close()
            os._exit(status)

    def _let_go(self, keeping: socket.socket | None = None) -> None:
        """Closes the sockets of others: one takes connections for as long as anybody has it open."""
        for place in self._places:
            if place.post.listener is not None and place.post.listener is not keeping:
                place.post.listener.close()

    def _end(self) -> None:
        """Stops all processes: each drains in its own time, and no longer."""
        self._let_go()
        shutdown, fluentd = self._conf.shutdown, self._conf.log.fluentd
        margin = _MARGIN + (fluentd.timeout if fluentd.host else 0)  # the last lines have to get there
        workers = self._places[: self._conf.workers]
        for places in (workers, self._places):  # the administration tells until the end that no work is taken
            self._send(signal.SIGTERM, places)
            end = time.monotonic() + shutdown.wrap_up_time + shutdown.wait_time + margin
            while any(place.pid for place in places) and (left := end - time.monotonic()) > 0:
                self._sleep(left)
                self._ended()
        self._send(signal.SIGKILL, self._places)

    def _send(self, number: signal.Signals, places: Iterable[_Place]) -> None:
        for place in places:
            if place.pid:
                os.kill(place.pid, number)

    def _sleep(self, seconds: float | None) -> None:
        """Waits for something to happen."""
        select.select([self._board.bell], [], [], None if seconds is None else max(seconds, 0))
        with contextlib.suppress(BlockingIOError):
            while os.read(self._board.bell, 4096):
                pass

    def _ended(self) -> list[tuple[_Place, int]]:
        """The processes that have ended, with their status as a shell tells it."""
        ended = []
        for place in self._places:
            if place.pid and (code := os.waitpid(place.pid, os.WNOHANG))[0]:
                place.pid = 0
                self._board.clear(place.post.index)
                status = os.waitstatus_to_exitcode(code[1])
                ended.append((place, status if status >= 0 else 128 - status))
        return ended
