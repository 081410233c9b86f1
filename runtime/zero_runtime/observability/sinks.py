"""Places where lines of the log are written."""

from __future__ import annotations

import os
import select
import stat
from typing import Protocol


class Sink(Protocol):
    """A place where lines are written."""

    at_once: int
    """Bytes that it takes in one piece, between those of other processes."""

    dropped: str
    """Why lines are dropped that it does not take, as a metric says it."""

    def ready(self, seconds: float) -> bool:
        """Waits as long for it to take something; returns whether it does."""

    def write(self, data: bytes) -> int:
        """Writes whole lines, or the rest of one; returns how many bytes it took. Raises OSError."""

    def close(self) -> None:
        """Lets go of what it holds, until something is written again. In a forked process too."""


class Descriptor:
    """Stdout, or another file descriptor that somebody else opened."""

    dropped = "unread"

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._writable = select.poll()
        self._writable.register(fd, select.POLLOUT)
        # What a pipe takes at once does not mix with what other workers write into it.
        # A file takes anything; what else may block takes as much without doing so once it can be written.
        self.at_once = 1 << 20 if stat.S_ISREG(os.fstat(fd).st_mode) else select.PIPE_BUF

    def ready(self, seconds: float) -> bool:
        return bool(self._writable.poll(seconds * 1000))

    def write(self, data: bytes) -> int:
        try:
            # No more, or a line that is longer would wait there until somebody reads, and who ends for it.
            return os.write(self._fd, data[: self.at_once])
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """It is not ours to close."""
