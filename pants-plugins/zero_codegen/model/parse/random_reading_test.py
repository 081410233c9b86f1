"""Any table of any dialect is read as it was meant, and any text is read or refused with a place."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zero_codegen.diagnostics import ContractError
from zero_codegen.model import read
from zero_codegen.model.parse.lexicon import LEXICONS, Lexicon
from zero_codegen.model.settings import Dialect, Settings
from zero_codegen.model.types import (
    Binary,
    Blob,
    Boolean,
    Char,
    ColumnType,
    Date,
    DateTime,
    Decimal,
    Enum,
    Float,
    Integer,
    Json,
    Text,
    Time,
    Uuid,
    Year,
)
from zero_codegen.source import ContractFile

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
Draw = Callable[[st.SearchStrategy[Any]], Any]

TYPES: dict[Dialect, dict[str, ColumnType]] = {
    "mysql": {
        "tinyint": Integer(8),
        "smallint unsigned": Integer(16, unsigned=True),
        "mediumint": Integer(24),
        "int unsigned": Integer(32, unsigned=True),
        "bigint": Integer(64),
        "bool": Boolean(),
        "bit(1)": Boolean(is_bit=True),
        "year": Year(),
        "double": Float(),
        "float": Float(is_single=True),
        "decimal(12, 4)": Decimal(12, 4),
        "char(9)": Char(9, is_padded=True),
        "varchar(90)": Char(90),
        "text": Text(65535),
        "json": Json(),
        "binary(16)": Binary(16, is_fixed=True),
        "varbinary(9)": Binary(9),
        "blob": Blob(65535),
        "date": Date(),
        "time(3)": Time(3),
        "datetime(6)": DateTime(6),
        "timestamp": DateTime(0, is_timestamp=True),
    },
    "postgresql": {
        "smallint": Integer(16),
        "integer": Integer(32),
        "bigint": Integer(64),
        "boolean": Boolean(),
        "double precision": Float(),
        "real": Float(is_single=True),
        "numeric(12, 4)": Decimal(12, 4),
        "char(9)": Char(9, is_padded=True),
        "character varying(90)": Char(90),
        "text": Text(None),
        "jsonb": Json(),
        "bytea": Blob(None),
        "uuid": Uuid(),
        "date": Date(),
        "time(3) without time zone": Time(3),
        "timestamp": DateTime(6),
        "timestamp(3) with time zone": DateTime(3),
    },
    "sqlite": {
        "INTEGER": Integer(64),
        "SMALLINT": Integer(16),
        "BOOLEAN": Boolean(),
        "REAL": Float(),
        "DECIMAL(12, 4)": Decimal(12, 4),
        "VARCHAR(90)": Char(90),
        "TEXT": Text(None),
        "JSON": Json(),
        "BLOB": Blob(None),
        "UUID": Uuid(),
        "DATE": Date(),
        "TIME(3)": Time(3),
        "DATETIME": DateTime(0),
    },
}
DEFAULTS = {
    Integer: ("0", "7"),
    Boolean: ("0", "1"),
    Decimal: ("'1.5'", "0"),
    Char: ("''", "'it''s'"),
    Date: ("'2024-02-29'",),
}
NAMES = st.from_regex(r"[a-z]{2,8}(_[a-z]{2,8}){0,2}", fullmatch=True)
VALUES = st.lists(NAMES, min_size=1, max_size=3, unique_by=str.casefold)


@dataclass
class Meant:
    """A table as it is meant, with the statements that say so."""

    name: str
    columns: dict[str, tuple[ColumnType, bool, bool]] = field(default_factory=dict)
    """Type, whether it can be NULL, and whether it has a default, by name."""
    indexes: set[tuple[tuple[str, ...], bool]] = field(default_factory=set)
    references: set[str] = field(default_factory=set)
    statements: list[str] = field(default_factory=list)


@st.composite
def tables(draw: Draw, dialect: Dialect) -> Meant:
    lexicon = LEXICONS[dialect]
    meant = Meant(draw(NAMES))
    named = lexicon.quoted(meant.name)
    items: list[str] = []
    before: list[str] = []
    after: list[str] = []
    names = draw(
        st.lists(NAMES | st.sampled_from(sorted(lexicon.reserved)), min_size=1, max_size=6, unique=True)
    )
    indexable = []
    for name in names:
        written, type_ = _type(draw, lexicon, meant.name, name, before)
        default = _default(draw, dialect, type_)
        nullable = draw(st.booleans())
        null = draw(st.sampled_from(["", " NULL"])) if nullable else " NOT NULL"
        words = [default, null] if draw(st.booleans()) else [null, default]
        items.append(f"{lexicon.quoted(name)} {written}{''.join(words)}")
        meant.columns[name] = (type_, nullable, bool(default))
        if type_.is_indexable and not isinstance(type_, Enum):
            indexable.append(name)
    items.insert(0, _key(draw, dialect, named, after))
    meant.columns = {"zero_id": (Integer(64), False, False), **meant.columns}
    for name in indexable[:3]:
        _index(draw, dialect, meant, (name,), items, after)
    if draw(st.booleans()):
        name = draw(st.sampled_from(["friend", meant.name]))
        meant.references.add(name)
        referred = "zero_id" if name == meant.name else "id"
        reference = f"FOREIGN KEY (zero_id) REFERENCES {lexicon.quoted(name)} ({referred})"
        if draw(st.booleans()) or dialect == "sqlite":
            items.append(reference)
        else:
            after.append(f"ALTER TABLE {named} ADD CONSTRAINT zero_f {reference}")
    body = ",\n  ".join(items)
    meant.statements = [*before, f"CREATE TABLE {named} (\n  {body}\n)", *after]
    return meant


def _default(draw: Draw, dialect: Dialect, type_: ColumnType) -> str:
    if draw(st.booleans()) or type(type_) not in DEFAULTS:
        return ""
    default = draw(st.sampled_from(DEFAULTS[type(type_)]))
    if dialect == "postgresql" and isinstance(type_, Boolean):
        default = ("FALSE", "TRUE")[int(default)]
    return f" DEFAULT {default}"


def _type(draw: Draw, lexicon: Lexicon, table: str, column: str, before: list[str]) -> tuple[str, ColumnType]:
    if lexicon.dialect == "sqlite" or draw(st.integers(0, 4)):
        return draw(st.sampled_from(list(TYPES[lexicon.dialect].items())))  # type: ignore[no-any-return]
    values = draw(VALUES)
    listed = ", ".join(f"'{value}'" for value in values)
    members = tuple((value.upper(), value) for value in values)
    pascal = "".join(word.capitalize() for word in f"{table}_{column}".split("_"))
    if lexicon.dialect == "mysql":
        return f"ENUM({listed})", Enum(pascal, members)
    before.append(f"CREATE TYPE {table}_{column} AS ENUM ({listed})")
    return f"{table}_{column}", Enum(pascal, members)


def _key(draw: Draw, dialect: Dialect, table: str, after: list[str]) -> str:
    """The column of the primary key, which is declared in any of the ways that there are."""
    way = draw(st.sampled_from(["inline", "item", "later"]))
    column = "zero_id INTEGER" if dialect == "sqlite" else "zero_id bigint"
    if way == "inline" or dialect == "sqlite":
        return f"{column} PRIMARY KEY"
    if way == "item":
        return f"{column} NOT NULL, PRIMARY KEY (zero_id)"
    after.append(f"ALTER TABLE {table} ADD PRIMARY KEY (zero_id)")
    return f"{column} NOT NULL"


def _index(
    draw: Draw, dialect: Dialect, meant: Meant, columns: tuple[str, ...], items: list[str], after: list[str]
) -> None:
    quoted, unique = LEXICONS[dialect].quoted, draw(st.booleans())
    listed, table = ", ".join(map(quoted, columns)), quoted(meant.name)
    name = quoted(f"{'u' if unique else 'k'}_{'_'.join(columns)}")
    ways = [lambda: after.append(f"CREATE {'UNIQUE ' if unique else ''}INDEX {name} ON {table} ({listed})")]
    if unique:
        ways.append(lambda: items.append(f"UNIQUE ({listed})"))
        ways.append(lambda: items.append(f"CONSTRAINT {name} UNIQUE ({listed})"))
        if dialect != "sqlite":
            ways.append(lambda: after.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({listed})"))
    elif dialect == "mysql":
        ways.append(lambda: items.append(f"KEY ({listed})"))
        ways.append(lambda: after.append(f"ALTER TABLE {table} ADD INDEX {name} ({listed})"))
    meant.indexes.add((columns, unique))
    draw(st.sampled_from(ways))()


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
def test_tables_are_read_as_they_are_meant(dialect: Dialect, data: st.DataObject) -> None:
    meant = data.draw(tables(dialect))
    text = data.draw(st.sampled_from([";\n", "; -- and\n\n", " /* x */ ;"])).join(meant.statements)
    try:
        (table,) = read(ContractFile("t.sql", "", text), Settings(dialect=dialect)).tables
    except ContractError as error:
        # Python names are made of words: `a_b`, `class`, `class_` may meet.
        assert all(
            "Python" in each.message or "generated modules" in each.message for each in error.diagnostics
        ), text
        return
    assert table.name == meant.name
    found = {
        column.name: (column.type, column.nullable, column.default is not None) for column in table.columns
    }
    assert found == meant.columns
    assert [column.name for column in table.key] == ["zero_id"]
    assert {
        (tuple(column.name for column in each.columns), each.unique) for each in table.indexes
    } == meant.indexes
    assert {key.table for key in table.foreign_keys} == meant.references


SHOPS: dict[Dialect, str] = {
    "mysql": """
