"""Every column type of every dialect stores what it is given and gives it back, on every database."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from tests.model import generated
from tests.model.places import KINDS, new_source
from zero_codegen.model import settings
from zero_codegen.model.settings import Settings
from zero_runtime import errors, model

Values = tuple[Any, ...]

MOMENT = dt.datetime(2026, 3, 29, 1, 59, 59, 999_999, tzinfo=dt.UTC)
SECOND = MOMENT.replace(microsecond=0)
TEXT = "ß → 漢字 🛒 100% 'quoted' \"twice\" \\ and\nfolded ! _"
SIGNED = {bits: (-(2 ** (bits - 1)), 0, 2 ** (bits - 1) - 1) for bits in (8, 16, 24, 32, 64)}
UNSIGNED = {bits: (0, 2**bits - 1) for bits in (8, 16, 24, 32)}
BYTES = (b"", bytes(range(256)), b"'\\\x00%s$1?")
JSON: Values = ({"ä": [1, -2.5, None, True, {"'": '"\\'}]}, [], "text", 0, False)
UUID = (uuid.UUID(int=0), uuid.UUID("12345678-9abc-4def-8123-456789abcdef"))
DATES = (dt.date(1000, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31))
DOUBLES = (0.0, 0.1, -1.5e300, 2.0**-1000)
SINGLES = (0.0, 0.5, -1.25, 2.0**100)


class Dialect(NamedTuple):
    name: settings.Dialect
    types: Mapping[str, Values]
    """Values of each type."""


MYSQL = {
    "tinyint": SIGNED[8],
    "smallint": SIGNED[16],
    "mediumint": SIGNED[24],
    "int": SIGNED[32],
    "bigint": SIGNED[64],
    "tinyint unsigned": UNSIGNED[8],
    "smallint unsigned": UNSIGNED[16],
    "mediumint unsigned": UNSIGNED[24],
    "int unsigned": UNSIGNED[32],
    "bigint unsigned": (0, 2**63 - 1),
    "bool": (True, False),
    "bit(1)": (True, False),
    "year": (1901, 2155),
    "float": SINGLES,
    "double": DOUBLES,
    "decimal(12,2)": (Decimal("0.00"), Decimal("-9999999999.99"), Decimal("12.30")),
    "decimal(65,30)": (Decimal(f"{'9' * 35}.{'9' * 30}"), Decimal(0).scaleb(-30)),
    "char(10)": ("", "Ab"),
    "varchar(100)": ("", TEXT),
    "tinytext": ("", TEXT),
    "text": ("", TEXT * 100),
    "mediumtext": ("", TEXT * 2000),
    "longtext": ("", TEXT),
    "json": JSON,
    "binary(3)": (b"\x00'\\",),
    "varbinary(300)": BYTES,
    "tinyblob": BYTES[:1],
    "blob": BYTES,
    "mediumblob": BYTES,
    "longblob": (*BYTES, b"\xff" * 100_000),
    "date": DATES,
    "time": (dt.time(0), dt.time(23, 59, 59)),
    "time(6)": (dt.time(0, 0, 0, 1), dt.time(23, 59, 59, 999_999)),
    "datetime": (SECOND, dt.datetime(1000, 1, 1, tzinfo=dt.UTC)),
    "datetime(3)": (MOMENT.replace(microsecond=250_000),),
    "datetime(6)": (MOMENT, dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)),
    "timestamp": (SECOND, dt.datetime(2038, 1, 19, 3, 14, 7, tzinfo=dt.UTC)),
    "timestamp(6)": (MOMENT,),
    "enum('a', 'b c', 'it''s')": ("a", "b c", "it's"),
}
POSTGRESQL = {
    "smallint": SIGNED[16],
    "integer": SIGNED[32],
    "bigint": SIGNED[64],
    "boolean": (True, False),
    "real": SINGLES,
    "double precision": DOUBLES,
    "numeric(12,2)": (Decimal("0.00"), Decimal("-9999999999.99")),
    "varchar(100)": ("", TEXT),
    "text": ("", TEXT * 100),
    "bytea": BYTES,
    "json": JSON,
    "jsonb": JSON,
    "uuid": UUID,
    "date": DATES,
    "time": (dt.time(0), dt.time(23, 59, 59, 999_999)),
    "time(0)": (dt.time(12, 30, 1),),
    "timestamp": (MOMENT,),
    "timestamp(3)": (MOMENT.replace(microsecond=250_000),),
    "timestamptz": (MOMENT, dt.datetime(1000, 1, 1, tzinfo=dt.UTC)),
    "mood": ("sad", "ok"),
}
SQLITE = {
    "integer": SIGNED[64],
    "smallint": SIGNED[16],
    "boolean": (True, False),
    "real": DOUBLES,
    "decimal(12,2)": (Decimal("0.00"), Decimal("-9999999999.99")),
    "varchar(100)": ("", TEXT),
    "text": ("", TEXT * 100),
    "blob": BYTES,
    "json": JSON,
    "date": DATES,
    "datetime": (SECOND,),
    "uuid": UUID,
}
DIALECTS = [Dialect("mysql", MYSQL), Dialect("postgresql", POSTGRESQL), Dialect("sqlite", SQLITE)]


@pytest.fixture(scope="module", params=DIALECTS, ids=lambda dialect: str(dialect.name))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="module")
def things(dialect: Dialect, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module with a table that has a column of each type that is NOT NULL, and one that may be NULL."""
    columns = []
    for number, written in enumerate(dialect.types):
        if dialect.name == "mysql" and any(text in written for text in ("char", "text")):
            written += " COLLATE utf8mb4_bin"  # compared byte by byte, as on the other two
        columns += [f"c{number} {written} NOT NULL", f"n{number} {written} NULL"]
    mood = "CREATE TYPE mood AS ENUM ('sad', 'ok');\n" if dialect.name == "postgresql" else ""
    contract = f"{mood}CREATE TABLE thing (id int PRIMARY KEY, {', '.join(columns)});\n"
    folder = tmp_path_factory.mktemp("things")
    return generated.load(generated.generate(folder, contract, Settings(dialect=dialect.name)))


