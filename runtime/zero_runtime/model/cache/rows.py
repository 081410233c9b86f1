"""The rows of one table as the cache answers for them."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from zero_runtime.errors import Unavailable
from zero_runtime.model.cache.changes import NOTHING_WRITTEN, Change, finish
from zero_runtime.model.cache.entries import Entry, Format, Mapping, Placeholder, Values
from zero_runtime.model.cache.keys import Keys
from zero_runtime.model.cache.metrics import Reads
from zero_runtime.model.cache.protocol import Away, is_lease, is_mark, lease_of
from zero_runtime.model.table import Index, Table
from zero_runtime.model.values import Row

if TYPE_CHECKING:
    from zero_runtime.model.cache.opening import Cache
    from zero_runtime.model.database import Database

R = TypeVar("R")


class CachedRows(Generic[R]):
    """Finds rows of a table, and is told of every change of them."""

    def __init__(self, cache: Cache, database: Database, table: Table[R]) -> None:
        self._cache = cache
        self._store = cache.store
        self._local = cache.local
        self._database = database
        self._table = table
        self._format = Format(table.layout)
        self._reads = Reads(table.name)
        # The row of a key that cannot be folded might be changed by a writer who spells it otherwise: it is
        # not kept; a mapping of a unique index may be.
        self._key_keys = Keys(cache.prefix, table.name, table.key.name, table.key.folded, exact=False)
        self._keys = {table.key.name: self._key_keys} | {
            index.name: Keys(cache.prefix, table.name, index.name, index.folded, exact=True)
            for index in table.unique
        }
        epoch = Keys(cache.prefix, table.name, "", exact=True).of(())
        assert epoch is not None
        self._epoch_key = epoch
        self._epoch: bytes | None = None
        """What the key of the epoch was last seen to hold, if that was a lease. One that is outdated makes
        placeholders that do not count."""

    async def find(self, index: Index[R], values: Values) -> R | None:
        """The row that has these values in the index. Not to be asked inside of a transaction.

        Raises Unavailable when neither the store nor the database can be asked, or too many want to ask the
        database while the store is away; and what the database raises.
        """
        row = await self._find(index, values)
        return None if row is None else self._table.decode(row)

    @asynccontextmanager
    async def changing(self, *keys: Values, rows: Iterable[R] = ()) -> AsyncIterator[Change[R]]:
        """Around a statement that changes or deletes the rows of these primary keys.

        Rows as they are afterwards are told here if they are known, or in the block: those that are
        inserted, and those that get other values in a unique index. Inside of a transaction this may follow
        the statement, and all is done when the transaction is committed.
        """
        if not self._database.in_transaction and not all(map(self._key_keys.is_reachable, keys)):
            # The row that is looked up has to be the one that the statement changes.
            async with self._database.transaction(), self.changing(*keys, rows=rows) as change:
                yield change
            return
        enlisted = self._database.enlist(self._cache.marks)
        marks = enlisted or self._cache.marks()
        change = Change(marks, self._table, self._keys, self._epoch_key)
        for values in keys:
            await self._changes(change, values)
        for row in rows:
            change.row(row)
        if enlisted is not None:
            yield change
            return
        await marks.before_commit()
        try:
            yield change
        except NOTHING_WRITTEN:
            await finish(marks.ended(False))
            raise
        except BaseException:
            change.unknown()  # what it would have been told of in the block
            await finish(marks.ended(None))
            raise
        await finish(marks.ended(True))

    async def _changes(self, change: Change[R], values: Values) -> None:
        index = self._table.key
        change.entry(index, values)
        if not self._key_keys.is_reachable(values):
            # The row itself may be spelled in a way that can be folded, and be cached. If there is none the
            # place where it would be is locked.
            row = await self._database.fetch_one(index.find_for_update, values)
            if row is not None:
                change.entry(index, index.values(self._table.decode(row)))

    async def _find(self, index: Index[R], values: Values) -> Row | None:
        key = self._keys[index.name].of(values)
        if key is None:
            self._reads.miss.add()
            return await self._ask(index, values)
        if self._local is None:
            began = None
        else:
            began = self._local.begin()
            if (entry := self._local_entry(key)) is not None:
                known, row = await self._follow(index, values, entry, local=True)
                if known:
                    self._reads.local.add()
                    return row
        # What others share is a row of this layout.
        shared = self._table.layout, key, values
        try:
            held = await self._store.get(key)
            if held is not None and (entry := self._format.read(held)) is not None:
                known, row = await self._follow(index, values, entry)
                if known:
                    if not isinstance(entry, Mapping):  # the read of the row is counted
                        (self._reads.hit if row is not None else self._reads.placeholder).add()
                    if self._local is not None and began is not None:
                        self._local.put(key, held, began)
                    return row
            row = await self._cache.loads.do(shared, lambda: self._load(index, values, key))
            self._reads.miss.add()
            return row
        except Away:
            self._reads.away.add()
            return await self._cache.loads.do((None, shared), lambda: self._ask_limited(index, values))

    async def _follow(
        self, index: Index[R], values: Values, entry: Entry, *, local: bool = False
    ) -> tuple[bool, Row | None]:
        """Whether an entry at the key of these values answers for them, and its answer. Raises Away."""
        if isinstance(entry, Mapping):
            if index is self._table.key or entry.asked != values:
                return False, None
            if local:
                row = self._local_row(entry.key)
            else:
                row = await self._find(self._table.key, entry.key)
            return row is not None and index.values(self._table.decode(row)) == entry.found, row
        if isinstance(entry, Placeholder):
            return entry.asked == values and (local or await self._counts(entry.epoch)), None
        if index is not self._table.key:
            return False, None
        return not index.folded or index.values(self._table.decode(entry)) == values, entry

    def _local_row(self, values: Values) -> Row | None:
        key = self._key_keys.of(values)
        entry = None if key is None else self._local_entry(key)
        return entry if isinstance(entry, tuple) else None

    def _local_entry(self, key: bytes) -> Entry | None:
        held = None if self._local is None else self._local.get(key)
        return None if held is None else self._format.read(held)

    async def _counts(self, epoch: bytes) -> bool:
        """Whether a placeholder of this epoch counts; if not, the present epoch is known from now on."""
        held = await self._store.get(self._epoch_key)
        if held == epoch:
            return True
        self._epoch = held if held is not None and is_lease(held) else None
        return False

    async def _load(self, index: Index[R], values: Values, key: bytes) -> Row | None:
        """What the cache has by now, or the database. Raises Away."""
        held = await self._lease(key, b"")
        if (entry := self._format.read(held)) is not None:
            known, row = await self._follow(index, values, entry)
            if known:
                return row
            held = await self._lease(key, held)
        elif not is_lease(held) and not is_mark(held):
            held = await self._lease(key, held)  # an entry of another layout
        if not is_lease(held):
            return await self._ask(index, values)
        if self._epoch is None:
            await self._learn_epoch()
        epoch = self._epoch
        row = await self._ask(index, values)
        if (stored := self._entry(index, values, key, row, epoch)) is not None:
            lasts = self._cache.not_found_expiry if row is None else self._cache.expiry
            await self._store.fill(key, held, self._format.write(stored), self._spread(lasts))
        return row

    async def _lease(self, key: bytes, seen: bytes) -> bytes:
        return await self._store.lease(key, lease_of(self._cache.token()), seen)

    def _entry(
        self, index: Index[R], values: Values, key: bytes, row: Row | None, epoch: bytes | None
    ) -> Entry | None:
        """What is kept of an answer of the database, if anything."""
        if row is None:
            if epoch is None or index.computed or not self._keys[index.name].is_reachable(values):
                return None
            return Placeholder(values, epoch)
        decoded = self._table.decode(row)
        if index is not self._table.key:
            return Mapping(values, index.values(decoded), self._table.key.values(decoded))
        # Its writers find it by the key that it has: not this one if it was asked for in another way.
        return row if self._key_keys.of(index.values(decoded)) == key else None

    async def _learn_epoch(self) -> None:
        token = lease_of(self._cache.token())
        held = await self._store.lease(self._epoch_key, token, b"", self._cache.expiry)
        self._epoch = held if is_lease(held) else None

    def _spread(self, lasts: float) -> float:
        """Differs at random, so that what is stored at once does not expire at once; in whole seconds."""
        jitter = self._cache.jitter
        return math.ceil(lasts * random.uniform(1 - jitter, 1 + jitter))

    async def _ask(self, index: Index[R], values: Values) -> Row | None:
        row = await self._database.fetch_one(index.find, values, primary=True)
        return None if row is None else tuple(row)

    async def _ask_limited(self, index: Index[R], values: Values) -> Row | None:
        turns = self._cache.turns
        try:
            async with asyncio.timeout(self._cache.load_wait):
                await turns.acquire()
        except TimeoutError:
            raise Unavailable("the cache is away, and too many want to read from the database") from None
        try:
            return await self._ask(index, values)
        finally:
            turns.release()
