"""Databases by their data source."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from zero_runtime.model.database import Database
from zero_runtime.model.source import SqliteSource, parse_source


def open_database(source: str) -> AbstractAsyncContextManager[Database]:
    """The database at a data source (`zero_runtime.model.source` says how they are written), open inside the
    block.

    Raises SourceError at once when the source is written wrongly, and Unavailable on entering when the
    database does not answer or lets nobody in; the message names the place and the user, never the password.
    """
    parsed = parse_source(source)
    # Imported on demand: a service pays for the driver it uses.
    if isinstance(parsed, SqliteSource):
        from zero_runtime.model.sqlite import open_sqlite

        return open_sqlite(parsed)
    from zero_runtime.model.mysql import open_mysql

    return open_mysql(parsed)