@pytest.mark.parametrize("kind", KINDS)
def test_values_come_back_as_they_were_stored(
    kind: str, dialect: Dialect, things: Any, request: pytest.FixtureRequest
) -> None:
    longest = max(map(len, dialect.types.values()))
    given = [
        {
            f"{name}{number}": values[turn % len(values)] if name == "c" or turn != 0 else None
            for number, values in enumerate(dialect.types.values())
            for name in "cn"
        }
        for turn in range(longest)
    ]

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            for _ in range(2):  # the second time nothing is missing
                await database.create(things.SCHEMA)
            rows = things.ThingModel(database)
            for number, members in enumerate(given):
                row = await rows.insert(id=number, **members)
                assert {name: getattr(row, name) for name in members} == members
                found = await rows.find_one(number)
                assert found == row
                for name, value in members.items():
                    kept = getattr(found, name)
                    assert isinstance(kept, type(value)), f"{name} is {kept!r}"
                assert await rows.update(row) is True
                assert await rows.find_one(number) == row
            copies = [things.NewThing(id=number + 1000, **members) for number, members in enumerate(given)]
            assert await rows.insert_many(copies) == longest
            for number, members in enumerate(given):
                copy = await rows.find_one(number + 1000)
                assert {name: getattr(copy, name) for name in members} == members
            assert await rows.update_columns(0, **given[-1]) is True
            changed = await rows.find_one(0)
            assert {name: getattr(changed, name) for name in given[-1]} == given[-1]

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_is_compared_and_ordered(
    kind: str, dialect: Dialect, things: Any, request: pytest.FixtureRequest
) -> None:
    """A row that is stored is found by its value in each column, and all pages of an order have each row."""
    types = dialect.types
    longest = max(map(len, types.values()))

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(things.SCHEMA)
            rows, columns = things.ThingModel(database), things.ThingColumns
            for turn in range(longest):
                members = {
                    f"c{number}": values[turn % len(values)] for number, values in enumerate(types.values())
                }
                await rows.insert(id=turn, **members)
            stored = (await rows.list()).rows
            for number, written in enumerate(types):
                assert (await rows.count(getattr(columns, f"n{number}").is_null())) == longest
                column: Any = getattr(columns, f"c{number}", None)
                if "json" in written:
                    assert column is None
                    continue
                for row in stored:
                    value = getattr(row, f"c{number}")
                    same = [each.id for each in stored if getattr(each, f"c{number}") == value]
                    assert [each.id for each in (await rows.list(column == value)).rows] == same, written
                    assert [each.id for each in (await rows.list(column.in_([value]))).rows] == same, written
                    at_least = (await rows.list((column > value) | (column == value))).rows
                    assert at_least == (await rows.list(column >= value)).rows, written
                for order in (column.asc(), column.desc()):
                    walked, after = [], None
                    while True:
                        page = await rows.list(order_by=order, after=after, limit=1)
                        walked += [row.id for row in page.rows]
                        if (after := page.next) is None:
                            break
                    assert sorted(walked) == list(range(longest)), written

    asyncio.run(scenario())


REFUSED = {
    "mysql": [
        ("tinyint", 128),
        ("tinyint", -129),
        ("mediumint unsigned", 2**24),
        ("bigint unsigned", -1),
        ("bigint", 2**63),
        ("year", 1900),
        ("decimal(12,2)", Decimal("10000000000")),
        ("decimal(12,2)", Decimal("NaN")),
        ("char(10)", "x" * 11),
        ("tinytext", "x" * 256),
        ("binary(3)", b"toolong"),
        ("tinyblob", b"x" * 256),
        ("double", float("nan")),
        ("double", float("inf")),
        ("datetime", dt.datetime(2026, 1, 1)),
        ("timestamp", dt.datetime(2107, 1, 1, tzinfo=dt.UTC)),
        ("text", None),
    ],
    "postgresql": [
        ("smallint", 2**15),
        ("numeric(12,2)", Decimal("1e10")),
        ("varchar(100)", "x" * 101),
        ("timestamptz", dt.datetime(2026, 1, 1)),
        ("text", None),
    ],
    "sqlite": [("smallint", 2**15), ("decimal(12,2)", Decimal("1e10")), ("varchar(100)", "x" * 101)],
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_type_cannot_hold_is_refused(
    kind: str, dialect: Dialect, things: Any, request: pytest.FixtureRequest
) -> None:
    numbers = {written: number for number, written in enumerate(dialect.types)}
    right = {f"c{number}": values[0] for number, values in enumerate(dialect.types.values())}

    async def scenario() -> None:
        async with model.open_database(new_source(kind, request)) as database:
            await database.create(things.SCHEMA)
            rows = things.ThingModel(database)
            for written, value in REFUSED[dialect.name]:
                with pytest.raises(errors.InvalidArgument):
                    await rows.insert(id=1, **{**right, f"c{numbers[written]}": value})
                    pytest.fail(f"{written} took {value!r}")
            assert await rows.count() == 0

    asyncio.run(scenario())
