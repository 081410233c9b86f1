"""Tables and columns that a database lacks are told at the start, all at once."""

from __future__ import annotations

import pytest

from tests.servers.accounts import FIND, LOCK, SCHEMA, with_database
from zero_runtime import model
from zero_runtime.errors import FailedPrecondition
from zero_runtime.model.values import Row


def _repository(database: model.Database, name: str, *columns: str) -> model.Repository[Row]:
    quote = "`" if database.dialect == "mysql" else '"'
    text = f"SELECT {', '.join(quote + column + quote for column in columns)} FROM {quote}{name}{quote}"
    table = model.Table(
        name=name,
        decode=lambda row: row,
        key=model.Index(name="PRIMARY", find=FIND, find_for_update=LOCK, values=lambda row: (row[0],)),
        key_columns=(),
        select=model.Statement(f"{name}.list", text, text, text),
        count=FIND,
    )
    return model.Repository(database, table)


def test_what_is_missing(source: str) -> None:
    async def test(database: model.Database) -> None:
        await database.create(SCHEMA)
        good = _repository(database, "account", "id", "name")
        await model.check(database, good)
        bad = [_repository(database, "account", "id", "nick"), _repository(database, "purchase", "id")]
        with pytest.raises(FailedPrecondition) as raised:
            await model.check(database, bad[0], good, bad[1])
        message = raised.value.message
        assert message.startswith("the database lacks what the contracts declare: `account` (")
        assert "nick" in message and "`purchase` (" in message
        await model.check(database, good)

    with_database(source, test)
