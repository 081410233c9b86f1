"""What is measured: the same row found by its key, and the same rows stored, in each of the ways to do it."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncmy
import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.model.contract_model import SCHEMA, Account, AccountModel, NewAccount
from bench.model.rounds import Work
from zero_runtime import model

ROWS = 1000
"""Rows in the table while finding."""

POOL = 16

_COLUMNS = "id, name, mobile, gender, balance, active, create_time, update_time"
_BULK_COLUMNS = "name, mobile, gender, balance, active"


@dataclass(frozen=True)
class Place:
    """A database, in the words of those who connect to it."""

    kind: str
    zero: str
    """The data source."""
    sqlalchemy: sa.URL
    options: dict[str, Any]
    """Those of the raw driver."""


Store = Callable[[int], Awaitable[None]]
"""Stores so many rows."""


def key(number: int) -> int:
    """Which row is looked for; they are spread as requests would be."""
    return number * 7919 % ROWS + 1


def values(count: int, start: int) -> Iterable[tuple[str, str, int, decimal.Decimal, bool]]:
    """Rows, of which no two have the same mobile."""
    for number in range(start, start + count):
        yield f"name {number}", f"+{number:012}", number % 3, decimal.Decimal(number) / 100, number % 2 == 0


async def prepare(place: Place) -> None:
    """Makes the table with the rows that are found."""
    async with model.open_database(place.zero) as database:
        await database.create(SCHEMA)
        await AccountModel(database).insert_many(map(_new, values(ROWS, 0)))


def _new(row: tuple[str, str, int, decimal.Decimal, bool]) -> NewAccount:
    name, mobile, gender, balance, active = row
    return NewAccount(name=name, mobile=mobile, gender=gender, balance=balance, active=active)


# Zero


@asynccontextmanager
async def zero(place: Place) -> AsyncIterator[Work]:
    async with model.open_database(place.zero) as database:
        accounts = AccountModel(database)
        yield lambda number: accounts.find_one(key(number))


@asynccontextmanager
async def zero_storing(place: Place) -> AsyncIterator[Store]:
    async with model.open_database(place.zero) as database:
        accounts = AccountModel(database)
        start = 10**6

        async def store(count: int) -> None:
            nonlocal start
            await accounts.insert_many(map(_new, values(count, start)))
            start += count

        yield store


# The drivers. What they give is made the same row.


def _account(row: Any) -> Account:
    return Account(
        id=row[0],
        name=row[1],
        mobile=row[2],
        gender=row[3],
        balance=row[4],
        active=row[5] != 0,
        create_time=row[6],
        update_time=row[7],
    )


def _account_of_texts(row: Any) -> Account:
    return Account(
        id=row[0],
        name=row[1],
        mobile=row[2],
        gender=row[3],
        balance=decimal.Decimal(row[4]),
        active=row[5] != 0,
        create_time=dt.datetime.fromisoformat(row[6]).replace(tzinfo=dt.UTC),
        update_time=dt.datetime.fromisoformat(row[7]).replace(tzinfo=dt.UTC),
    )


@asynccontextmanager
async def raw(place: Place) -> AsyncIterator[Work]:
    match place.kind:
        case "SQLite":
            connection = sqlite3.connect(place.options["path"], check_same_thread=False)
            query = f"SELECT {_COLUMNS} FROM account WHERE id = ?"

            def find(number: int) -> Account:
                return _account_of_texts(connection.execute(query, (key(number),)).fetchone())

            with ThreadPoolExecutor(1) as thread:
                loop = asyncio.get_running_loop()
                yield lambda number: loop.run_in_executor(thread, find, number)
            connection.close()
        case "MariaDB":
            query = f"SELECT {_COLUMNS} FROM account WHERE id = %s"
            # Without autocommit the pool closes what comes back in a transaction, as all do that have read.
            async with asyncmy.create_pool(minsize=1, maxsize=POOL, autocommit=True, **place.options) as pool:

                async def find_in_mariadb(number: int) -> Account:
                    async with pool.acquire() as connection, connection.cursor() as cursor:
                        await cursor.execute(query, (key(number),))
                        return _account(await cursor.fetchone())

                yield find_in_mariadb
        case _:
            query = f"SELECT {_COLUMNS} FROM account WHERE id = $1"
            # The statements that reset a connection are half of what a find costs; this does without them.
            async with asyncpg.create_pool(min_size=1, max_size=POOL, reset=_leave, **place.options) as pool:

                async def find_in_postgresql(number: int) -> Account:
                    async with pool.acquire() as connection:
                        return _account(await connection.fetchrow(query, key(number)))

                yield find_in_postgresql


async def _leave(connection: object) -> None:
    """Leaves a connection as it is."""


@asynccontextmanager
async def raw_storing(place: Place) -> AsyncIterator[Store]:
    start = 2 * 10**6
    match place.kind:
        case "SQLite":
            connection = sqlite3.connect(place.options["path"], check_same_thread=False)
            query = f"INSERT INTO account ({_BULK_COLUMNS}) VALUES (?, ?, ?, ?, ?)"

            def work(count: int) -> None:
                rows = ((*row[:3], f"{row[3]:.2f}", row[4]) for row in values(count, start))
                with connection:
                    connection.executemany(query, rows)

            async def store(count: int) -> None:
                nonlocal start
                await asyncio.to_thread(work, count)
                start += count

            yield store
            connection.close()
        case "MariaDB":
            query = f"INSERT INTO account ({_BULK_COLUMNS}) VALUES (%s, %s, %s, %s, %s)"
            connected = await asyncmy.connect(**place.options)

            async def store_in_mariadb(count: int) -> None:
                nonlocal start
                async with connected.cursor() as cursor:
                    await cursor.executemany(query, list(values(count, start)))
                await connected.commit()
                start += count

            yield store_in_mariadb
            connected.close()
        case _:
            query = f"INSERT INTO account ({_BULK_COLUMNS}) VALUES ($1, $2, $3, $4, $5)"
            postgresql = await asyncpg.connect(**place.options)

            async def store_in_postgresql(count: int) -> None:
                nonlocal start
                await postgresql.executemany(query, values(count, start))
                start += count

            yield store_in_postgresql
            await postgresql.close()


# SQLAlchemy


class _Base(DeclarativeBase):
    pass


class _TextDecimal(sa.TypeDecorator[decimal.Decimal]):
    """Decimals as SQLite has them here: exact, hence texts."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: decimal.Decimal | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> decimal.Decimal | None:
        return None if value is None else decimal.Decimal(value)


