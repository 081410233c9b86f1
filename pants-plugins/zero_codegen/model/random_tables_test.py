"""Any table of supported columns: what is generated for it is formatted, and stores what it is given."""

import asyncio
import datetime as dt
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, TypeAlias

import black
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zero_codegen.model import read
from zero_codegen.model.emit import module
from zero_codegen.model.schema import Table
from zero_codegen.source import ContractFile
from zero_runtime import testing

Values: TypeAlias = st.SearchStrategy[Any]

TEXT = st.characters(codec="utf-8", exclude_characters="\0")


def _fractions(precision: int, scale: int) -> Values:
    largest = 10**precision - 1
    return st.integers(-largest, largest).map(lambda number: Decimal(f"{number}e-{scale}"))


def _moments(digits: int, first: int, last: int) -> Values:
    unit = 10 ** (6 - digits)
    return st.datetimes(dt.datetime(first, 1, 2), dt.datetime(last, 1, 2), timezones=st.just(dt.UTC)).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // unit * unit)
    )


def _time_type(name: str, first: int, last: int) -> st.SearchStrategy[tuple[str, Values]]:
    return st.integers(0, 6).map(lambda digits: (f"{name}({digits})", _moments(digits, first, last)))


def _decimal_type(precision: int, scale: int) -> tuple[str, Values]:
    scale = min(scale, precision)
    return f"decimal({precision}, {scale})", _fractions(precision, scale)


KEY_TYPES: st.SearchStrategy[tuple[str, Values]] = st.one_of(
    st.sampled_from(
        [
            (f"{name} {sign}", st.integers(low, high))
            for name, bits in (("tinyint", 8), ("smallint", 16), ("mediumint", 24), ("int", 32))
            for sign, low, high in (
                ("", -(2 ** (bits - 1)), 2 ** (bits - 1) - 1),
                ("unsigned", 0, 2**bits - 1),
            )
        ]
    ),
    st.just(("bigint", st.integers(-(2**63), 2**63 - 1))),
    st.just(("bool", st.booleans())),
    st.integers(1, 40).map(
        lambda size: (f"varchar({size}) collate utf8mb4_bin", st.text(TEXT, max_size=size))
    ),
    st.integers(1, 20).map(lambda size: (f"binary({size})", st.binary(min_size=size, max_size=size))),
    st.integers(1, 40).map(lambda size: (f"varbinary({size})", st.binary(max_size=size))),
    st.just(("date", st.dates(dt.date(1000, 1, 1)))),
    _time_type("datetime", 1000, 9998),
    _time_type("timestamp", 1970, 2038),
    st.builds(_decimal_type, st.integers(1, 65), st.integers(0, 30)),
)
TYPES = KEY_TYPES | st.sampled_from(
    [
        ("double", st.floats(allow_nan=False, allow_infinity=False)),
        ("float unsigned", st.floats(0, 2.0**127, width=32)),
        ("time(6)", st.times()),
        ("year", st.integers(1901, 2155)),
        ("bit(1)", st.booleans()),
        ("enum('a', 'b c', '2')", st.sampled_from(["a", "b c", "2"])),
        ("char(9)", st.text(TEXT, max_size=9).map(lambda text: text.rstrip(" "))),
        ("longtext", st.text(TEXT)),
        ("tinyblob", st.binary(max_size=255)),
        ("json", st.dictionaries(st.text(TEXT, max_size=3), st.booleans() | st.none())),
    ]
)
# As long as people's names are: black breaks lines in another way that a table's and a column's name fill.
NAMES = st.from_regex(r"[a-z]{1,3}(_[a-z]{2,9}){0,3}", fullmatch=True)


@dataclass(frozen=True)
class Sample:
    """A table with one key column `k`, and two rows for it: as it is inserted, and as it is updated to."""

    ddl: str
    first: dict[str, Any]
    second: dict[str, Any]
    unique: str | None


@st.composite
def samples(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Sample:
    key_type, key_values = draw(KEY_TYPES)
    first = {"k": draw(key_values)}
    second = dict(first)
    lines = [f"`k` {key_type} primary key"]
    names = draw(st.lists(NAMES.filter(lambda name: name != "k"), max_size=8, unique=True))
    unique = draw(st.sampled_from(names)) if names and draw(st.booleans()) else None
    for name in names:
        sql_type, values = draw(KEY_TYPES if name == unique else TYPES)
        is_nullable = name != unique and draw(st.booleans())
        lines.append(f"`{name}` {sql_type} {'null' if is_nullable else 'not null'}")
        for row in (first, second):
            row[name] = draw(st.none() | values) if is_nullable else draw(values)
    if unique:
        lines.append(f"unique key (`{unique}`)")
    table = draw(NAMES)
    return Sample(f"create table `{table}` ({', '.join(lines)})", first, second, unique)


def test_long_names_are_formatted() -> None:
    columns = f"k int primary key, {'x' * 40} decimal(5, 2), {'y' * 36} enum('a') not null"
    ddl = f"create table {'of_' * 6}it ({columns})"
    source = module.source("sample.sql", read(ContractFile("sample.sql", "", ddl)))
    assert black.format_str(source, mode=black.Mode(line_length=100)) == source


@given(samples())
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_generated_repositories_are_formatted_and_store_what_they_are_given(sample: Sample) -> None:
    file = ContractFile("sample.sql", "", sample.ddl)
    contract = read(file)
    source = module.source(file.name, contract)
    assert black.format_str(source, mode=black.Mode(line_length=100)) == source
    asyncio.run(_use(source, sample, contract.tables[0]))


async def _use(source: str, sample: Sample, table: Table) -> None:
    python_names = {column.name: column.python_name for column in table.columns}
    module = ModuleType("sample_model")
    sys.modules[module.__name__] = module  # where msgspec looks for the types of annotations
    exec(compile(source, "sample_model.py", "exec"), module.__dict__)
    first, second = (
        {python_names[name]: value for name, value in row.items()} for row in (sample.first, sample.second)
    )
    key = {"k": first["k"]}
    new_row = getattr(module, table.new_class)
    async with testing.database(module.SCHEMA) as database:
        repository = getattr(module, table.model_class)(database)
        row = await repository.insert(**first)
        assert _members(row, first) == first
        assert await repository.find_one(**key) == row
        if sample.unique:
            finder = getattr(repository, f"find_one_by_{python_names[sample.unique].strip('_')}")
            assert await finder(first[python_names[sample.unique]]) == row
        changed = getattr(module, table.row_class)(**second)
        if hasattr(repository, "update"):
            assert await repository.update(changed) is True
            assert await repository.find_one(**key) == changed
            changes = {name: value for name, value in first.items() if name != "k"}
            assert await repository.update_columns(**key, **changes) is True
            assert await repository.find_one(**key) == row
        assert await repository.upsert(**second) == changed
        assert await repository.delete(**key) is True
        assert await repository.find_one(**key) is None
        assert await repository.insert_many([new_row(**first)]) == 1
        assert await repository.find_one(**key) == row


def _members(row: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
