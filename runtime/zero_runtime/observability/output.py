"""Lines of the log on their way to stdout: gathered here, written by a thread, so that no request waits."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import msgspec

_MAX_BYTES = 16 << 20
"""What waits at most while stdout takes nothing; further lines are dropped and counted."""

_MAX_LINES = 100_000
"""The same of lines that are not put together, for when even that stands still: a disk may hang."""

_BATCH = 200
"""Lines that are put together at a time: half a millisecond or so in which nothing else runs."""

_PATIENCE = 0.05
"""Seconds that are waited for stdout before it is looked what else has come."""

_STALLED = 2.0
"""Seconds without progress after which `Output.flush` gives up: a process must be able to end."""


class Deferred(msgspec.Struct, gc=False):
    """A line that is put together when it is written.

    Code that runs a thousand times in a row costs a third of what it costs once per request, between all
    else.
    """

    def line(self) -> msgspec.Struct | None:
        """What becomes the line, as JSON; None for no line. Called once, in another thread."""
        raise NotImplementedError


Line = msgspec.Raw | Deferred


class Output:
    """Writes lines to a file descriptor in the order in which they come, at most ``delay`` seconds later.

    While nobody reads them they wait, and are put together nevertheless. ``on_drop`` is told how many were
    dropped once others are taken again. Forks are safe: what waits is the parent's.
    """

    def __init__(self, fd: int, delay: float, on_drop: Callable[[int], None]) -> None:
        self._fd = fd
        self._delay = delay
        self._on_drop = on_drop
        self._writable = select.poll()
        self._writable.register(fd, select.POLLOUT)
        # What a pipe takes at once does not mix with what other workers write into it.
        # A file takes anything; what else may block takes as much without doing so once it can be written.
        self._atomic = 1 << 20 if stat.S_ISREG(os.fstat(fd).st_mode) else select.PIPE_BUF
        self._encoder = msgspec.json.Encoder()
        self._lines: deque[Line] = deque()
        self._ready: deque[bytes] = deque()
        self._size = 0
        """Bytes that are ready."""
        self._dropped = 0
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
            self._dropped += 1
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
            while self._lines:
                taken = [self._lines.popleft() for _ in range(min(len(self._lines), _BATCH))]
                made = [each.line() if isinstance(each, Deferred) else each for each in taken]
                lines = [line for line in made if line is not None]
                if self._size > _MAX_BYTES:
                    self._dropped += len(lines)
                    continue
                data = self._encoded(lines)
                self._ready.append(data)
                self._size += len(data)

    def flush(self) -> None:
        """Writes what waits, and returns when that is done, or stdout has taken nothing for a while."""
        if self._write_all(_STALLED):
            self._tell_of_dropped()
            self._write_all(_STALLED)

    def close(self) -> None:
        """Writes what waits and ends the thread. A line that comes later starts it again."""
        self._end_thread()
        self.flush()

    def before_fork(self) -> None:
        """Leaves no thread and nothing half done behind."""
        self._end_thread()
        self._starting.acquire()
        self._writing.acquire()
        self._preparing.acquire()

    def after_fork(self, *, child: bool) -> None:
        """Goes on; in the child with nothing to write."""
        if child:
            self._lines.clear()
            self._ready.clear()
            self._size = self._dropped = 0
            self._thread, self._woken = None, False
            self._work, self._hurry = threading.Event(), threading.Event()
        self._preparing.release()
        self._writing.release()
        self._starting.release()
        if self._lines or self._ready:
            self._wake()

    def _wake(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="log-output", daemon=True)
                self._thread.start()
        self._work.set()

    def _run(self) -> None:
        while not self._ending:
            self._work.wait()
            self._work.clear()
            self._hurry.wait(self._delay)
            self._hurry.clear()
            self._woken = False  # whoever still saw it set had appended its line by then
            self._write_all()
            self._tell_of_dropped()

    def _end_thread(self) -> None:
        thread = self._thread
        if thread is not None:
            self._ending = True
            self._work.set()
            self._hurry.set()
            thread.join()
            self._thread = None
            self._woken = self._ending = False

    def _encoded(self, lines: Sequence[msgspec.Raw | msgspec.Struct]) -> bytes:
        try:
            return self._encoder.encode_lines(lines)
        except (TypeError, ValueError):  # no JSON, or text that is no Unicode
            return self._encoder.encode_lines([_ascii(line) for line in lines])

    def _write_all(self, patience: float = threading.TIMEOUT_MAX) -> bool:
        """Writes until nothing waits. Returns whether it came to that: otherwise nobody has read for as many
        seconds, or the thread is to end while nobody reads."""
        self.prepare()
        if not self._writing.acquire(timeout=patience):
            return False
        try:
            while self._ready:
                data = self._ready.popleft()
                try:
                    rest = self._written(data, patience)
                except OSError:  # stdout is gone, and with it those to be told so
                    rest = b""
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
        if self._dropped and not self._ready:
            dropped, self._dropped = self._dropped, 0
            self._on_drop(dropped)

    def _written(self, data: bytes, patience: float) -> bytes:
        """Writes ``data``; returns what is left when that has to end."""
        start, size = 0, len(data)
        waited = 0.0
        while start < size:
            if not self._writable.poll(_PATIENCE * 1000):
                waited += _PATIENCE
                if self._ending or waited >= patience:
                    return data[start:]
                self.prepare()
                continue
            waited = 0
            end = start + self._atomic
            if end < size:
                end = data.rfind(b"\n", start, end) + 1 or data.index(b"\n", end) + 1
            with contextlib.suppress(BlockingIOError):
                start += os.write(self._fd, data[start:end])
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


def _ascii(line: msgspec.Raw | msgspec.Struct) -> Any:
    if isinstance(line, msgspec.Raw):
        return line
    return {key: ascii(value) for key, value in msgspec.to_builtins(line, enc_hook=ascii).items()}


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