class _Account(_Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64))
    mobile: Mapped[str] = mapped_column(sa.String(32))
    gender: Mapped[int] = mapped_column(sa.SmallInteger)
    balance: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(12, 2).with_variant(_TextDecimal(), "sqlite"))
    active: Mapped[bool]
    create_time: Mapped[dt.datetime] = mapped_column(sa.DateTime(True), server_default=sa.func.now())
    update_time: Mapped[dt.datetime] = mapped_column(sa.DateTime(True), server_default=sa.func.now())


_TABLE = _Base.metadata.tables["account"]


@asynccontextmanager
async def _engine(place: Place) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(place.sqlalchemy, pool_size=POOL)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def core(place: Place) -> AsyncIterator[Work]:
    async with _engine(place) as engine:

        async def find(number: int) -> Account:
            async with engine.connect() as connection:
                found = await connection.execute(sa.select(_TABLE).where(_TABLE.c.id == key(number)))
                return _account(found.one())

        yield find


@asynccontextmanager
async def orm(place: Place) -> AsyncIterator[Work]:
    async with _engine(place) as engine:
        sessions = async_sessionmaker(engine)

        async def find(number: int) -> object:
            async with sessions() as session:
                return await session.get_one(_Account, key(number))

        yield find


@asynccontextmanager
async def core_storing(place: Place) -> AsyncIterator[Store]:
    async with _engine(place) as engine:
        start = 3 * 10**6
        names = _BULK_COLUMNS.split(", ")

        async def store(count: int) -> None:
            nonlocal start
            rows = [dict(zip(names, row, strict=True)) for row in values(count, start)]
            async with engine.begin() as connection:
                await connection.execute(sa.insert(_TABLE), rows)
            start += count

        yield store


@asynccontextmanager
async def orm_storing(place: Place) -> AsyncIterator[Store]:
    async with _engine(place) as engine:
        sessions = async_sessionmaker(engine)
        start = 4 * 10**6
        names = _BULK_COLUMNS.split(", ")

        async def store(count: int) -> None:
            nonlocal start
            rows = (dict(zip(names, row, strict=True)) for row in values(count, start))
            async with sessions.begin() as session:
                session.add_all(_Account(**row) for row in rows)
            start += count

        yield store


FINDING: Mapping[str, Callable[[Place], AbstractAsyncContextManager[Work]]] = {
    "driver": raw,
    "Zero": zero,
    "SQLAlchemy Core": core,
    "SQLAlchemy ORM": orm,
}
STORING: Mapping[str, Callable[[Place], AbstractAsyncContextManager[Store]]] = {
    "driver, executemany": raw_storing,
    "Zero, insert_many": zero_storing,
    "SQLAlchemy Core": core_storing,
    "SQLAlchemy ORM": orm_storing,
}


def sqlite(folder: Path) -> Place:
    path = folder / "data.db"
    url = sa.URL.create("sqlite+aiosqlite", database=str(path))
    return Place("SQLite", f"sqlite:///{path}", url, {"path": str(path)})
