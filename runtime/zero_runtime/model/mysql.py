"""MySQL and MariaDB: asyncmy's pool."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

from asyncmy import errors as mysql
from asyncmy.connection import Connection
from asyncmy.constants import CLIENT, FIELD_TYPE
from asyncmy.converters import conversions
from asyncmy.cursors import Cursor
from asyncmy.pool import Pool

from zero_runtime.errors import Aborted, FailedPrecondition, Unavailable, ZeroError
from zero_runtime.model.database import Database, Parameters, Session
from zero_runtime.model.source import MysqlSource
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Row
from zero_runtime.model.violations import duplicate_index, last_name, unacceptable

_log = logging.getLogger("zero.model")

_POOL_SIZE = 64
"""Most connections of one process: go-zero's number."""

_POOL_WAIT = 5.0
"""Seconds that a statement waits for a connection, besides the time that making one takes."""

_IDLE = 60
"""Seconds after which an unused connection is replaced: go-zero's number."""

_SESSION = (
    "SET time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
)

# Dates, times and decimal numbers stay the texts that the server sends.
_AS_TEXT = {
    FIELD_TYPE.DATE,
    FIELD_TYPE.DATETIME,
    FIELD_TYPE.TIMESTAMP,
    FIELD_TYPE.TIME,
    FIELD_TYPE.DECIMAL,
    FIELD_TYPE.NEWDECIMAL,
}
_CONVERSIONS = {kind: convert for kind, convert in conversions.items() if kind not in _AS_TEXT}

_BAD_VALUES = frozenset({1048, 1264, 1265, 1292, 1364, 1366, 1406, 3140, 3819, 4025})
"""Null, out of range, truncated, malformed, missing, too long, not JSON, CHECK violated (MySQL, MariaDB)."""

_FOREIGN_KEYS = frozenset({1216, 1217, 1451, 1452})
_LOCK_TIMEOUT, _DEADLOCK, _DUPLICATE = 1205, 1213, 1062
_CONFLICTS = frozenset({_LOCK_TIMEOUT, _DEADLOCK, 1020})

_SERVER_AWAY = frozenset(
    {0, 1040, 1053, 1077, 1079, 1129, 1130, 1152, 1158, 1159, 1160, 1161, 1203, 1927, 2003, 2006, 2013}
)
"""No or no more connection: too many, shut down, host refused, aborted, killed, gone away, lost."""


class _ConnectionLost(Unavailable):
    """The connection broke; another one may work."""


@asynccontextmanager
async def open_mysql(source: MysqlSource) -> AsyncIterator[Database]:
    """Connects to the server, and closes all connections after the block. Raises Unavailable."""
    if source.time_zone != "UTC":
        _log.warning("%s: loc=%s has no effect: times are stored and read in UTC", source, source.time_zone)
    pool = Pool(1, _POOL_SIZE, pool_recycle=_IDLE, **_options(source))
    database = _MysqlDatabase(pool, source)
    try:
        pool.release(await database.acquire())
        yield database
    finally:
        pool.terminate()
        await pool.wait_closed()


def _options(source: MysqlSource) -> dict[str, Any]:
    place = {"host": source.host, "port": source.port} if source.port else {"unix_socket": source.host}
    return place | {
        "user": source.user,
        "password": source.password.encode(),
        "database": source.database,
        "ssl": _tls(source),
        "connect_timeout": source.connect_timeout,
        "read_timeout": source.read_timeout,
        "charset": "utf8mb4",
        "autocommit": True,
        "client_flag": CLIENT.FOUND_ROWS,
        "init_command": _SESSION,
        "conv": _CONVERSIONS,
    }


