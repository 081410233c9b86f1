"""The store of a single process: the same steps as in Redis, in a dictionary."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from zero_runtime.model.cache.protocol import LEASE, MARK, others, with_mark


class MemoryStore:
    """Keeps ``size`` keys; beyond, those go that were not used for longest."""

    away = False

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._held: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        """When it ends, and what the key holds."""

    async def get(self, key: bytes) -> bytes | None:
        """As in `Store`."""
        return self._get(key)

    async def lease(self, key: bytes, token: bytes, seen: bytes, lasts: float = LEASE) -> bytes:
        """As in `Store`."""
        held = self._get(key)
        if held is not None and held != seen:
            return held
        self._put(key, token, lasts)
        return token

    async def fill(self, key: bytes, token: bytes, entry: bytes, lasts: float) -> bool:
        """As in `Store`."""
        if self._get(key) != token:
            return False
        self._put(key, entry, lasts)
        return True

    async def mark(self, keys: Iterable[bytes], token: bytes) -> bool:
        """As in `Store`."""
        now = self._clock() * 1000
        for key in keys:
            self._put(key, with_mark(self._get(key), token, now), MARK)
        return True

    async def release(self, keys: Iterable[bytes], token: bytes) -> None:
        """As in `Store`."""
        now = self._clock() * 1000
        for key in keys:
            if left := others(self._get(key), token, now):
                self._held[key] = self._held[key][0], left
            else:
                self._held.pop(key, None)

    async def remark(self, keys: Iterable[bytes], token: bytes) -> None:
        """As in `Store`."""
        await self.mark(keys, token)

    async def close(self) -> None:
        """As in `Store`: nothing is owed."""

    def _get(self, key: bytes) -> bytes | None:
        found = self._held.get(key)
        if found is None:
            return None
        if found[0] <= self._clock():
            del self._held[key]
            return None
        self._held.move_to_end(key)
        return found[1]

    def _put(self, key: bytes, value: bytes, lasts: float) -> None:
        self._held[key] = self._clock() + lasts, value
        self._held.move_to_end(key)
        if len(self._held) > self._size:
            self._held.popitem(last=False)
