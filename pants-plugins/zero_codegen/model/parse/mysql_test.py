"""What the DDL of MySQL is understood to say."""

import pytest

from zero_codegen.model import describe, read
from zero_codegen.model.schema import Column, EnumClass, NewUuid, Now, Table
from zero_codegen.model.types import (
    Binary,
    Blob,
    Boolean,
    Char,
    ColumnType,
    Constant,
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


def table(text: str) -> Table:
    (only,) = read(ContractFile("shop/shop.sql", "", text)).tables
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
        ("bit", Boolean(is_bit=True)),
        ("bit(1)", Boolean(is_bit=True)),
        ("char", Char(1, is_padded=True)),
        ("character(4)", Char(4, is_padded=True)),
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
        ("year(4)", Year()),
        ("time", Time(0)),
        ("time(3)", Time(3)),
        ("uuid", Uuid()),
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
    assert isinstance(default, Constant)
    assert (default.python, default.sqlite) == (python, sqlite)


@pytest.mark.parametrize(
    "now", ["current_timestamp", "CURRENT_TIMESTAMP()", "now()", "localtime", "localtimestamp(0)"]
)
def test_current_times(now: str) -> None:
    column = columns(f"a datetime not null default {now} on update {now}")["a"]
    assert (column.default, column.stamped, column.optional) == (Now.NOW, True, True)


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


def test_parts_are_kept_as_they_are_written() -> None:
    text = """
    create table -- of orders
    t (
      id int(11) auto_increment primary key, /* key */
      a varchar(9) character set latin1 unique comment '100%' -- last
        default 'x',
      b int generated always as (`c` + 1) stored check (b > 0), c int(9) not null references u (id)
    ) engine = InnoDB, auto_increment=7;
    create unique index `u``1` on t (a desc) using btree comment 'x';
    create index i on t (a(3), id);
    """
    found = table(text)
    assert [column.written for column in found.columns] == [
        "int(11) auto_increment",
        "varchar(9) character set latin1 comment '100%' default 'x'",
        "int generated always as (`c` + 1) stored",
        "int(9) not null",
    ]
    assert [(index.name, index.written, index.is_constraint) for index in found.indexes] == [
        ("a", "(`a`)", True),
        ("u`1", "(a desc) using btree comment 'x'", False),
        ("i", "(a(3), id)", False),
    ]
    assert found.options == "engine = InnoDB, auto_increment=7"


def test_enums_make_classes() -> None:
    contract = read(
        ContractFile(
            "shop.sql",
            "",
            "create table `order` (id int primary key, "
            " state enum('new', 'in progress', '3d', '') not null default 'new',"
            " kind enum('a') null)",
        )
    )
    state = Enum(
        "OrderState", (("NEW", "new"), ("IN_PROGRESS", "in progress"), ("VALUE_3D", "3d"), ("EMPTY", ""))
    )
    assert contract.enums == (
        EnumClass("OrderState", state.members),
        EnumClass("OrderKind", (("A", "a"),)),
    )
    column = contract.tables[0].columns[1]
    assert (column.type, column.default) == (state, state.constant("new"))


def test_foreign_keys() -> None:
    found = table(
        "create table t (id int primary key,"
        " a int references u (x) on delete set null, b int not null, c int,"
        " foreign key (b, c) references t2 (d, e) on update cascade on delete restrict,"
        " constraint f foreign key (c) references t (id) match simple)"
    )
    assert [
        (
            key.name,
            [column.name for column in key.columns],
            key.table,
            key.referred,
            key.on_delete,
            key.on_update,
        )
        for key in found.foreign_keys
    ] == [
        ("t_ibfk_1", ["a"], "u", ("x",), "SET NULL", "NO ACTION"),
        ("t_ibfk_2", ["b", "c"], "t2", ("d", "e"), "RESTRICT", "CASCADE"),
        ("f", ["c"], "t", ("id",), "NO ACTION", "NO ACTION"),
    ]
    assert found.references == ("u", "t2")


def test_conditions_and_generated_columns() -> None:
    found = table(
        "create table t (id int primary key, a int not null check (a > 0), b int as (a + 1),"
        " c int generated always as (a * 2)"
        " stored not null, d int, check (a < 9 and b > 1), constraint k check (c > 0) enforced)"
    )
    assert [(check.name, check.expression.text) for check in found.checks] == [
        ("t_chk_1", "a > 0"),
        ("t_chk_2", "a < 9 and b > 1"),
        ("k", "c > 0"),
    ]
    assert [
        (column.name, column.generated.text, column.is_stored, column.nullable)
        for column in found.columns
        if column.generated
    ] == [("b", "a + 1", False, True), ("c", "a * 2", True, False)]
    assert [column.name for column in found.inserted] == ["id", "a", "d"]


def test_what_is_made_of_a_key_is_never_null() -> None:
    found = table("create table t (id int, a int as (id + 1) not null, primary key (id))")
    assert [column.nullable for column in found.columns] == [False, False]


def test_later_statements_add_to_a_table() -> None:
    found = table("""
        /*!40101 SET NAMES utf8 */;
        SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '';
        SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
        DROP TABLE IF EXISTS `t`;
        CREATE TABLE `t` (`id` int(11) NOT NULL, `a` varchar(9), `b` int(11)) ENGINE=InnoDB;
        LOCK TABLES `t` WRITE;
        /*!40000 ALTER TABLE `t` DISABLE KEYS */;
        UNLOCK TABLES;
        ALTER TABLE `t` ADD PRIMARY KEY (`id`), ADD UNIQUE KEY `u` (`a`), ADD KEY (`b`);
        ALTER TABLE `t` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5;
        ALTER TABLE `t` ADD CONSTRAINT `f` FOREIGN KEY (`b`) REFERENCES `t` (`id`) ON DELETE CASCADE,
          ADD COLUMN c date NOT NULL, ADD CHECK (b > 1);
        COMMIT;
        """)
    assert [(column.name, column.auto_increment) for column in found.columns] == [
        ("id", True),
        ("a", False),
        ("b", False),
        ("c", False),
    ]
    assert found.key == (found.columns[0],) and found.columns[0].written == "int(11) NOT NULL AUTO_INCREMENT"
    assert [(index.name, index.unique) for index in found.indexes] == [("u", True), ("b", False)]
    assert [key.name for key in found.foreign_keys] == ["f"]
    assert [check.name for check in found.checks] == ["t_chk_1"]


def test_json_of_mariadb() -> None:
    declared = "j longtext character set utf8mb4 collate utf8mb4_bin default null check (json_valid(`j`))"
    column = columns(declared)["j"]
    assert (column.type, column.written) == (Json(), "json default null")
    assert table(f"create table t (id int primary key, {declared})").checks == ()


def test_defaults_in_parentheses() -> None:
    found = columns(
        "a text default ('x'), b json default ('[]'), c uuid default (uuid()), d bit(1) default b'1'"
    )
    assert found["a"].default == Text(2**16 - 1).constant("x")
    assert found["b"].default == Json().constant("[]")
    assert found["c"].default is NewUuid.NEW_UUID
    assert found["d"].default == Boolean(is_bit=True).constant(True)


def test_describes_what_is_generated() -> None:
    text = "create table a (id int primary key);\n  create table b_c (id int primary key);"
    models = describe(ContractFile("shop/shop.sql", "", text)).models
    assert [(model.table, model.row_class, model.model_class) for model in models] == [
        ("a", "A", "AModel"),
        ("b_c", "BC", "BCModel"),
    ]
    assert [(model.line, model.column) for model in models] == [(1, 14), (2, 16)]
