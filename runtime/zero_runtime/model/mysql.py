"""MySQL and MariaDB: asyncmy's connections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from enum import Enum
from typing import Any, TypeVar

from asyncmy import errors as mysql
from asyncmy.connection import Connection
from asyncmy.constants import CLIENT, FIELD_TYPE, SERVER_STATUS
from asyncmy.converters import conversions
from asyncmy.cursors import SSCursor

from zero_runtime.config import DatabaseConf
from zero_runtime.deadline import cancelled_from_outside
from zero_runtime.errors import Aborted, DeadlineExceeded, InvalidArgument, Unavailable, ZeroError
from zero_runtime.model.insertion import batches, insertion
from zero_runtime.model.reasons import system_reason
from zero_runtime.model.session import (
    CONTROL,
    END_TIMEOUT,
    UNDO_TIMEOUT,
    ConnectionLost,
    Driver,
    Isolation,
    Parameters,
    Session,
)
from zero_runtime.model.source import MysqlSource
from zero_runtime.model.statement import Statement
from zero_runtime.model.values import Row, Value
from zero_runtime.model.violations import broken_reference, duplicate_index, last_name, unacceptable

T = TypeVar("T")

_log = logging.getLogger("zero.model")

_LOCK = "SHA1(CONCAT('zero.create.', DATABASE()))"
"""What the lock is called that those hold who make tables; it is known all over the server."""

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


def _float(value: float, mapping: object = None) -> str:
    if not math.isfinite(value):
        raise InvalidArgument(f"MySQL has no number {value}")
    return repr(value)


_CONVERSIONS[float] = _float

_PLAIN = frozenset({int, float, str, bytes, bool, type(None)})

_BAD_VALUES = frozenset({1048, 1264, 1265, 1292, 1300, 1364, 1366, 1406, 3140, 3819, 4025})
"""Null, out of range, truncated, malformed, no text, missing, too long, not JSON, CHECK violated (MySQL,
MariaDB)."""

_FOREIGN_KEYS = frozenset({1216, 1217, 1451, 1452})
_LOCK_TIMEOUT, _DEADLOCK, _DUPLICATE = 1205, 1213, 1062
_CONFLICTS = frozenset({_LOCK_TIMEOUT, _DEADLOCK, 1020, 3101})
"""The last two: the row has changed since it was read (MariaDB), others of a replication group were first."""
_KILLED = 1317
_TIMEOUTS = frozenset({1969, 3024})
"""The statement took too long (MariaDB, MySQL)."""

_SERVER_AWAY = frozenset(
    {0, 1040, 1053, 1077, 1079, 1129, 1130, 1152, 1158, 1159, 1160, 1161, 1203, 1927, 2003, 2006, 2013}
)
"""No or no more connection: too many, shut down, host refused, aborted, killed, gone away, lost."""

_READ_ONLY = frozenset({1290, 1792, 1836})
"""The server only reads; another one may have become the primary."""

_QUIT = b"\1\0\0\0\1"
"""COM_QUIT, as a packet."""


class MysqlDriver(Driver):
    """Connects to a server."""

    dialect = "mysql"
    tables = Statement(
        "tables", mysql="SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    creates = (f"SELECT GET_LOCK({_LOCK}, 3600)", f"SELECT RELEASE_LOCK({_LOCK})")

    def __init__(self, source: MysqlSource, conf: DatabaseConf) -> None:
        if source.time_zone != "UTC":
            _log.warning(
                "%s: loc=%s has no effect: times are stored and read in UTC", source, source.time_zone
            )
        self._source = source
        self.options = _options(source)
        """What connections are made with."""
        if limit := float(conf.statement_timeout):
            # Each server takes the comment that is for it. MySQL knows a limit of what only reads.
            self.options["init_command"] += (
                f" /*M!100101 , max_statement_time = {limit:.3f} */"
                f" /*!80000 , max_execution_time = {math.ceil(limit * 1000)} */"
            )

    def __str__(self) -> str:
        return str(self._source)

    async def connect(self) -> Session:
        connection: Any = Connection(**self.options)  # type: ignore[no-untyped-call]
        task = asyncio.current_task()
        assert task is not None
        cancellations = task.cancelling()
        try:
            async with asyncio.timeout(self._source.connect_timeout):
                await connection.connect()
            if task.cancelling() > cancellations:
                raise asyncio.CancelledError  # `wait_for` of Python 3.11, which the driver uses, may lose it
        except (mysql.Error, OSError, TimeoutError) as error:
            connection.close()
            raise Unavailable(f"cannot connect to {self._source}: {_reason(error)}") from error
        except BaseException:
            connection.close()
            raise
        return MysqlSession(connection, self._source)

    def begin(self, isolation: Isolation | None) -> tuple[str, ...]:
        if isolation is None:
            return ("START TRANSACTION",)
        return f"SET TRANSACTION ISOLATION LEVEL {isolation.upper()}", "START TRANSACTION"


def _options(source: MysqlSource) -> dict[str, Any]:
    place = {"host": source.host, "port": source.port} if source.port else {"unix_socket": source.host}
    return place | {
        "user": source.user,
        "password": source.password.encode(),
        "database": source.database,
        "ssl": _tls(source),
        "connect_timeout": source.connect_timeout,
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


class MysqlSession(Session):
    """A connection. The driver closes it when a statement is cancelled that was sent already."""

    def __init__(self, connection: Any, source: MysqlSource) -> None:
        self._connection = connection  # its stubs lack half of what it has
        self._query: Callable[[str], Awaitable[object]] = connection.query
        self._literal: Callable[[object], str] = connection.literal
        self._source = source
        self._patience = source.read_timeout

    @property
    def usable(self) -> bool:
        connection = self._connection
        return bool(connection.connected and not connection._stream_broken)

    @property
    def in_transaction(self) -> bool:
        connection = self._connection
        return bool(connection.connected and connection.get_transaction_status())

    async def fetch(self, statement: Statement, parameters: Parameters) -> list[Row]:
        rows = (await self._run(statement, parameters)).rows
        return [] if rows is None else [*rows]

    async def stream(
        self, statement: Statement, parameters: Parameters, size: int
    ) -> AsyncGenerator[list[Row], None]:
        connection, is_over = self._connection, False
        cursor = connection.cursor(SSCursor)
        try:
            await self._in_time(cursor.execute(statement.mysql % self._literals(parameters)))
            while rows := await self._in_time(cursor.fetchmany(size)):
                yield [*rows]
            is_over = True
        except mysql.Error as error:
            raise self._known(error, statement) or error from error
        finally:
            if not is_over and (not self.in_transaction or cancelled_from_outside()):
                self.close()  # that is cheaper than to read the rest
            elif connection.connected:
                try:
                    await cursor.close()
                except mysql.Error:
                    self.close()

    async def execute(self, statement: Statement, parameters: Parameters) -> int:
        return int((await self._run(statement, parameters)).affected_rows)

    async def execute_many(self, statement: Statement, rows: Iterable[Parameters]) -> int:
        count, parts = 0, insertion(statement.mysql)
        if parts is None:
            for row in rows:
                await self._run(statement, row)
                count += 1
        else:
            head, values, tail = parts
            for number, batch in batches(values, rows, self._literals):
                await self._send(statement, f"{head}{batch}{tail}")
                count += number
        return count

    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None
    ) -> Row | None:
        inserted = await self._run(statement, parameters)
        try:
            rows = await self.fetch(stored, (inserted.insert_id,) if key is None else key)
        except Aborted as error:
            if self.in_transaction:
                raise
            raise Unavailable("the row was inserted and could not be read back") from error
        return rows[0] if rows else None

    async def control(self, command: str) -> None:
        await self._send(CONTROL, command)

    async def undo(self, command: str) -> None:
        if not self.in_transaction:
            return
        try:
            async with asyncio.timeout(UNDO_TIMEOUT):
                await self._query(command)
        except (mysql.Error, TimeoutError):
            self.close()  # and the server rolls back

    def close(self) -> None:
        connection = self._connection
        if self.usable:
            # Or the server logs a warning, which of connections that are but old would be many.
            with contextlib.suppress(mysql.Error):
                connection._write_bytes(_QUIT)
        connection.close()

    async def end(self) -> None:
        with contextlib.suppress(mysql.Error, OSError):
            async with asyncio.timeout(END_TIMEOUT):
                await self._connection.ensure_closed()

    async def _run(self, statement: Statement, parameters: Parameters) -> Any:
        return await self._send(statement, statement.mysql % self._literals(parameters))

    def _literals(self, parameters: Parameters) -> tuple[str, ...]:
        """The values as SQL has them. The driver writes lists and the like as well, and escapes no text
        inside of them that says of itself how it is to be escaped."""
        for value in parameters:
            if type(value) not in _PLAIN:
                return self._literals(tuple(map(_plain, parameters)))
            if isinstance(value, str) and not value.isascii():
                _check(value)
        return tuple(map(self._literal, parameters))

    async def _send(self, statement: Statement, text: str) -> Any:
        # The driver's cursors take twice the time, and another round trip to log the server's warnings.
        try:
            await (self._query(text) if self._patience is None else self._in_time(self._query(text)))
        except mysql.Error as error:
            if _number(error) == _LOCK_TIMEOUT and self.in_transaction:
                await self._learn_whether_it_is_over()
            raise self._known(error, statement) or error from error
        return self._connection._result

    async def _learn_whether_it_is_over(self) -> None:
        """A setting of the server (``innodb_rollback_on_timeout``) says whether a transaction ends with a
        lock that it could not have; its errors do not say so, unlike its other answers."""
        try:
            await self._in_time(self._query("DO 0"))
        except (mysql.Error, ConnectionLost):
            self.close()

    async def _in_time(self, answer: Awaitable[T]) -> T:
        """The answer, unless it takes longer than ``readTimeout``. The driver has such a limit, too, but with
        `wait_for`."""
        try:
            async with asyncio.timeout(self._patience):
                return await answer
        except TimeoutError:
            raise ConnectionLost(f"{self._source}: no answer in time") from None

    def _known(self, error: mysql.Error, statement: Statement) -> ZeroError | None:
        number, text = _number(error), str(error.args[-1])
        if number == _DUPLICATE:
            # Duplicate entry '186' for key 'user.uniq_mobile'
            return duplicate_index(statement, text.rpartition("for key ")[2].strip("'"))
        if number in _BAD_VALUES:
            # ... for column 'gender' at row 1; Column 'name' cannot be null; CONSTRAINT `user.data` failed
            return unacceptable(last_name(text, "(?:[Cc]olumn|Field|CONSTRAINT|[Cc]heck constraint)"))
        if number in _FOREIGN_KEYS:
            return broken_reference()
        if number in _CONFLICTS:
            if number != _LOCK_TIMEOUT:
                # The server has rolled back. Its errors do not say so, unlike its other answers.
                self._connection.server_status &= ~SERVER_STATUS.SERVER_STATUS_IN_TRANS
            return Aborted("a concurrent transaction won")
        if number == _KILLED:
            return Aborted("somebody has ended the statement")
        if number in _TIMEOUTS:
            return DeadlineExceeded("the statement took too long")
        if number in _SERVER_AWAY or number in _READ_ONLY:
            self.close()
            return ConnectionLost(f"{self._source}: {_reason(error)}")
        return None


def _plain(value: Value) -> Value:
    """The value itself, or what a member of an IntEnum or StrEnum stands for."""
    if isinstance(value, Enum) and isinstance(value, int | str):
        value = value.value
    if type(value) not in _PLAIN:
        raise unacceptable(None)
    return value


def _check(text: str) -> None:
    """The driver would send half a character as if it were a byte, which is how it sends bytes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise unacceptable(None) from error


def _number(error: mysql.Error) -> int:
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else -1


def _reason(error: Exception) -> str:
    """What the server or the system says, without the driver's packing."""
    cause = error.__cause__ or error
    return system_reason(cause) or str(cause.args[-1] if cause.args else cause)
