"""Writers: the keys of what they change, marked before it is committed and released after."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Generic, TypeVar

from zero_runtime.model.cache.entries import Values
from zero_runtime.model.cache.keys import Keys
from zero_runtime.model.cache.local import LocalLayer
from zero_runtime.model.cache.protocol import Store
from zero_runtime.model.pool import Refused
from zero_runtime.model.session import REFUSALS
from zero_runtime.model.table import Index, Table

R = TypeVar("R")

NOTHING_WRITTEN = (*REFUSALS, Refused)
"""What a statement of its own raises that the database has refused, or was not even asked. After anything
else it may have been done, or be done a little later."""


class Marks:
    """The keys that one transaction changes; its participant (`zero_runtime.model.transactions`) where it
    has some."""

    def __init__(self, store: Store, local: LocalLayer | None, token: bytes) -> None:
        self._store = store
        self._local = local
        self._token = token
        self._keys: dict[bytes, None] = {}
        self._unknown = False
        self._begun = False

    def add(self, key: bytes) -> None:
        """One more key."""
        self._keys[key] = None

    def add_epoch(self, key: bytes) -> None:
        """The key of a table's epoch, for rows come whose keys are not known."""
        self._keys[key] = None
        self._unknown = True

    async def before_commit(self) -> None:
        """Marks the keys. A store that is away does not keep anybody from committing."""
        self._begun = True
        if self._keys:
            await self._store.mark(self._keys, self._token)

    async def ended(self, committed: bool | None) -> None:
        """Releases them. While it is not known what became of the transaction their marks stay."""
        if not self._keys or not (committed or self._begun):
            return
        if committed is None:
            await self._store.remark(self._keys, self._token)
        else:
            await self._store.release(self._keys, self._token)
        self._forget()  # not earlier: if the marks were lost, the old entries were found until now

    def _forget(self) -> None:
        if self._local is None:
            return
        if self._unknown:
            self._local.clear()
        else:
            self._local.drop(self._keys)


class Change(Generic[R]):
    """What a writer tells of the rows of a table that it changes."""

    def __init__(self, marks: Marks, table: Table[R], keys: Mapping[str, Keys], epoch: bytes) -> None:
        self._marks = marks
        self._table = table
        self._keys = keys
        self._epoch = epoch

    def row(self, row: R) -> None:
        """A row as it is after the change."""
        for index in (self._table.key, *self._table.unique):
            self.entry(index, index.values(row))

    def entry(self, index: Index[R], values: Values) -> None:
        """A row that has, or gets, these values in an index."""
        keys = self._keys[index.name]
        if None in values:
            return
        if not keys.is_reachable(values):
            self.unknown()
        if (key := keys.of(values)) is not None:
            self._marks.add(key)

    def unknown(self) -> None:
        """Rows come whose keys are not known."""
        self._marks.add_epoch(self._epoch)


async def finish(work: Coroutine[Any, Any, None]) -> None:
    """Waits for work that goes on when the waiting task is cancelled."""
    task = asyncio.create_task(work)
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)
    await asyncio.shield(task)


_unfinished: set[asyncio.Task[None]] = set()