def _tls(source: MysqlSource) -> ssl.SSLContext | None:
    if source.tls == "false":
        return None
    context = ssl.create_default_context()
    if source.tls == "skip-verify":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _MysqlDatabase(Database):
    dialect = "mysql"
    _begin = "START TRANSACTION"

    def __init__(self, pool: Pool, source: MysqlSource) -> None:
        super().__init__()
        self.pool = pool
        self.source = source

    async def fetch_all(self, statement: Statement, parameters: Parameters = ()) -> list[Row]:
        try:
            return await super().fetch_all(statement, parameters)
        except _ConnectionLost:
            # A read that stands for itself may be repeated on another connection: the first was perhaps an
            # old one that a restart of the server left behind.
            if self._current.get() is not None or not statement.mysql.lstrip().upper().startswith("SELECT"):
                raise
        return await super().fetch_all(statement, parameters)

    def _lease(self) -> _Lease:
        return _Lease(self)

    async def acquire(self) -> Connection:
        """A connection of the pool. Raises Unavailable."""
        try:
            async with asyncio.timeout(_POOL_WAIT + self.source.connect_timeout):
                return await self.pool.acquire()
        except TimeoutError:
            raise Unavailable(f"{self.source}: no connection was to be had in time") from None
        except (mysql.Error, OSError) as error:
            raise Unavailable(f"cannot connect to {self.source}: {_reason(error)}") from error


class _Lease(AbstractAsyncContextManager[Session]):
    """A connection of the pool for one task. A class, since it is half as expensive as a generator here."""

    def __init__(self, database: _MysqlDatabase) -> None:
        self._database = database

    async def __aenter__(self) -> Session:
        self._connection = await self._database.acquire()
        return _MysqlSession(self._connection, self._database.source)

    async def __aexit__(self, *_: object) -> None:
        self._database.pool.release(self._connection)


class _MysqlSession(Session):
    def __init__(self, connection: Connection, source: MysqlSource) -> None:
        self._connection = connection
        self._query: Callable[[str], Awaitable[object]] = connection.query
        self._source = source
        self._deadlocked = False

    @property
    def in_transaction(self) -> bool:
        # After a deadlock the server has rolled back; the status of the last answer does not say so.
        connection = self._connection
        return connection.connected and connection.get_transaction_status() and not self._deadlocked

    async def fetch(self, statement: Statement, parameters: Parameters) -> list[Row]:
        return list(await (await self._run(statement, parameters)).fetchall())

    async def execute(self, statement: Statement, parameters: Parameters) -> int:
        return cast(int, (await self._run(statement, parameters)).rowcount)

    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None
    ) -> Row | None:
        inserted = await self._run(statement, parameters)
        rows = await self.fetch(stored, (inserted.lastrowid,) if key is None else key)
        return rows[0] if rows else None

    async def control(self, command: str) -> None:
        try:
            await self._query(command)
        except mysql.Error as error:
            raise self._known(error, _NO_STATEMENT) or error from error

    async def undo(self, command: str) -> None:
        if not self.in_transaction:
            return
        try:
            await self._query(command)
        except mysql.Error:
            self._connection.close()  # and the server rolls back

    async def _run(self, statement: Statement, parameters: Parameters) -> Cursor:
        cursor = self._connection.cursor()
        try:
            await cursor.execute(statement.mysql, parameters)
        except mysql.Error as error:
            if (known := self._known(error, statement)) is not None:
                raise known from error
            raise
        return cursor

    def _known(self, error: mysql.Error, statement: Statement) -> ZeroError | None:
        number, text = _number(error), str(error.args[-1])
        if number == _DUPLICATE:
            # Duplicate entry '186' for key 'user.uniq_mobile'
            return duplicate_index(statement, text.rpartition("for key ")[2].strip("'"))
        if number in _BAD_VALUES:
            # ... for column 'gender' at row 1; Column 'name' cannot be null; CONSTRAINT `user.data` failed
            return unacceptable(last_name(text, "(?:[Cc]olumn|Field|CONSTRAINT|[Cc]heck constraint)"))
        if number in _FOREIGN_KEYS:
            return FailedPrecondition("a row is referred to that does not exist, or is still referred to")
        if number in _CONFLICTS:
            self._deadlocked = number != _LOCK_TIMEOUT
            return Aborted("a concurrent transaction won")
        if number in _SERVER_AWAY:
            self._connection.close()
            return _ConnectionLost(f"{self._source}: {_reason(error)}")
        return None


_NO_STATEMENT = Statement("", "")


def _number(error: mysql.Error) -> int:
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else -1


def _reason(error: Exception) -> str:
    """What the server or the system says, without the driver's packing."""
    cause = error.__cause__ or error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError) and cause.errno:
        return (os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or "").lower()
    return str(cause.args[-1] if cause.args else cause)
