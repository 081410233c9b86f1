"""PostgreSQL: asyncpg's connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Literal, NoReturn, TypeVar

import asyncpg

from zero_runtime.config.database import DatabaseConf
from zero_runtime.errors import Aborted, DeadlineExceeded, Unavailable, ZeroError
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
from zero_runtime.model.source import PostgresqlSource, SourceError
from zero_runtime.model.statement import Statement
from zero_runtime.model.transactions import ROLLED_BACK
from zero_runtime.model.values import Row
from zero_runtime.model.violations import (
    broken_reference,
    duplicate_columns,
    duplicate_index,
    listed_names,
    unacceptable,
)

T = TypeVar("T")

_AS_TEXT = ("date", "time", "timestamp", "timestamptz", "numeric", "uuid", "json", "jsonb")
"""Types whose values travel as the text that the server writes and reads."""

_ADVISORY_LOCK = int.from_bytes(b"zero")
"""What processes hold that make tables."""

_GUARD = "zero_guard"
"""The savepoint before the last write of a transaction. After an error PostgreSQL does nothing more in a
transaction until it is rolled back; other databases undo the statement alone, and so does this savepoint."""

_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What the driver raises."""

_CHUNK = 1000
"""Rows that are handed to the driver at a time; it has no limit of its own for what it keeps in memory."""

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNIQUE, _NOT_NULL, _CHECK, _LOCK_TIMEOUT, _CANCELED = "23505", "23502", "23514", "55P03", "57014"
_BAD_VALUE, _ROLLBACK, _SERVER_AWAY = "22", "40", ("08", "53", "57P", "58")
_FOREIGN_KEYS = ("23503", "23001")
_READ_ONLY, _GIVEN_UP, _PLAN_CHANGED = "25006", "25P02", "0A000"


class PostgresqlDriver(Driver):
    """Connects to a server."""

    dialect = "postgresql"
    tables = Statement(
        "tables",
        postgresql="SELECT tablename FROM pg_catalog.pg_tables "
        "WHERE schemaname = ANY (current_schemas(false))",
    )
    creates = (f"BEGIN; SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})", "COMMIT")

    def __init__(self, source: PostgresqlSource, conf: DatabaseConf) -> None:
        """Raises SourceError when a file of certificates cannot be used."""
        self._source = source
        # What PgBouncer knows is always set, the rest where it is asked for.
        settings = {"TimeZone": "UTC", "DateStyle": "ISO, YMD"}
        if source.application_name:
            settings["application_name"] = source.application_name
        if source.search_path:
            settings["search_path"] = source.search_path
        if conf.statement_timeout:
            settings["statement_timeout"] = str(int(conf.statement_timeout * 1000))
        self.options: dict[str, Any] = {
            "host": source.host,
            "port": source.port,
            "user": source.user,
            "password": source.password or None,
            "database": source.database,
            "timeout": source.connect_timeout,
            "ssl": _tls(source),
            "statement_cache_size": source.statement_cache_size,
            # A connection is replaced before long as it is.
            "max_cached_statement_lifetime": 0,
            "server_settings": settings,
        }
        """What `asyncpg.connect` is called with."""

    def __str__(self) -> str:
        return str(self._source)

    async def connect(self) -> PostgresqlSession:
        try:
            connection = await asyncpg.connect(**self.options)
        except _ERRORS as error:
            raise Unavailable(f"cannot connect to {self}: {_reason(error)}") from error
        for name in _AS_TEXT:
            # Of a built-in type this asks the server nothing.
            decoder = _moment if name == "timestamptz" else str
            await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=decoder)
        return PostgresqlSession(connection, str(self))

    def begin(self, isolation: Isolation | None) -> tuple[str, ...]:
        return ("BEGIN" if isolation is None else f"BEGIN ISOLATION LEVEL {isolation.upper()}",)


def _moment(text: str) -> str:
    """A point in time without the offset, which is that of the session: UTC."""
    return text.removesuffix("+00")


