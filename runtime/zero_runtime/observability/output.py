"""Lines of the log on their way out: gathered here, written by a thread, so that no request waits."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol
from weakref import WeakSet

import msgspec

from zero_runtime.observability.dropped import Dropped
from zero_runtime.observability.sinks import Sink

_MAX_BYTES = 16 << 20
"""What waits at most while nothing is taken; further lines are dropped and counted."""

_MAX_LINES = 100_000
"""The same of lines that are not put together, for when even that stands still: a disk may hang."""

_BATCH = 200
"""Lines that are put together at a time: half a millisecond or so in which nothing else runs."""

_PATIENCE = 0.05
"""Seconds that are waited for a place to take something before it is looked what else has come."""

_STALLED = 2.0
"""Seconds without progress after which `Output.flush` gives up: a process must be able to end."""


class Record(msgspec.Struct):
    """A line that is put together, and becomes JSON when it is written."""

    time: str = msgspec.field(name="@timestamp")
    """When it was logged, see `timestamp`."""


class Deferred(msgspec.Struct, gc=False):
    """A line that is put together when it is written.

    Code that runs a thousand times in a row costs a third of what it costs once per request, between all
    else.
    """

    def line(self) -> Record | None:
        """The line; None for none. Called once, in another thread."""
        raise NotImplementedError


Line = msgspec.Raw | Deferred
Made = msgspec.Raw | Record
"""A line that was put together: a text, or what becomes one as JSON."""


class Forwarder(Protocol):
    """What sends lines elsewhere, in its own time: `logs.forward.Forwarder`."""

    def add(self, lines: Sequence[Made]) -> None:
        """Takes lines, until it is closed; never waits for whom they are sent to."""

    def close(self) -> None:
        """Sends what waits, for a few seconds at most, and takes no more."""

    def before_fork(self) -> None:
        """Leaves nothing half done behind."""

    def after_fork(self, *, child: bool) -> None:
        """Goes on; in the child with nothing to send."""


class Output:
    """Brings lines to a sink in the order in which they come, at most ``delay`` seconds later, and to a
    forwarder; either may be missing.

    While the sink takes nothing they wait, and are put together nevertheless. ``on_drop`` is told how many
    were dropped once others are taken again. Forks are safe: what waits is the parent's.
    """

    def __init__(
        self,
        sink: Sink | None,
        delay: float,
        on_drop: Callable[[int], None],
        forwarder: Forwarder | None = None,
    ) -> None:
        self._sink = sink
        self._delay = delay
        self._on_drop = on_drop
        self._forwarder = forwarder
        self._encoder = msgspec.json.Encoder()
        self._lines: deque[Line] = deque()
        self._ready: deque[bytes] = deque()
        self._size = 0
        """Bytes that are ready."""
        self._refused = 0
        """Lines that came while too many waited, and are not counted yet."""
        self._dropped = Dropped(sink.dropped if sink else "unread")
        self._broken = False
        """Whether the sink refuses what it is given."""
        self._preparing = threading.Lock()
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._woken = False
        self._work = threading.Event()
        self._hurry = threading.Event()
        self._ending = False
        _outputs.add(self)

    def write(self, line: Line, *, urgent: bool = False) -> None:
        """Takes a line; never blocks. An urgent one is written without delay."""
        if len(self._lines) >= _MAX_LINES:
            self._refused += 1
            return
        self._lines.append(line)
        if not self._woken:
            self._woken = True
            self._wake()
        if urgent:
            self._hurry.set()

    def prepare(self) -> None:
        """Puts together what waits."""
        with self._preparing:
            refused, self._refused = self._refused, 0
            self._dropped.count(refused)
            while self._lines:
                taken = [self._lines.popleft() for _ in range(min(len(self._lines), _BATCH))]
                made = [each.line() if isinstance(each, Deferred) else each for each in taken]
                lines = [line for line in made if line is not None]
                if self._forwarder is not None:
                    self._forwarder.add(lines)
                if self._sink is None or not lines:
                    continue
                if self._size > _MAX_BYTES:
                    self._dropped.count(len(lines))
                    continue
                data = self._encoded(lines)
                self._ready.append(data)
                self._size += len(data)

    def flush(self) -> None:
        """Writes what waits, and returns when that is done, or the sink has taken nothing for a while. What
        is forwarded goes its own way."""
        if self._write_all(_STALLED):
            self._tell_of_dropped()
            self._write_all(_STALLED)

    def close(self) -> None:
        """Writes and forwards what waits, and ends the threads. Lines that come later are still written."""
        self._end_thread()
        self.flush()
        if self._forwarder is not None:
            self._forwarder.close()
            self.flush()  # what it had to say about that
            self._end_thread()
        if self._sink is not None:
            with self._writing:
                self._sink.close()

    def before_fork(self) -> None:
        """Leaves no thread and nothing half done behind."""
        self._end_thread()
        self._starting.acquire()
        self._writing.acquire()
        self._preparing.acquire()
        if self._forwarder is not None:
            self._forwarder.before_fork()

    def after_fork(self, *, child: bool) -> None:
        """Goes on; in the child with nothing to write."""
        if self._forwarder is not None:
            self._forwarder.after_fork(child=child)
        if child:
            self._lines.clear()
            self._ready.clear()
            self._size = self._refused = 0
            self._dropped.told()
            if self._sink is not None:
                self._sink.close()
            self._thread, self._woken = None, False
            self._work, self._hurry = threading.Event(), threading.Event()
        self._preparing.release()
        self._writing.release()
        self._starting.release()
        if self._lines or self._ready:
            self._wake()

    def _wake(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="log-output", daemon=True)
                # While the interpreter ends there are no new threads, but whoever closes this writes it.
                with contextlib.suppress(RuntimeError):
                    thread.start()
                    self._thread = thread
        self._work.set()

    def _run(self) -> None:
        try:
            while not self._ending:
                self._work.wait()
                self._work.clear()
                self._hurry.wait(self._delay)
                self._hurry.clear()
                self._woken = False  # whoever still saw it set had appended its line by then
                self._write_all()
                self._tell_of_dropped()
        finally:  # a line that fails ends this, and the next one begins it again
            with self._starting:
                self._thread, self._woken = None, False

    def _end_thread(self) -> None:
        thread = self._thread
        if thread is not None:
            self._ending = True
            self._work.set()
            self._hurry.set()
            thread.join()
            self._thread = None
            self._woken = self._ending = False

    def _encoded(self, lines: Sequence[Made]) -> bytes:
        try:
            return self._encoder.encode_lines(lines)
        except (TypeError, ValueError):  # no JSON, or text that is no Unicode
            return self._encoder.encode_lines(
                [line if isinstance(line, msgspec.Raw) else legible_keys(line) for line in lines]
            )

    def _write_all(self, patience: float = threading.TIMEOUT_MAX) -> bool:
        """Writes until nothing waits. Returns whether it came to that: otherwise nothing was taken for as
        many seconds, or the thread is to end while nothing is."""
        self.prepare()
        if not self._writing.acquire(timeout=patience):
            return False
        try:
            while self._ready:
                data = self._ready.popleft()
                try:
                    rest = self._written(data, patience)
                    self._broken = False
                except OSError:  # whoever would be told so reads this log
                    rest = b""
                    self._broken = True
                    self._dropped.count(data.count(b"\n"))
                with self._preparing:
                    self._size -= len(data) - len(rest)
                if rest:
                    self._ready.appendleft(rest)
                    return False
                self.prepare()
            return True
        finally:
            self._writing.release()

    def _tell_of_dropped(self) -> None:
        if not self._ready and not self._broken and (dropped := self._dropped.told()):
            self._on_drop(dropped)

    def _written(self, data: bytes, patience: float) -> bytes:
        """Writes ``data``; returns what is left when that has to end."""
        sink = self._sink
        assert sink is not None
        start, size = 0, len(data)
        waited = 0.0
        while start < size:
            if not sink.ready(_PATIENCE):
                waited += _PATIENCE
                if self._ending or waited >= patience:
                    return data[start:]
                self.prepare()
                continue
            waited = 0
            end = start + sink.at_once
            if end < size:
                end = data.rfind(b"\n", start, end) + 1 or data.index(b"\n", end) + 1
            start += sink.write(data[start:end])
        return b""


class LineHandler(logging.Handler):
    """Brings the records of the standard library to an output.

    ``json`` tells others that a struct may go to ``output`` directly: lines are JSON. Warnings and what is
    worse are urgent.
    """

    def __init__(self, output: Output, *, json: bool) -> None:
        super().__init__()
        self.output = output
        self.json = json

    def createLock(self) -> None:
        """No lock: an output needs none. The interpreter holds it while it closes handlers, and whoever
        forwards has something to say meanwhile."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        found = self.filter(record)
        if found:
            self.emit(found if isinstance(found, logging.LogRecord) else record)
        return bool(found)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode(errors="backslashreplace")
            self.output.write(msgspec.Raw(line), urgent=record.levelno >= logging.WARNING)
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        self.output.flush()

    def close(self) -> None:
        self.output.close()
        super().close()


def timestamp(now: float) -> str:
    """A moment, in seconds since the epoch, as lines tell it: in UTC, to the millisecond."""
    second, millisecond = divmod(int(now * 1000), 1000)
    return f"{_second(second)}.{millisecond:03}+00:00"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()


def legible(value: object) -> str:
    """A text in place of a value that cannot be encoded, or is no Unicode."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else ascii(value)


def legible_keys(line: Record) -> dict[str, str]:
    """The same of all that a line says."""
    return {key: legible(value) for key, value in msgspec.to_builtins(line, enc_hook=ascii).items()}


_outputs: WeakSet[Output] = WeakSet()


def prepare() -> None:
    """Puts together what waits in this process."""
    for output in [*_outputs]:
        output.prepare()


def _before_fork() -> None:
    for output in _outputs:
        output.before_fork()


def _after_fork(*, child: bool) -> None:
    for output in _outputs:
        output.after_fork(child=child)


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(child=False),
    after_in_child=lambda: _after_fork(child=True),
)
