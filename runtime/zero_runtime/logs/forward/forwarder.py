"""The thread that sends lines to a collector, and what waits for it."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections.abc import Sequence
from pathlib import Path

from zero_runtime.config import FluentdConf
from zero_runtime.logs.forward.buffer import Buffer
from zero_runtime.logs.forward.connection import CollectorError, Connection, tls_context
from zero_runtime.logs.forward.messages import Chunk, entry_with_keys, entry_with_text
from zero_runtime.logs.forward.spill import Spill
from zero_runtime.observability.dropped import Dropped
from zero_runtime.observability.output import Made

_PAUSE = 0.5
"""Seconds before the collector is tried again; twice as long each time."""

_LONGEST_PAUSE = 10.0
_LAST_PAUSE = 0.1
"""Seconds between tries while the process waits for its end."""

_log = logging.getLogger("zero.logs")


class Forwarder:
    """Sends lines of JSON to a collector, in order, each at least once as long as there is room for what
    waits.

    Forks are safe: what waits is the parent's, and the child has a thread with its first line.
    """

    def __init__(self, conf: FluentdConf, service: str) -> None:
        """Raises `config.InvalidValue` when the folder for what does not fit cannot be written, or a
        certificate not be read."""
        self._conf = conf
        self._collector = f"{conf.host}:{conf.port}"
        self._entry = entry_with_text(conf.key) if conf.key else entry_with_keys
        spill = Spill(Path(conf.spill), conf.spill_bytes) if conf.spill else None
        self._buffer = Buffer(conf.tag or service, conf.buffer_bytes, spill)
        self._tls = tls_context(conf)
        self._connection: Connection | None = None
        self._full = Dropped("buffer_full")
        self._unsent = Dropped("exit")
        self._failing = False
        self._told_of_full = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition(threading.Lock())
        with self._changed:
            self._start()

    def add(self, lines: Sequence[Made]) -> None:
        """Takes lines, until it is closed; never waits for the collector."""
        entries = [self._entry(line) for line in lines]
        with self._changed:
            if self._closing:
                self._unsent.count(len(entries))
                return
            self._unsent.count(0)
            self._full.count(sum(not self._buffer.add(entry) for entry in entries))
            if self._thread is None:
                self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        """Starts the thread, which sends what is in the folder, too."""
        connection = self._connection = Connection(self._conf, self._tls)
        thread = threading.Thread(target=self._run, args=(connection,), name="log-forward", daemon=True)
        # While the interpreter ends there are no new threads, but `close` has something to say.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def close(self) -> None:
        """Sends what waits, for as long as the collector may take to answer; what is left goes to the folder
        if there is one, and is lost otherwise."""
        with self._changed:
            thread = self._thread
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._thread is None or self._buffer.is_empty() or self._gives_up(),
                self._conf.timeout,
            )
            lost = self._buffer.save()
            self._unsent.count(lost)
            self._thread = None
            self._changed.notify_all()
        if thread is not None:
            thread.join(_LAST_PAUSE)  # it has nothing to do but close the connection, unless it hangs there
        if lost:
            _log.warning("%d lines of the log were not sent to %s", lost, self._collector)

    def before_fork(self) -> None:
        """Leaves nothing half done behind."""
        self._changed.acquire()

    def after_fork(self, *, child: bool) -> None:
        """Goes on; in the child with nothing to send."""
        if not child:
            self._changed.release()
            return
        self._changed = threading.Condition(threading.Lock())
        self._thread = None
        self._closing = self._failing = self._told_of_full = False
        self._full.told()
        self._buffer.forget()
        if self._connection is not None:
            self._connection.forget()

    def _gives_up(self) -> bool:
        """Whether it is as well to put what waits into the folder."""
        return self._failing and bool(self._conf.spill)

    def _run(self, connection: Connection) -> None:
        pause = _PAUSE
        while chunk := self._next():
            try:
                connection.send(chunk)
            except CollectorError as error:
                self._tell_of_failure(error)
                self._wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                pause = _PAUSE
                self._tell_of_success(is_calm=self._done())
        connection.close()

    def _next(self) -> Chunk | None:
        """What this thread has to send now; waits for it. None when the thread has to end."""
        with self._changed:
            while self._thread is threading.current_thread():
                if chunk := self._buffer.take():
                    return chunk
                self._changed.notify_all()  # `close` waits for that
                self._changed.wait()
        return None

    def _done(self) -> bool:
        """The chunk has arrived. Returns whether no other waits."""
        with self._changed:
            # Otherwise `close` was tired of waiting, and has saved it.
            if self._thread is threading.current_thread():
                self._buffer.done()
            return self._buffer.is_empty()

    def _wait(self, pause: float) -> None:
        """Waits until the collector is to be tried again. Processes that lost it together come back one by
        one."""
        with self._changed:
            self._changed.notify_all()
            if self._closing:
                self._changed.wait(_LAST_PAUSE)
            else:
                self._changed.wait_for(lambda: self._closing, pause * random.uniform(0.5, 1))

    def _tell_of_failure(self, error: CollectorError) -> None:
        if not self._failing:
            self._failing = True
            _log.warning("the log cannot be sent to %s: %s; it waits", self._collector, error)
        if self._full.untold and not self._told_of_full:
            self._told_of_full = True
            _log.warning("too much of the log waits for %s: lines are dropped", self._collector)

    def _tell_of_success(self, *, is_calm: bool) -> None:
        if self._failing or (is_calm and self._full.untold):
            dropped = self._full.told()
            self._failing = self._told_of_full = False
            _log.warning("the log is sent to %s again; %d lines were dropped", self._collector, dropped)
