"""Whether the tables of a database are those that repositories read."""

from __future__ import annotations

from typing import Any

from zero_runtime.errors import FailedPrecondition, ZeroError
from zero_runtime.model.database import Database
from zero_runtime.model.repository import Repository
from zero_runtime.model.statement import Statement


async def check(database: Database, *repositories: Repository[Any]) -> None:
    """Reads no row of each table, with all its columns. Raises FailedPrecondition that tells every table that
    cannot be read so: mostly the database has not been migrated."""
    refused = []
    for repository in repositories:
        table = repository._table
        text = f"{getattr(table.select, database.dialect)} LIMIT 0"
        if database.dialect == "sqlite":  # it takes an unknown name in double quotes for a text
            text = text.replace('"', "`")
        # Of the three texts only that of this database is looked at.
        try:
            await database.fetch_all(Statement(f"{table.name}.check", text, text, text), primary=True)
        except ZeroError:
            raise
        except Exception as error:  # whatever the driver calls it
            refused.append(f"`{table.name}` ({error.args[-1] if error.args else error})")
    if refused:
        raise FailedPrecondition(
            f"the database lacks what the contracts declare: {', '.join(refused)}; run the migrations "
            "(one of development may be removed instead: it is made anew)"
        )
