"""What all generated repositories do alike."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Generic, TypeVar

from zero_runtime.errors import Aborted, InvalidArgument
from zero_runtime.model import paging
from zero_runtime.model.columns import Bound, Filter, Order, Piece, Pieces, Writer
from zero_runtime.model.database import Database
from zero_runtime.model.paging import Page
from zero_runtime.model.session import Parameters
from zero_runtime.model.statement import Statement
from zero_runtime.model.table import Index, Table
from zero_runtime.model.values import Row
from zero_runtime.model.violations import DuplicateKey

R = TypeVar("R")
T = TypeVar("T")

_ATTEMPTS = 10
"""How often an upsert on MySQL is tried while others insert and delete the same row."""


MAX_VALUES = 30_000
"""Most values of a list's filters together: SQLite takes 32,766, PostgreSQL's driver 32,767."""


class VersionConflict(Aborted):
    """Somebody else has changed the row since it was read: read it again and decide again."""

    def __init__(self, table: str) -> None:
        super().__init__(f"this row of {table} was changed by somebody else in the meantime")


class Repository(Generic[R]):
    """The rows of a table. Generated code adds what depends on its columns; a subclass may add statements."""

    def __init__(self, database: Database, table: Table[R]) -> None:
        self._database = database
        self._table = table
        self._cached = None
        if table.cached and database.cache is not None:
            self._cached = database.cache.rows(database, table)

    async def list(
        self,
        *filters: Filter[R],
        order_by: Order[R] | Iterable[Order[R]] = (),
        after: str | None = None,
        limit: int = 100,
        include_deleted: bool = False,
    ) -> Page[R]:
        """The rows that all filters find, in an order that the primary key completes: ``limit`` of them.

        ``after`` is the ``next`` of the page before. Raises InvalidArgument when it is none, or of another
        order, and for a limit that is not from 1 to 10,000.
        """
        orders = paging.complete(order_by, self._table)
        if after is not None:
            filters = *filters, paging.behind(orders, paging.values_at(after, orders, self._table))
        limit = paging.limited(limit)
        tail: Pieces = (*paging.ordered(orders), " LIMIT ", Bound(limit + 1))
        statement, values = self._select("list", self._table.select, filters, include_deleted, tail)
        rows = await self._find_many(statement, values)
        if len(rows) <= limit:
            return Page(rows, None)
        del rows[limit:]
        return Page(rows, paging.position(orders, rows[-1], self._table))

    async def count(self, *filters: Filter[R], include_deleted: bool = False) -> int:
        """How many rows all filters find."""
        statement, values = self._select("count", self._table.count, filters, include_deleted)
        row = await self._database.fetch_one(statement, values)
        return int(row[0]) if row else 0

    def stream(
        self,
        *filters: Filter[R],
        order_by: Order[R] | Iterable[Order[R]] = (),
        include_deleted: bool = False,
    ) -> AbstractAsyncContextManager[AsyncIterator[R]]:
        """The rows that all filters find, one after the other, however many: ``async with users.stream() as
        rows: async for row in rows``. Without an order they come as the database has them.

        Inside of a transaction the block may not ask the database for anything else.
        """
        orders = (order_by,) if isinstance(order_by, Order) else tuple(order_by)
        tail = paging.ordered(orders)
        statement, values = self._select("stream", self._table.select, filters, include_deleted, tail)
        return self._fetch_stream(statement, values, self._table.decode)

    async def _find(self, index: Index[R], values: Parameters, for_update: bool = False) -> R | None:
        """The row that an index finds by these values."""
        if for_update:
            if not self._database.in_transaction:
                raise RuntimeError(
                    "for_update locks a row until the transaction ends, and there is none: "
                    "ask inside of `async with database.transaction():`"
                )
            return await self._fetch_one(index.find_for_update, values, self._table.decode)
        if self._cached is not None and not self._database.in_transaction:
            return await self._cached.find(index, values)
        return await self._fetch_one(index.find, values, self._table.decode)

    async def _find_many(self, statement: Statement, values: Parameters) -> builtins.list[R]:
        """The rows that the statement finds."""
        return await self._fetch_all(statement, values, self._table.decode)

    async def _insert(self, statement: Statement, values: Parameters, key: Parameters | None = None) -> R:
        """Stores a row and gives it as the database has it; ``key`` is None where the database makes it."""
        return await self._announced(lambda: self._stored(statement, values, self._table.key, key))

    async def _insert_many(self, statement: Statement, rows: Iterable[Parameters]) -> int:
        """Stores all of the rows, or none, and tells how many."""
        if self._cached is None:
            return await self._database.execute_many(statement, rows)
        async with self._database.transaction(), self._cached.changing() as change:
            change.unknown()
            return await self._database.execute_many(statement, rows)

    async def _upsert(
        self,
        statement: Statement,
        values: Parameters,
        index: Index[R],
        entry: Parameters,
        update: Statement,
        changes: Parameters,
    ) -> R:
        """Stores a row, over the one that ``index`` finds by ``entry`` if there is one; a collision with
        another index is a DuplicateKey.

        Where ``update`` has a text, ``statement`` only inserts, and the two take turns until one succeeds:
        MySQL's ``ON DUPLICATE KEY`` cannot be confined to one index.
        """
        if not getattr(update, self._database.dialect):
            return await self._announced(lambda: self._stored(statement, values, index, entry))

        async def take_turns() -> R:
            for _ in range(_ATTEMPTS):
                if await self._database.execute(update, changes):
                    row = await self._database.fetch_one(index.find, entry, primary=True)
                    if row is not None:
                        return self._table.decode(row)
                try:
                    return await self._stored(statement, values, index, entry)
                except DuplicateKey as duplicate:
                    if duplicate.index != index.name:
                        raise
            raise Aborted("others keep inserting and deleting the row")

        if self._database.in_transaction:
            return await self._announced(take_turns)
        # In a transaction, for the row that is read back has to be the one that was stored. At this level of
        # isolation no gaps are locked, and whoever still loses to another tries again.
        attempt = 1
        while True:
            try:
                async with self._database.transaction(isolation="read committed"):
                    return await self._announced(take_turns)
            except Aborted:
                if attempt == _ATTEMPTS:
                    raise
                attempt += 1

    async def _update(self, statement: Statement, values: Parameters, row: R) -> bool:
        """Stores all of a row; False if there is none. Raises VersionConflict."""
        key = self._table.key.values(row)
        async with self._changing(key, rows=(row,)):
            found = await self._database.execute(statement, values) > 0
        if (version := self._table.version) is not None:
            if not found:
                await self._expect_missing(key)
            else:
                setattr(row, version.attribute, getattr(row, version.attribute) + 1)
        return found

    async def _update_columns(
        self,
        statement: Statement,
        values: Parameters,
        key: Parameters,
        *,
        reindexed: bool = False,
        versioned: bool = False,
    ) -> bool:
        """Stores some columns of a row; False if there is none.

        ``reindexed``: a unique index has one of them. ``versioned``: only a certain version of the row is
        found; raises VersionConflict when there is another.
        """
        found = await self._set(statement, values, key, reindexed)
        if versioned and not found:
            await self._expect_missing(key)
        return found

    async def _delete(self, statement: Statement, key: Parameters) -> bool:
        """Deletes a row; False if there is none."""
        return await self._set(statement, key, key, reindexed=False)

    async def _restore(self, statement: Statement, key: Parameters) -> bool:
        """Takes back that a row was deleted; False if there is none that was."""
        return await self._set(statement, key, key, reindexed=True)

    async def _fetch_one(
        self, statement: Statement, values: Parameters, decode: Callable[[Row], T]
    ) -> T | None:
        """What ``decode`` makes of the first row of the answer, if any."""
        row = await self._database.fetch_one(statement, values)
        return None if row is None else decode(row)

    async def _fetch_all(
        self, statement: Statement, values: Parameters, decode: Callable[[Row], T]
    ) -> builtins.list[T]:
        """The same of all rows."""
        return [decode(row) for row in await self._database.fetch_all(statement, values)]

    @asynccontextmanager
    async def _fetch_stream(
        self, statement: Statement, values: Parameters, decode: Callable[[Row], T]
    ) -> AsyncIterator[AsyncIterator[T]]:
        """The same, one after the other."""
        async with self._database.stream(statement, values) as rows:
            yield (decode(row) async for row in rows)

    async def _execute(self, statement: Statement, values: Parameters, key: Parameters | None = None) -> int:
        """How many rows a statement found that changes some; ``key`` is that of the one row, where rows are
        cached."""
        async with self._changing(*(() if key is None else (key,))):
            return await self._database.execute(statement, values)

    def _select(
        self,
        method: str,
        start: Statement,
        filters: tuple[Filter[R], ...],
        include_deleted: bool,
        tail: Pieces = (),
    ) -> tuple[Statement, Parameters]:
        """A query that begins so and asks for what all filters find."""
        dialect, present = self._database.dialect, self._table.present
        conditions = [filter.pieces for filter in filters]
        if present is not None and not include_deleted:
            conditions.append((getattr(present, dialect),))
        pieces: builtins.list[str | Piece] = [getattr(start, dialect)]
        for number, condition in enumerate(conditions):
            pieces += (" AND " if number else " WHERE ", *condition)
        writer = Writer(dialect)
        text = writer.text((*pieces, *tail))
        if len(writer.values) > MAX_VALUES:
            raise InvalidArgument(f"the filters have {len(writer.values)} values; {MAX_VALUES} is the most")
        # Of the three texts only that of this database is looked at.
        return Statement(f"{self._table.name}.{method}", text, text, text), tuple(writer.values)

    async def _stored(
        self, statement: Statement, values: Parameters, index: Index[R], entry: Parameters | None
    ) -> R:
        return self._table.decode(await self._database.insert(statement, values, index.find, entry))

    async def _set(self, statement: Statement, values: Parameters, key: Parameters, reindexed: bool) -> bool:
        """Changes a row of which only the key is known."""
        if self._cached is None or not reindexed:
            async with self._changing(key):
                return await self._database.execute(statement, values) > 0
        # By which values it is found from now on, the row tells.
        async with self._database.transaction(), self._cached.changing(key) as change:
            found = await self._database.execute(statement, values) > 0
            if (row := await self._fetch_one(self._table.key.find, key, self._table.decode)) is not None:
                change.row(row)
            return found

    async def _expect_missing(self, key: Parameters) -> None:
        if await self._database.fetch_one(self._table.key.find, key, primary=True) is not None:
            raise VersionConflict(self._table.name)

    async def _announced(self, store: Callable[[], Awaitable[R]]) -> R:
        """Stores a row whose key, or that of the row it replaces, only the database knows: the cache has to
        know it before that takes effect."""
        if self._cached is None:
            return await store()
        async with self._database.transaction(), self._cached.changing() as change:
            row = await store()
            change.row(row)
            return row

    def _changing(self, *keys: Parameters, rows: tuple[R, ...] = ()) -> AbstractAsyncContextManager[object]:
        """Around a statement that changes the rows with these keys; ``rows`` are rows as they will be."""
        return _UNCACHED if self._cached is None else self._cached.changing(*keys, rows=rows)


_UNCACHED = nullcontext()
