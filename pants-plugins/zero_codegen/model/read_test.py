"""What DDL is understood to say."""

import pytest

from zero_codegen.model import ddl, describe, read, statements
from zero_codegen.model.column_types import (
    Binary,
    Blob,
    Boolean,
    Char,
    ColumnType,
    Date,
    DateTime,
    Decimal,
    Float,
    Integer,
    Json,
    Text,
)
from zero_codegen.model.schema import Column, Now, Table
from zero_codegen.source import ContractFile


def table(text: str) -> Table:
    (only,) = read(ContractFile("shop/shop.sql", "", text))
    return only


def columns(declared: str, options: str = "") -> dict[str, Column]:
    found = table(f"create table t (id int primary key, {declared}) {options}").columns
    return {column.name: column for column in found[1:]}


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("tinyint(1)", Integer(8)),
        ("INT1 unsigned", Integer(8, unsigned=True)),
        ("smallint", Integer(16)),
        ("int2 signed", Integer(16)),
        ("mediumint zerofill", Integer(24, unsigned=True)),
        ("middleint", Integer(24)),
        ("int", Integer(32)),
        ("integer(11) unsigned", Integer(32, unsigned=True)),
        ("int8", Integer(64)),
        ("bigint unsigned", Integer(64, unsigned=True)),
        ("bool", Boolean()),
        ("boolean", Boolean()),
        ("decimal", Decimal(10, 0)),
        ("numeric(4)", Decimal(4, 0)),
        ("dec(65, 30) unsigned", Decimal(65, 30, unsigned=True)),
        ("fixed(3,3)", Decimal(3, 3)),
        ("float", Float(is_single=True)),
        ("float(24) unsigned", Float(unsigned=True, is_single=True)),
        ("float(25)", Float()),
        ("double precision", Float()),
        ("real", Float()),
        ("char", Char(1)),
        ("character(4)", Char(4)),
        ("varchar(21845)", Char(21845)),
        ("character varying(4)", Char(4)),
        ("tinytext", Text(2**8 - 1)),
        ("text", Text(2**16 - 1)),
        ("mediumtext", Text(2**24 - 1)),
        ("longtext", Text(None)),
        ("json", Json()),
        ("binary", Binary(1, is_fixed=True)),
        ("varbinary(16)", Binary(16)),
        ("tinyblob", Blob(2**8 - 1)),
        ("blob", Blob(2**16 - 1)),
        ("mediumblob", Blob(2**24 - 1)),
        ("longblob", Blob(None)),
        ("date", Date()),
        ("datetime", DateTime()),
        ("datetime(6)", DateTime(6)),
        ("timestamp(3)", DateTime(3, is_timestamp=True)),
    ],
)
def test_types(written: str, type_: ColumnType) -> None:
    assert columns(f"a {written}")["a"].type == type_


def test_columns_are_nullable_unless_they_say_otherwise() -> None:
    found = columns("a int, b int null, c int not null, d int unique, e int default 1, f int default null")
    assert [column.name for column in found.values() if not column.nullable] == ["c"]
    assert [name for name, column in found.items() if not column.optional] == ["c"]
    keyed = table("create table t (a int, b int, primary key (b, a))")
    assert [(column.name, column.nullable) for column in keyed.key] == [("b", False), ("a", False)]


@pytest.mark.parametrize(
    ("declared", "python", "sqlite"),
    [
        ("int default '-5'", "-5", "-5"),
        ("int default +5", "5", "5"),
        ("int default true", "1", "1"),
        ("bool default 1", "True", "1"),
        ("bool default false", "False", "0"),
        ("double default 1e3", "1000.0", "1000.0"),
        ("decimal(5,2) default 1.5", 'decimal.Decimal("1.50")', "'1.50'"),
        ("decimal(3,1) default '1.20'", 'decimal.Decimal("1.2")', "'1.2'"),
        ("varchar(5) default ''", '""', "''"),
        ("varchar(5) default 'it''s'", '"it\'s"', "'it''s'"),
        (r"varchar(5) default 'a\nb'", r'"a\nb"', "'a\nb'"),
        ("varchar(5) default 0", '"0"', "'0'"),
        ('char(5) default "x"', '"x"', "'x'"),
        ("date default '2024-02-29'", "dt.date(2024, 2, 29)", "'2024-02-29'"),
        ("datetime default '2024-02-29'", "dt.datetime(2024, 2, 29, tzinfo=dt.UTC)", "'2024-02-29 00:00:00'"),
        (
            "datetime(3) default '2024-02-29 01:02:03.4'",
            "dt.datetime(2024, 2, 29, 1, 2, 3, 400000, tzinfo=dt.UTC)",
            "'2024-02-29 01:02:03.400'",
        ),
    ],
)
def test_constant_defaults(declared: str, python: str, sqlite: str) -> None:
    default = columns(f"a {declared}")["a"].default
    assert default is not None and not isinstance(default, Now)
    assert (default.python, default.sqlite) == (python, sqlite)


