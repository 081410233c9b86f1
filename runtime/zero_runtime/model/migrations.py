"""What alembic's ``env.py`` calls, and what the revisions that ``./pants zero-migrate`` writes are made of.

    from zero_runtime.model import migrations

    migrations.run()

is a whole ``env.py``. The database is the one that ``alembic -x source=…`` or the variable
``ZERO_DATA_SOURCE`` names, written as in ``DataSource``, and it is connected to as services do. Processes
that migrate a database at the same time wait for each other.

Apart from the rest of `zero_runtime.model`, for no service needs alembic or SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic import context, op
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from zero_runtime.config.database import DatabaseConf
from zero_runtime.model import values
from zero_runtime.model.reasons import system_reason
from zero_runtime.model.source import (
    MysqlSource,
    PostgresqlSource,
    Source,
    SourceError,
    SqliteSource,
    parse_source,
)

VARIABLE = "ZERO_DATA_SOURCE"
"""The variable that names the database where ``-x source=…`` does not."""

_LOCK = "SHA1(CONCAT('zero.migrations.', DATABASE()))"
_LOCK_NUMBER = int.from_bytes(b"zero.mig")
"""What the lock is called in MySQL, where it is known all over the server, and in PostgreSQL, where they have
numbers and each database has its own."""

_WAIT = 600
"""Seconds that a process waits for another that migrates MySQL; PostgreSQL's wait as long as it takes."""

_DIALECTS = {"mysql": "mysql", "mariadb": "mysql", "postgresql": "postgresql", "sqlite": "sqlite"}
"""SQLAlchemy's names and ours."""


def run(*, version_table: str = "alembic_version") -> None:
    """Runs what alembic was called for.

    Services that share a database and have histories of their own keep them in a ``version_table`` each.
    Errors of the database and of the data source are alembic's CommandError, which its command line shows
    without a traceback.
    """
    _show_progress()
    try:
        source = parse_source(_source(), "the data source")
    except SourceError as error:
        raise CommandError(str(error)) from None
    if context.is_offline_mode():
        context.configure(dialect_name=_dialect(source), version_table=version_table)
        with context.begin_transaction():
            context.run_migrations()
        return
    try:
        if isinstance(source, SqliteSource):
            _run_sqlite(source, version_table)
        else:
            asyncio.run(_run_server(source, version_table))
    except DBAPIError as error:
        statement = f"\nin {error.statement}" if error.statement else ""
        raise CommandError(f"{source}: {_reason(error.orig or error)}{statement}") from error
    except OSError as error:
        raise CommandError(f"{source}: {_reason(error)}") from error


def execute(*, mysql: Sequence[str] = (), postgresql: Sequence[str] = (), sqlite: Sequence[str] = ()) -> None:
    """Runs the statements for the database at hand, each exactly as it is written."""
    migration = op.get_context()
    statements = {"mysql": mysql, "postgresql": postgresql, "sqlite": sqlite}
    for statement in statements[_DIALECTS[migration.dialect.name]]:
        if migration.as_sql:
            migration.impl.static_output(f"{statement};")
        else:
            # Without parameters no driver looks for placeholders, so that a `%` or a `:` is one.
            options = {"no_parameters": True}
            op.get_bind().exec_driver_sql(statement, execution_options=options)


def _show_progress() -> None:
    """Prints what alembic does when its command line runs, where nobody has said otherwise."""
    if context.config.cmd_opts is not None:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("alembic").setLevel(logging.INFO)


def _source() -> str:
    found = context.get_x_argument(as_dictionary=True).get("source") or os.environ.get(VARIABLE)
    if isinstance(found, str):
        return found
    raise CommandError(f"which database? Say `alembic -x source=postgresql://…`, or set {VARIABLE}")


def _dialect(source: Source) -> str:
    if isinstance(source, SqliteSource):
        return "sqlite"
    return "mysql" if isinstance(source, MysqlSource) else "postgresql"


def _reason(error: BaseException) -> str:
    """What the database or the system says, without the drivers' packing."""
    error = error.__cause__ or error
    return system_reason(error) or str(error.args[-1] if error.args else error)


async def _run_server(source: MysqlSource | PostgresqlSource, version_table: str) -> None:
    # Imported on demand, as services do: nobody needs both.
    if isinstance(source, PostgresqlSource):
        import asyncpg

        from zero_runtime.model.postgresql import PostgresqlDriver

        options = PostgresqlDriver(source, DatabaseConf()).options
        url, connect = "postgresql+asyncpg://", asyncpg.connect
    else:
        import asyncmy

        from zero_runtime.model.mysql import MysqlDriver

        options = {**MysqlDriver(source, DatabaseConf()).options, "autocommit": False}
        url, connect = "mysql+asyncmy://", asyncmy.connect

    async def connection() -> Any:
        return await connect(**options)

    engine = create_async_engine(url, async_creator=connection, poolclass=NullPool)
    try:
        async with engine.connect() as opened:
            await opened.run_sync(_migrate, version_table)
    finally:
        await engine.dispose()


def _migrate(connection: Connection, version_table: str) -> None:
    with _alone(connection):
        context.configure(connection=connection, version_table=version_table, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Lets one process at a time migrate."""
    is_postgresql = _DIALECTS[connection.dialect.name] == "postgresql"
    if is_postgresql:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK_NUMBER})")
    elif connection.exec_driver_sql(f"SELECT GET_LOCK({_LOCK}, {_WAIT})").scalar() != 1:
        raise CommandError(f"another process has been migrating the database for {_WAIT} seconds")
    connection.commit()
    try:
        yield
    finally:
        # A connection that ends gives it back as well.
        if not connection.invalidated:
            connection.rollback()
            release = f"pg_advisory_unlock({_LOCK_NUMBER})" if is_postgresql else f"RELEASE_LOCK({_LOCK})"
            connection.exec_driver_sql(f"SELECT {release}")


def _run_sqlite(source: SqliteSource, version_table: str) -> None:
    def connection() -> sqlite3.Connection:
        # Autocommit: SQLAlchemy's BEGIN below is the only one.
        opened = sqlite3.connect(source.path or ":memory:", isolation_level=None)
        opened.create_collation(values.DECIMAL_COLLATION, values.compare_decimals)
        # A table that is made anew must not take along the rows that refer to it.
        opened.execute("PRAGMA foreign_keys = OFF")
        return opened

    engine = create_engine("sqlite://", creator=connection, poolclass=NullPool)
    # Takes the lock for writing at once, so that processes wait for each other.
    event.listen(engine, "begin", lambda opened: opened.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as opened:
        context.configure(
            connection=opened,
            version_table=version_table,
            transactional_ddl=True,
            transaction_per_migration=True,
            on_version_apply=_check_references,
        )
        with context.begin_transaction():
            context.run_migrations()


def _check_references(ctx: MigrationContext, *_: object, **__: object) -> None:
    """Refuses a revision after which rows refer to rows that are not there, within its transaction."""
    if ctx.as_sql or ctx.connection is None:
        return
    broken = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = sorted({f"`{table}` to `{referred}`" for table, _, referred, *_ in broken})
        raise CommandError(f"{len(broken)} rows refer to rows that are not there: {', '.join(tables)}")
