"""Databases by their data source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from zero_runtime.config import DatabaseConf
from zero_runtime.model.database import Database
from zero_runtime.model.replicas import Replicas
from zero_runtime.model.server import Server
from zero_runtime.model.session import Driver
from zero_runtime.model.source import (
    MysqlSource,
    PostgresqlSource,
    Source,
    SourceError,
    SqliteSource,
    parse_source,
)

if TYPE_CHECKING:
    from zero_runtime.model.cache import Cache


def open_database(
    source: str,
    conf: DatabaseConf = DatabaseConf(),  # noqa: B008, it is immutable
    *,
    cache: Cache | None = None,
) -> AbstractAsyncContextManager[Database]:
    """The database at a data source (`zero_runtime.model.source` says how they are written), open inside the
    block.

    Raises SourceError at once when the source, or that of a replica, is written wrongly, and Unavailable on
    entering when the database does not answer or lets nobody in; the message names the place and the user,
    never the password. Replicas may be away.
    """
    parsed = parse_source(source)
    replicas = [parse_source(replica, _replica_key(i)) for i, replica in enumerate(conf.replicas)]
    for i, replica in enumerate(replicas):
        if isinstance(replica, SqliteSource) or type(replica) is not type(parsed):
            raise SourceError(
                f"{replica} cannot be a replica of {parsed}: expected a server of the same kind",
                _replica_key(i),
            )
    if isinstance(parsed, SqliteSource):
        # Imported on demand: a service pays for the driver it uses.
        from zero_runtime.model.sqlite import open_sqlite

        return open_sqlite(parsed, conf, cache)
    drivers = [_driver(replica, conf, _replica_key(i)) for i, replica in enumerate(replicas)]
    return _open_servers(_driver(parsed, conf, "DataSource"), drivers, conf, cache)


def _replica_key(index: int) -> str:
    return f"Database.Replicas[{index}]"


def _driver(source: Source, conf: DatabaseConf, key: str) -> Driver:
    if isinstance(source, PostgresqlSource):
        from zero_runtime.model.postgresql import PostgresqlDriver

        try:
            return PostgresqlDriver(source, conf)
        except SourceError as error:
            raise SourceError(error.problem, key) from None
    assert isinstance(source, MysqlSource)
    from zero_runtime.model.mysql import MysqlDriver

    return MysqlDriver(source, conf)


@asynccontextmanager
async def _open_servers(
    driver: Driver, replicas: list[Driver], conf: DatabaseConf, cache: Cache | None
) -> AsyncIterator[Database]:
    primary = Server(driver, conf)
    others = Replicas([Server(replica, conf) for replica in replicas], conf.policy) if replicas else None
    try:
        await primary.pool.warm()
        if others is not None:
            await others.open()
        yield Database(primary, conf=conf, replicas=others, cache=cache)
    finally:
        if others is not None:
            await others.close()
        await primary.pool.close()
