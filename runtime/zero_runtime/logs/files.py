"""The log in a file that is followed by another one each day, or when it is large.

Several processes may write the same file. Each holds a shared lock on it while it writes, and has looked that
the name still stands for the file that it has open; whoever renames it holds an exclusive one. So nobody
writes into a file that was put aside, and it can be compressed and deleted.

Files are open for reading and for writing, whatever is done with them: NFS, which folders that machines share
often are, gives a shared lock only to those who may read, and an exclusive one to those who may write.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from zero_runtime.config import InvalidValue, LogConf
from zero_runtime.logs import older

_MEGABYTE = 1 << 20


def open_log(conf: LogConf, service: str) -> LogFile:
    """The file that ``Mode`` and ``Path`` say: ``<service>.log`` in the folder; in the mode ``volume`` below
    it in ``<service>/<host>``, for a folder that several machines share.

    Raises `config.InvalidValue` when it cannot be written.
    """
    folder = Path(conf.path)
    if conf.mode == "volume":
        folder = folder / service / socket.gethostname()
    log = LogFile(
        folder / f"{service}.log",
        daily=conf.rotation == "daily",
        most=conf.max_size * _MEGABYTE if conf.rotation == "size" else 0,
        keeping=older.Keeping(
            days=conf.keep_days,
            files=conf.max_backups if conf.rotation == "size" else 0,
            compress=conf.compress,
        ),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log.open()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidValue(f"Log.Path: {folder} cannot be written: {reason}") from None
    return log


class LogFile:
    """A sink of `Output`. Older files are named as go-zero does: ``user-api.log-2026-01-31`` by the day, else
    ``user-api-2026-01-31T12:00:00.000Z.log``."""

    at_once = 1 << 20
    dropped = "unwritable"

    def __init__(self, path: Path, *, daily: bool, most: int, keeping: older.Keeping) -> None:
        """``most`` is the size in bytes from which on it is followed by another, 0 for no such size."""
        self._path = path
        self._daily = daily
        self._most = most
        self._keeping = keeping
        self._fd = -1
        self._day = date.min
        """Of the lines in the file."""
        self._midnight = 0.0
        """When that day ends."""
        self._torn = False
        """Whether the disk became full in the middle of a line."""

    def ready(self, seconds: float) -> bool:
        return True

    def open(self) -> None:
        """Opens the file, unless it is open. Raises OSError."""
        if self._fd < 0:
            self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            found = os.fstat(self._fd)
            self._begin_day(found.st_mtime if found.st_size else time.time())

    def write(self, data: bytes) -> int:
        while True:
            self.open()
            with self._locked(fcntl.LOCK_SH):
                if not self._is_current():
                    self.close()
                    continue
                if not self._is_full(len(data)):
                    return self._written(data)
            if not self._follow():  # lines are worth more than the limit: it is tried again next time
                with self._locked(fcntl.LOCK_SH):
                    if self._is_current():
                        return self._written(data)

    def close(self) -> None:
        """Closes the file. A process that was forked does it too: with the file they would share the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _written(self, data: bytes) -> int:
        """Writes all of it, however little the disk takes at a time."""
        rest = memoryview(b"\n" + data if self._torn else data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
            self._torn = bool(rest)
        return len(data)

    def _is_current(self) -> bool:
        """Whether the name stands for the file that is open."""
        try:
            named = os.stat(self._path)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._fd))

    def _is_full(self, more: int) -> bool:
        if self._daily:
            return time.time() >= self._midnight
        size = os.fstat(self._fd).st_size
        return bool(self._most and size and size + more > self._most)

    def _follow(self) -> bool:
        """Puts the file aside, unless another process has just done so. False when others are writing it, or
        the folder does not allow it."""
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                if self._is_current():
                    if os.fstat(self._fd).st_size:
                        os.rename(self._path, self._name_when_older())
                    else:  # nothing was logged that day
                        self._begin_day(time.time())
                        return True
        except OSError:
            return False
        self.close()
        tidy = threading.Thread(
            target=older.tidy, args=(self._path, self._keeping), name="log-tidy", daemon=True
        )
        with contextlib.suppress(RuntimeError):  # no new threads while the interpreter ends: next time
            tidy.start()
        return True

    def _name_when_older(self) -> Path:
        if self._daily:
            name = self._path.with_name(f"{self._path.name}-{self._day.isoformat()}")
        else:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            name = self._path.with_name(f"{self._path.stem}-{now}{self._path.suffix}")
        return older.free(name)

    def _begin_day(self, now: float) -> None:
        self._day = datetime.fromtimestamp(now).date()
        end = self._day + timedelta(days=1)
        self._midnight = datetime(end.year, end.month, end.day).timestamp()

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        fd = self._fd
        fcntl.flock(fd, how)
        try:
            yield
        finally:
            if self._fd == fd:  # else it was closed, and the lock is gone with it
                fcntl.flock(fd, fcntl.LOCK_UN)