create table shop (
  id int unsigned not null auto_increment primary key, name varchar(20) default 'x' unique, -- names
  `class` decimal(5, 2) unsigned comment 'it''s', at datetime(3) default current_timestamp(3),
  kind enum('a', 'b') not null default 'a', owner int unsigned references shop (id) on delete set null,
  twice int as (owner * 2) stored, check (owner > 0 and (class < 3 or name like 'a%')),
  unique key u (name, `class`), key k (at desc) using btree
) engine=InnoDB comment='a shop';
create unique index v on shop (at);
alter table shop add constraint f foreign key (owner) references shop (id), modify name varchar(30);
-- name: all :many
select id, name from shop where owner = :owner order by id limit :most ;
""",
    "postgresql": """
\\restrict abc
create type kind as enum ('a', 'b');
create table public.shop (
  id bigserial primary key, "order" varchar(20) default 'x'::character varying unique, -- names
  at timestamp(3) with time zone not null default (now() at time zone 'utc'),
  kind kind default 'a'::public.kind,
  owner bigint references shop on delete set null, twice bigint generated always as (owner * 2) stored,
  constraint c check ((owner > 0) and (owner < 3)), text text default $$a$$
) with (fillfactor=70);
comment on column shop.at is E'when\\n';
create index on only shop using btree (at desc nulls last, owner);
alter table only shop alter column owner set default 5,
  add constraint f foreign key (owner) references shop (id);
