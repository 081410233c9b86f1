"""Counts of the last few seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import add

Clock = Callable[[], float]
"""Seconds since any point in time."""


class RollingWindow:
    """Counts of several kinds over ``seconds``, kept in ``buckets`` of equal length.

    A bucket belongs to a stretch of time that begins at a multiple of its length; the present one is still
    filling: who counts does so in `current`, after `advance`. Nothing moves by itself: `advance` empties
    those whose time is over.
    """

    __slots__ = ("_complete", "_ring", "_width", "at", "current", "until")

    def __init__(self, seconds: float, buckets: int, kinds: int) -> None:
        self._width = seconds / buckets
        self._ring = [[0] * kinds for _ in range(buckets)]
        self._complete = [0] * kinds
        """The counts of all buckets but the present one, by kind."""
        self.at = -1
        """The number of the present bucket; it grows with time."""
        self.current = self._ring[0]
        """The counts of the present bucket."""
        self.until = 0.0
        """When the present bucket is complete."""

    def advance(self, now: float) -> None:
        """Lets go of what is too old. ``now`` is never before what it was.

        Before `until` it has nothing to do: who is in a hurry does not even call it.
        """
        at = int(now / self._width)
        if at > self.at:
            size = len(self._ring)
            for kind, count in enumerate(self.current):
                self._complete[kind] += count
            for number in range(max(self.at + 1, at - size + 1), at + 1):
                bucket = self._ring[number % size]
                for kind, count in enumerate(bucket):
                    self._complete[kind] -= count
                    bucket[kind] = 0
            self.at = at
            self.current = self._ring[at % size]
            self.until = (at + 1) * self._width

    @property
    def sums(self) -> list[int]:
        """The counts of the whole window by kind."""
        return [*map(add, self._complete, self.current)]

    def history(self) -> Iterator[list[int]]:
        """The counts of each bucket, the oldest first and the present one last."""
        size = len(self._ring)
        return (self._ring[number % size] for number in range(self.at + 1, self.at + 1 + size))
