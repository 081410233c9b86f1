"""What waits to be sent: in memory, and in a folder when that does not suffice."""

from __future__ import annotations

from collections import deque

from zero_runtime.logs.forward.messages import Chunk
from zero_runtime.logs.forward.spill import Spill

_CHUNK = 256 << 10
"""Bytes from which on a chunk takes no further entries: what is sent again when a connection breaks."""


class Buffer:
    """A queue of chunks. Not safe for threads: `Forwarder` has the lock."""

    def __init__(self, tag: str, limit: int, spill: Spill | None) -> None:
        """``limit`` is for the memory, in bytes."""
        self._tag = tag
        self._limit = limit
        self._spill = spill
        self._waiting: deque[Chunk] = deque()
        self._taken: Chunk | None = None
        self._is_spilled = False
        """Whether the one that is taken is in the folder too."""
        self._size = 0

    def add(self, entry: bytes) -> bool:
        """Takes an entry at the end; False when there is no room for it."""
        while self._size + len(entry) > self._limit:
            if not self._put_aside():
                return False
        if not self._waiting or len(self._waiting[-1].entries) >= _CHUNK:
            self._waiting.append(Chunk(self._tag))
        self._waiting[-1].add(entry)
        self._size += len(entry)
        return True

    def take(self) -> Chunk | None:
        """The chunk to send now, until it is `done`; what went to the folder is older, and goes first."""
        if self._taken is None:
            if self._spill is not None and (found := self._spill.take()):
                self._taken, self._is_spilled = found, True
            elif self._waiting:
                self._taken, self._is_spilled = self._waiting.popleft(), False
        return self._taken

    def done(self) -> None:
        """The chunk that was taken has arrived."""
        assert self._taken is not None
        if self._is_spilled:
            assert self._spill is not None
            self._spill.done()
        else:
            self._size -= len(self._taken.entries)
        self._taken = None

    def is_empty(self) -> bool:
        """Whether nothing waits in memory."""
        return not self._waiting and (self._taken is None or self._is_spilled)

    def save(self) -> int:
        """Puts all that waits into the folder, as far as it can; forgets the rest, and returns how many lines
        that were."""
        if self._taken is not None and not self._is_spilled:
            self._waiting.appendleft(self._taken)
        lost = 0
        for chunk in self._waiting:
            if self._spill is None or not self._spill.put(chunk):
                lost += chunk.lines
        self.forget()
        return lost

    def forget(self) -> None:
        """Forgets what is in memory, and leaves what is in the folder to others."""
        if self._spill is not None:
            self._spill.release()
        self._waiting.clear()
        self._taken, self._is_spilled, self._size = None, False, 0

    def _put_aside(self) -> bool:
        """Moves the oldest chunk of those that wait into the folder."""
        if not self._waiting or self._spill is None or not self._spill.put(self._waiting[0]):
            return False
        self._size -= len(self._waiting.popleft().entries)
        return True