def _tls(source: PostgresqlSource) -> ssl.SSLContext | Literal["prefer", "allow", False]:
    if source.sslmode == "disable" or source.host.startswith("/"):
        return False  # None would be "prefer"
    if source.sslmode in ("prefer", "allow"):
        return source.sslmode
    name, file = "sslrootcert", source.sslrootcert
    try:
        context = ssl.create_default_context(cafile=file)
        name, file = "sslcert", source.sslcert
        if file is not None:
            context.load_cert_chain(file, source.sslkey)
    except ssl.SSLError:
        raise SourceError(f"parameter {name}: {file} and its key are no certificates in PEM") from None
    except OSError as error:
        raise SourceError(f"parameter {name}: {file}: {(error.strerror or str(error)).lower()}") from None
    context.check_hostname = source.sslmode == "verify-full"
    if source.sslmode == "require" and source.sslrootcert is None:
        context.verify_mode = ssl.CERT_NONE
    return context


class PostgresqlSession(Session):
    """A connection."""

    def __init__(self, connection: asyncpg.Connection, place: str) -> None:
        self._connection = connection
        self._place = place
        self._failed = False
        """Whether the server has given the transaction up."""
        self._is_guarded = False
        """Whether the savepoint is there."""

    @property
    def usable(self) -> bool:
        return not self._connection.is_closed()

    @property
    def in_transaction(self) -> bool:
        return not self._failed and self.usable and bool(self._connection.is_in_transaction())

    async def fetch(self, statement: Statement, parameters: Parameters) -> list[Row]:
        rows = await self._run(self._connection.fetch, statement, parameters, writes=statement.writes)
        return [tuple(row) for row in rows]

    async def stream(
        self, statement: Statement, parameters: Parameters, size: int
    ) -> AsyncGenerator[list[Row], None]:
        is_alone = not self.in_transaction
        try:
            if is_alone:  # a cursor lives in a transaction
                await self.control("BEGIN")
            cursor = await self._connection.cursor(statement.postgresql, *parameters)
            while rows := await cursor.fetch(size):
                yield [tuple(row) for row in rows]
            if is_alone:
                await self.control("COMMIT")
        except asyncio.CancelledError:
            self._failed = True
            raise
        except _ERRORS as error:
            self._failed = _is_from_server(error)
            self._raise(error, statement)
        finally:
            if is_alone and (self._failed or self.in_transaction):
                await self.undo("ROLLBACK")

    async def execute(self, statement: Statement, parameters: Parameters) -> int:
        status = await self._run(self._connection.execute, statement, parameters, writes=True)
        count = status.rpartition(" ")[2]  # UPDATE 1, INSERT 0 1, CREATE TABLE
        return int(count) if count.isdigit() else 0

    async def execute_many(self, statement: Statement, rows: Iterable[Parameters]) -> int:
        count, left = 0, iter(rows)
        try:
            while chunk := list(islice(left, _CHUNK)):
                await self._connection.executemany(statement.postgresql, chunk)
                count += len(chunk)
        except _ERRORS as error:
            self._failed = True
            self._raise(error, statement)
        return count

    async def insert(
        self, statement: Statement, parameters: Parameters, stored: Statement, key: Parameters | None
    ) -> Row | None:
        row = await self._run(self._connection.fetchrow, statement, parameters, writes=True)
        return None if row is None else tuple(row)

    async def control(self, command: str) -> None:
        if command.startswith("SAVEPOINT ") and self._is_guarded:
            # Or to release the older would end the newer, too.
            command = f"RELEASE SAVEPOINT {_GUARD}; {command}"
        # The savepoint is younger than all others, so whatever else is said ends it.
        self._is_guarded = False
        try:
            status = await self._connection.execute(command)
        except _ERRORS as error:
            self._failed = self.in_transaction
            self._raise(error, CONTROL)
        if command == "COMMIT" and status == "ROLLBACK":
            raise Aborted(ROLLED_BACK)

    async def undo(self, command: str) -> None:
        # Even where no transaction is known of: a BEGIN that was cancelled may have been heard.
        self._is_guarded = self._failed = False
        try:
            async with asyncio.timeout(UNDO_TIMEOUT):
                if self.usable:
                    await self._connection.execute(command)
        except asyncio.CancelledError:
            self.close()
            raise
        except _ERRORS:
            self.close()  # and the server rolls back

    def close(self) -> None:
        self._connection.terminate()

    async def end(self) -> None:
        try:
            await self._connection.close(timeout=END_TIMEOUT)
        except _ERRORS:
            self.close()

    async def _run(
        self,
        ask: Callable[..., Awaitable[T]],
        statement: Statement,
        parameters: Parameters,
        *,
        writes: bool,
    ) -> T:
        guards = writes and self.in_transaction
        try:
            if guards:
                await self._guard()
            return await ask(statement.postgresql, *parameters)
        except asyncio.CancelledError:
            self._failed = self.in_transaction
            raise
        except _ERRORS as error:
            await self._recover(error, is_guarded=guards)
            self._raise(error, statement)

    async def _guard(self) -> None:
        again = f"RELEASE SAVEPOINT {_GUARD}; " if self._is_guarded else ""
        await self._connection.execute(f"{again}SAVEPOINT {_GUARD}")
        self._is_guarded = True

    async def _recover(self, error: Exception, *, is_guarded: bool) -> None:
        """Undoes what failed, so that the transaction can go on; where that cannot be the transaction is
        over."""
        if not self.in_transaction or not _is_from_server(error):
            return
        self._failed = True
        if is_guarded and self._is_guarded and not _sqlstate(error).startswith(_ROLLBACK):
            try:
                await self._connection.execute(f"ROLLBACK TO SAVEPOINT {_GUARD}")
                self._failed = False
            except _ERRORS:
                self.close()

    def _raise(self, error: Exception, statement: Statement) -> NoReturn:
        """Raises what the error means to whoever asked, or itself when it is a defect of the statement."""
        state = _sqlstate(error)
        # A server that has become a replica is of no use either.
        lost = state.startswith(_SERVER_AWAY) or state == _READ_ONLY or isinstance(error, OSError)
        if lost or not self.usable:
            self.close()
            raise ConnectionLost(f"{self._place}: {_reason(error)}") from error
        if (known := _known(error, state, statement)) is not None:
            raise known from error
        raise error


