"""A process's own memory of what it has found in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class LocalLayer:
    """Keeps entries, as the store has them, for ``lasts`` seconds from the beginning of the read that found
    them."""

    def __init__(self, lasts: float, size: int, clock: Callable[[], float]) -> None:
        self._lasts = lasts
        self._size = size
        self._clock = clock
        self._entries: dict[bytes, tuple[float, bytes]] = {}
        """When each ends; those that were put first come first."""
        self._dropped = 0

    def get(self, key: bytes) -> bytes | None:
        """The entry, if it is there."""
        found = self._entries.get(key)
        return found[1] if found is not None and found[0] > self._clock() else None

    def begin(self) -> tuple[int, float]:
        """To be called when a read begins, for `put`."""
        return self._dropped, self._clock() + self._lasts

    def put(self, key: bytes, entry: bytes, began: tuple[int, float]) -> None:
        """Keeps what a read found, unless anything was dropped since it began."""
        dropped, ends = began
        if dropped == self._dropped:
            self._entries.pop(key, None)
            self._entries[key] = ends, entry
            if len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]

    def drop(self, keys: Iterable[bytes]) -> None:
        """Forgets keys whose rows this process changes."""
        self._dropped += 1
        for key in keys:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forgets everything."""
        self._dropped += 1
        self._entries.clear()