@pytest.mark.parametrize(
    "now", ["current_timestamp", "CURRENT_TIMESTAMP()", "now()", "localtime", "localtimestamp(0)"]
)
def test_current_times(now: str) -> None:
    column = columns(f"a datetime not null default {now} on update {now}")["a"]
    assert (column.default, column.stamped, column.optional) == (Now.NOW, True, True)


@pytest.mark.parametrize(
    ("digits", "sqlite"),
    [
        (0, "CURRENT_TIMESTAMP"),
        (1, "substr(strftime('%Y-%m-%d %H:%M:%f', 'now'), 1, 21)"),
        (3, "strftime('%Y-%m-%d %H:%M:%f', 'now')"),
        (6, "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"),
    ],
)
def test_current_times_have_the_digits_of_their_column(digits: int, sqlite: str) -> None:
    now = f"current_timestamp({digits})"
    stamp = table(f"create table t (id int primary key, a datetime({digits}) on update {now} default {now})")
    assert ddl.sqlite_now(stamp.columns[1]) == sqlite
    assert statements.update(stamp).sqlite == f'UPDATE "t" SET "a" = {sqlite} WHERE "id" = ?'


def test_texts_are_exact_where_their_collation_is() -> None:
    found = columns(
        "a varchar(9), b varchar(9) collate utf8mb4_general_ci, c varchar(9) character set latin1,"
        " d varchar(9) collate 'utf8mb4_bin', e varchar(9) charset utf8mb4 collate utf8mb4_0900_as_cs",
        "default charset = utf8mb4, collate utf8mb4_bin",
    )
    assert [name for name, column in found.items() if column.exact] == ["a", "d", "e"]


def test_names_in_python() -> None:
    found = columns("userID int, `class` int, bytes int, `self` int, date date")
    assert [column.python_name for column in found.values()] == [
        "user_id",
        "class_",
        "bytes_",
        "self_",
        "date",
    ]
    order = table("create table `user_order` (id int primary key)")
    assert (order.row_class, order.model_class) == ("UserOrder", "UserOrderModel")


def test_indexes_without_a_name_get_that_of_mysql() -> None:
    found = table(
        "create table t (a int primary key, b int unique, c int, key (b), key b_3 (c), unique (b, c))"
    )
    assert [(index.name, index.unique) for index in found.indexes] == [
        ("b", True),
        ("b_2", False),
        ("b_3", False),
        ("b_4", True),
    ]


def test_a_list_of_columns_is_looked_up_once_and_by_its_unique_index() -> None:
    found = table(
        "create table t (a int primary key, b int, c int,"
        " key (b), unique u (b), key (b, c), key (c, b), unique v (a), key (b, c), constraint w unique (c))"
    )
    assert [(index.name, index.unique) for index in found.finders] == [
        ("u", True),
        ("c", False),
        ("b_3", False),
        ("w", True),
    ]


def test_mysql_gets_what_people_wrote() -> None:
    text = """
    create table -- of orders
    t (
      id int primary key, /* key */
      a varchar(9) comment '100%' -- last
    ) engine = InnoDB;
    create unique index `u``1` on t (a desc) using btree comment 'x';
    create index i on t (a(3), id);
    """
    assert table(text).mysql == """\
create table -- of orders
    IF NOT EXISTS t (
      id int primary key, /* key */
      a varchar(9) comment '100%',
  UNIQUE INDEX `u``1` (a desc) using btree comment 'x',
  INDEX `i` (a(3), id) -- last
    ) engine = InnoDB"""


def test_mysql_is_not_told_twice_to_make_no_table_that_exists() -> None:
    text = "CREATE TABLE IF NOT EXISTS `t` (`id` int PRIMARY KEY)"
    assert table(text).mysql == text


def test_sqlite_quotes_names() -> None:
    found = table('create table `order` (`select` int primary key, `from` int, key `a"b` (`from`))')
    assert ddl.sqlite(found) == (
        'CREATE TABLE IF NOT EXISTS "order" (\n'
        '  "select" INTEGER PRIMARY KEY NOT NULL'
        ' CONSTRAINT "select" CHECK ("select" BETWEEN -2147483648 AND 2147483647),\n'
        '  "from" INTEGER CONSTRAINT "from" CHECK ("from" BETWEEN -2147483648 AND 2147483647)\n'
        ") STRICT",
        'CREATE INDEX IF NOT EXISTS "order.a""b" ON "order" ("from")',
    )


def test_describes_what_is_generated() -> None:
    text = "create table a (id int primary key);\n  create table b_c (id int primary key);"
    models = describe(ContractFile("shop/shop.sql", "", text)).models
    assert [(model.table, model.row_class, model.model_class) for model in models] == [
        ("a", "A", "AModel"),
        ("b_c", "BC", "BCModel"),
    ]
    assert [(model.line, model.column) for model in models] == [(1, 14), (2, 16)]