def _known(error: Exception, state: str, statement: Statement) -> ZeroError | None:
    if state == _UNIQUE:
        return _duplicate(error, statement)
    if state == _NOT_NULL or state.startswith(_BAD_VALUE):
        return unacceptable(getattr(error, "column_name", None))
    if state == _CHECK:
        return unacceptable(getattr(error, "constraint_name", None))
    if state in _FOREIGN_KEYS:
        return broken_reference()
    if state.startswith(_ROLLBACK) or state == _LOCK_TIMEOUT:
        return Aborted("a concurrent transaction won")
    if state == _GIVEN_UP:
        return Aborted(ROLLED_BACK)
    if state == _PLAN_CHANGED and isinstance(error, asyncpg.InvalidCachedStatementError):
        return Aborted("the tables have changed since the statement was prepared")
    if state == _CANCELED:
        return DeadlineExceeded("the statement took too long")
    return None


def _duplicate(error: Exception, statement: Statement) -> ZeroError:
    index = getattr(error, "constraint_name", None) or ""
    # Key (name, area)=(Ann, 1) already exists.
    columns = listed_names(getattr(error, "detail", None) or "")
    if index in statement.unique or not columns:
        return duplicate_index(statement, index)
    return duplicate_columns(statement, columns)


def _sqlstate(error: Exception) -> str:
    return getattr(error, "sqlstate", None) or ""


def _is_from_server(error: Exception) -> bool:
    """Whether the server said it; what the driver itself refuses has not got there."""
    return getattr(error, "severity", None) is not None


def _reason(error: Exception) -> str:
    """What the server or the system says, without the driver's packing."""
    return system_reason(error) or str(error).partition("\n")[0] or type(error).__name__