""",
    "sqlite": """
pragma foreign_keys = on;
create table if not exists [shop] (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  `name` VARCHAR(20) NOT NULL COLLATE NOCASE DEFAULT 'x' UNIQUE, -- names
  at DATETIME DEFAULT (datetime('now')), owner INTEGER REFERENCES shop (id) ON DELETE CASCADE,
  twice INTEGER AS (owner * 2) VIRTUAL, CHECK (length(name) > 3)
) strict, without rowid;
create unique index main.v on shop (at);
""",
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_shops_are_read(dialect: Dialect) -> None:
    assert (
        read(ContractFile("shop.sql", "", SHOPS[dialect]), Settings(dialect=dialect)).tables[0].name == "shop"
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_whatever_is_written_is_read_or_refused_with_a_place(dialect: Dialect, data: st.DataObject) -> None:
    words = SHOPS[dialect].split(" ")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(words) - 1))
        other = data.draw(st.sampled_from(words) | st.text(string.punctuation + "a1\n", max_size=3))
        words[at : at + data.draw(st.integers(0, 2))] = [other]
    _read_or_refused(" ".join(words), dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(text=st.text(max_size=60) | st.text(string.printable, max_size=60))
@settings(deadline=None, max_examples=60)
def test_any_text_is_read_or_refused_with_a_place(dialect: Dialect, text: str) -> None:
    _read_or_refused(text, dialect)
    _read_or_refused(f"create table t (id int primary key, {text})", dialect)
    _read_or_refused(f"create table t (id int primary key, a int check ({text}))", dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "part",
    [
        f"check ({'(' * 3000}id > 0{')' * 3000})",
        f"check ({'not ' * 3000}id > 0)",
        f"check ({'id + ' * 3000}id > 0)",
        f"a json default ('{'[' * 9000}')",
        f"a int default {'9' * 5000}",
        f"a varchar({'9' * 5000})",
        f"a bit(1) default b'{'1' * 20000}'",
        f"a datetime default now({'9' * 5000})",
    ],
    ids=range(8),
)
def test_what_is_too_deep_or_too_large_is_refused(dialect: Dialect, part: str) -> None:
    with pytest.raises(ContractError):
        read(
            ContractFile("t.sql", "", f"create table t (id int primary key, {part})"),
            Settings(dialect=dialect),
        )


def _read_or_refused(text: str, dialect: Dialect) -> None:
    try:
        read(ContractFile("shop.sql", "", text), Settings(dialect=dialect))
    except ContractError as error:
        lines = text.split("\n")
        for diagnostic in error.diagnostics:
            assert 1 <= diagnostic.column <= len(lines[diagnostic.line - 1]) + 1
