"""Chunks in a folder, for when there are too many for the memory, and from one start of a service to the
next.

Several processes may use the folder. A chunk belongs to whoever holds the lock of its file, so those of a
process that died are sent by another one.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import os
import time
from pathlib import Path

import msgspec

from zero_runtime.config import InvalidValue
from zero_runtime.logs.forward.messages import Chunk

_SUFFIX = ".chunk"
_DRAFT = ".part"
_ABANDONED = 60.0
"""Seconds after which a draft is that of a process that died."""

_log = logging.getLogger("zero.logs")


class Spill:
    """Files of one chunk each, the oldest first. Not safe for threads."""

    def __init__(self, folder: Path, limit: int) -> None:
        """``limit`` is for all files, in bytes. Raises `config.InvalidValue` when the folder cannot be
        written."""
        self._folder = folder
        self._limit = limit
        self._numbers = itertools.count()
        self._file: Path | None = None
        self._fd = -1
        """Of the chunk that was taken."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = folder / f"{os.getpid()}{_DRAFT}"
            probe.touch()
            probe.unlink()
            for draft in folder.glob(f"*{_DRAFT}"):
                if draft.stat().st_mtime < time.time() - _ABANDONED:
                    draft.unlink(missing_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidValue(f"Log.Fluentd.Spill: {folder} cannot be written: {reason}") from None

    def put(self, chunk: Chunk) -> bool:
        """Keeps a chunk; False when the folder is full or cannot be written.

        It outlives the process, but not necessarily the machine: nothing waits for the disk.
        """
        data = msgspec.msgpack.encode(chunk)
        name = f"{time.time_ns():020}-{os.getpid()}-{next(self._numbers)}"
        draft = self._folder / f"{name}{_DRAFT}"
        try:
            with os.scandir(self._folder) as entries:
                if sum(entry.stat().st_size for entry in entries) + len(data) > self._limit:
                    return False
            draft.touch(0o600)
            draft.write_bytes(data)
            draft.rename(self._folder / f"{name}{_SUFFIX}")
        except FileNotFoundError:  # another process has just sent one of them
            return self.put(chunk) if self._folder.is_dir() else False
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return False
        return True

    def take(self) -> Chunk | None:
        """The oldest chunk that no other process has taken, until it is `done` or `release`d."""
        try:
            files = sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        except OSError:
            return None
        for file in files:
            with contextlib.suppress(OSError):  # it was sent by another process meanwhile
                if chunk := self._claimed(file):
                    return chunk
        return None

    def done(self) -> None:
        """The chunk that was taken is needed no more."""
        assert self._file is not None
        with contextlib.suppress(OSError):
            self._file.unlink()
        self.release()

    def release(self) -> None:
        """Leaves the chunk that was taken, if any, to others."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._file = None

    def _claimed(self, file: Path) -> Chunk | None:
        self._fd = os.open(file, os.O_RDWR | os.O_CLOEXEC)  # or NFS gives no lock
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(self._fd)
            if not found.st_nlink:
                raise FileNotFoundError
            chunk = msgspec.msgpack.decode(os.read(self._fd, found.st_size), type=Chunk)
        except msgspec.DecodeError:
            # The machine stopped while it was written. It will not get better.
            self._file = file
            self.done()
            _log.warning("%s was deleted: it is no chunk of the log as a whole", file)
            return None
        except OSError:
            self.release()
            raise
        self._file = file
        return chunk
