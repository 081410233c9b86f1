"""What the DDL of MySQL is refused for, and where: `«` stands before the place in these examples."""

import pytest

from zero_codegen.diagnostics import ContractError, Diagnostic
from zero_codegen.model import read
from zero_codegen.source import ContractFile

MARK = "«"


def refused(text: str) -> list[Diagnostic]:
    with pytest.raises(ContractError) as error:
        read(ContractFile("shop.sql", "", text))
    return list(error.value.diagnostics)


def check(marked: str, message: str, hint: str | None) -> None:
    """The DDL has one mistake, and that at the mark."""
    before, _, after = marked.partition(MARK)
    (diagnostic,) = refused(before + after)
    assert (diagnostic.message, diagnostic.hint) == (message, hint)
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (diagnostic.line, diagnostic.column) == (line, column)
    assert diagnostic.source_line == (before + after).split("\n")[line - 1]


@pytest.mark.parametrize(
    ("column", "message", "hint"),
    [
        ("«a", "column `a` has no type", None),
        ("a «varchr(10)", "unknown type `VARCHR`", "did you mean `VARCHAR`?"),
        ("a enum «not null", "expected `(`", None),
        ("a enum('x', «'x')", "the value `x` is there twice", None),
        (
            "a «enum('x', 'X')",
            "the values `x` and `X` have the same Python name `X`",
            "write VARCHAR, with a CHECK of its values",
        ),
        (
            "a «enum('名')",
            "the value `名` makes no Python name: letters of ASCII and digits do",
            "write VARCHAR, with a CHECK of its values",
        ),
        ("a «set('x')", "type SET is not supported", "write JSON, or a table of its own"),
        (
            "a «bit(3)",
            "BIT of more than one bit is not supported: write BINARY or an integer type",
            None,
        ),
        (
            "a «serial",
            "type SERIAL is not supported",
            "write BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY",
        ),
        ("a «point not null", "spatial types are not supported: POINT", None),
        ("a «string", "type STRING is not supported", "write VARCHAR(255) or TEXT"),
        ("a «varchar(0)", "VARCHAR has a length of 1 at least", None),
        ("a «binary(0)", "BINARY has a length of 1 at least", None),
        ("a int not «nul", "expected `NULL`", None),
        ("a int «primary key(id)", "a `,` is missing before this key", None),
        ("a int«,", "nothing follows this `,`", "leave it out"),
        (
            "a int not null, b int as (a + 1), c int as («b + 1)",
            "a generated column cannot be made of the generated column `b`",
            "PostgreSQL has none like it: write out what that is made of",
        ),
        ("a «varchar", "VARCHAR needs a length: VARCHAR(255)", None),
        ("a «char(256)", "CHAR goes up to CHAR(255)", None),
        ("a «datetime(7)", "DATETIME goes up to DATETIME(6)", None),
        ("a «text(9)", "TEXT takes no number in parentheses", None),
        ("a «int(9, 9)", "INT takes one number in parentheses", None),
        ("a «decimal(66)", "DECIMAL has 1 to 65 digits", None),
        ("a «decimal(5, 6)", "DECIMAL(5) has at most 5 digits behind the point", None),
        ("a «float(54)", "FLOAT goes up to FLOAT(53)", None),
        ("a «double(5)", "DOUBLE with a fixed number of digits is not supported: write DECIMAL", None),
        ("a «double(5, 2)", "DOUBLE with a fixed number of digits is not supported: write DECIMAL", None),
        ("a varchar(«x)", "expected a number", None),
        ("a «date unsigned", "DATE cannot be UNSIGNED", None),
        ("a int «invisible", "`invisible` is not understood here", None),
        ("a int «coment 'x'", "`coment` is not understood here", "did you mean `COMMENT`?"),
        ("a int comment «x", "expected a text in quotes", None),
        ("a int references b «id", "`id` is not understood here", None),
        (
            "a int references b (id) on delete «set default",
            "SET DEFAULT is not supported: MySQL does not have it",
            None,
        ),
        (
            "a int references b (id) on delete «nothing",
            "expected `NO ACTION`, `RESTRICT`, `CASCADE` or `SET NULL`",
            None,
        ),
        ("a int references b (id) on delete cascade «on delete cascade", "ON DELETE is said twice", None),
        (
            "a int references b (id) match «full",
            "only MATCH SIMPLE is supported: other databases know nothing else",
            None,
        ),
        (
            "a int not null «references b (id) on delete set null",
            "ON DELETE SET NULL is for columns that can be NULL",
            None,
        ),
        ("a int check «a > 1", "expected `(`", None),
        ("a int check («)", "expected an expression", None),
        ("a int check (a «> )", "the expression cannot be read from here on", None),
        ("a int check (a«::int > 1)", "`::` is not MySQL's", "write CAST(… AS …)"),
        ("a int check («aa > 1)", "there is no column `aa`", "did you mean `a`?"),
        (
            "a int check (a > 1) «not enforced",
            "a condition that is not enforced is not supported: leave it out",
            None,
        ),
        ("a int default 1 «generated always as (id)", "a generated column has no DEFAULT", None),
        ("a int as («b) virtual", "there is no column `b`", None),
        ("a int not null «not null", "NOT NULL is said twice", None),
        ("a int comment 'x' «comment 'y'", "COMMENT is said twice", None),
        ("a int not null «null", "a column with NOT NULL is never NULL", None),
        (
            "a varchar(3) character set «binary",
            "texts without a character set are bytes",
            "write BINARY, VARBINARY or BLOB as the type",
        ),
        ("«`a b` int", "column name `a b` makes no Python name: letters of ASCII, digits and `_` do", None),
        ("«`名` int", "column name `名` makes no Python name: letters of ASCII, digits and `_` do", None),
        ("«order int", "`order` is a reserved word of MySQL", "a name like this stands in back-quotes"),
        ("«'a' int", "expected the name of a column", None),
        ("a int, «A int", "column `A` is declared twice", None),
        ("aB int, «a_b int", "columns `aB` and `a_b` have the same Python name `a_b`", None),
        ("a int («b", "expected a number", None),
        ("a int, «, b int", "expected the name of a column", None),
    ],
)
def test_columns(column: str, message: str, hint: str | None) -> None:
    check(f"create table t (\n\tid int primary key,\n\t{column}\n)", message, hint)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("a int «default 'x'", "`x` is not a value of type INT"),
        ("a int «default '1_0'", "`1_0` is not a value of type INT"),
        ("a int «default 1.5", "`1.5` is not a value of type INT"),
        ("a tinyint «default 128", "128 is out of range: -128 to 127"),
        ("a tinyint unsigned «default -1", "-1 is out of range: 0 to 255"),
        ("a bool «default 'true'", "`true` is not a value of type BOOL"),
        ("a bool «default 2", "`2` is not a value of type BOOL"),
        ("a double unsigned «default -0.5", "-0.5 is negative, the column is UNSIGNED"),
        ("a double «default 'nan'", "`nan` is not a value of type DOUBLE"),
        ("a decimal(3, 1) «default 99.95", "`99.95` is not a value of type DECIMAL"),
        ("a decimal(3, 1) unsigned «default -1", "-1.0 is negative, the column is UNSIGNED"),
        ("a varchar(2) «default 'abc'", "the default is longer than 2 characters"),
        ("a blob «default 'x'", "MySQL allows no default for a column of this type"),
        ("a date «default '2023-02-29'", "`2023-02-29` is not a value of type DATE"),
        ("a date «default TRUE", "`TRUE` is not a value of type DATE"),
        (
            "a datetime «default '0000-00-00 00:00:00'",
            "`0000-00-00 00:00:00` is not a value of type DATETIME",
        ),
        (
            "a datetime «default '2020-01-01T00:00:00'",
            "`2020-01-01T00:00:00` is not a value of type DATETIME",
        ),
        (
            "a datetime(1) «default '2020-01-01 00:00:00.12'",
            "`2020-01-01 00:00:00.12` is not a value of type DATETIME",
        ),
        (
            "a timestamp «default '2040-01-01 00:00:00'",
            "a TIMESTAMP is from 1970-01-01 00:00:01 on and before 2038-01-19 03:14:08",
        ),
        ("a int not null «default null", "a column that is NOT NULL cannot have NULL as its default"),
        ("a int «default current_timestamp", "CURRENT_TIMESTAMP is for DATETIME and TIMESTAMP columns"),
        ("a date «default now()", "CURRENT_TIMESTAMP is for DATETIME and TIMESTAMP columns"),
        ("a int «on update now()", "CURRENT_TIMESTAMP is for DATETIME and TIMESTAMP columns"),
        (
            "a int default «(1 + 2)",
            "a default is a constant or CURRENT_TIMESTAMP: expressions are not supported",
        ),
        (
            "a int default «x'1F'",
            "a default is a constant or CURRENT_TIMESTAMP: expressions are not supported",
        ),
        ("a datetime on update «5", "expected `CURRENT_TIMESTAMP`"),
        ("a varchar(5) default 'a' «'b'", "`b` is not understood here"),
    ],
)
def test_defaults(column: str, message: str) -> None:
    check(f"create table t (id int primary key, {column})", message, None)


@pytest.mark.parametrize("type_", ["text", "json"])
def test_defaults_that_need_parentheses(type_: str) -> None:
    check(
        f"create table t (id int primary key, a {type_} «default '1')",
        "MySQL allows no default for a column of this type",
        "a default in parentheses is one of MySQL 8",
    )


def test_a_new_uuid_for_a_text() -> None:
    text = "create table t (id int primary key, a char(40) «default (uuid()))"
    check(text, "a new UUID is for UUID columns", "write UUID or CHAR(36) as the type")


def test_a_time_of_other_digits_than_its_column() -> None:
    message = "the time has other fractional digits than its column"
    check(
        "create table t (id int primary key, a datetime(3) «default now())",
        message,
        "write CURRENT_TIMESTAMP(3)",
    )
    check(
        "create table t (id int primary key, a datetime «on update now(6))",
        message,
        "write CURRENT_TIMESTAMP",
    )


TOO_LONG = "column `t` is too long for a key of MySQL"
WRITE_VARCHAR = "write VARCHAR or VARBINARY as its type"


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        ("«primary key (a)", "table `x` has two primary keys", None),
        ("key («aa)", "table `x` has no column `aa`", "did you mean `a`?"),
        ("unique (a, «A)", "column `A` is in the key twice", None),
        ("key k (a), «index K (b)", "table `x` has two indexes of the name `K`", None),
        ("«key `primary` (a)", "table `x` has two indexes of the name `primary`", None),
        ("unique («t)", TOO_LONG, WRITE_VARCHAR),
        ("key («t)", TOO_LONG, WRITE_VARCHAR),
        ("unique («t(10))", "a unique key over the beginning of a column is not supported", None),
        ("key («(lower(a)))", "an index over an expression is not supported", None),
        ("key (lower(«a))", "an index over an expression is not supported", None),
        ("«fulltext key (t)", "full text indexes are not supported", None),
        ("«spatial index (t)", "spatial indexes are not supported", None),
        ("foreign key («aa) references y (id)", "table `x` has no column `aa`", "did you mean `a`?"),
        ("foreign key (a) «reference y (id)", "expected `REFERENCES`", None),
        (
            "constraint f foreign key (a) references y (id), «constraint F foreign key (b) references y (id)",
            "table `x` has two foreign keys of the name `F`",
            None,
        ),
        (
            "constraint f check (a > 0), constraint F check («b > 0)",
            "table `x` has two conditions of the name `F`",
            None,
        ),
        ("«like y", "a table made like another is not supported: write its columns", None),
        ("key (a) using «rtree", "expected `BTREE` or `HASH`", None),
        ("constraint u «key (a)", "expected `PRIMARY KEY`, `UNIQUE`, `FOREIGN KEY` or `CHECK`", None),
        (
            "key (a_b), «key (a, b)",
            "two indexes over different columns make the method `find_many_by_a_b`",
            None,
        ),
    ],
)
def test_keys(key: str, message: str, hint: str | None) -> None:
    check(f"create table x (id int primary key, a int, b int, a_b int, t text, {key})", message, hint)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id int, «a int auto_increment", "AUTO_INCREMENT column `a` has to be the primary key"),
        ("«id varchar(9) auto_increment primary key", "AUTO_INCREMENT column `id` is no integer"),
        ("«id int default 1 auto_increment primary key", "AUTO_INCREMENT column `id` cannot have a default"),
        (
            "«a int auto_increment, b int, primary key (a, b)",
            "AUTO_INCREMENT column `a` has to be the primary key",
        ),
        ("a datetime default now() «primary key", "CURRENT_TIMESTAMP cannot be the default of the key `a`"),
        ("a int «null primary key", "a column with PRIMARY KEY is never NULL"),
    ],
)
def test_primary_keys(table: str, message: str) -> None:
    text = f"create table t ({table})"
    assert message in [diagnostic.message for diagnostic in refused(text.replace(MARK, ""))]
    place = text.index(MARK) + 1
    assert [found.column for found in refused(text.replace(MARK, "")) if found.message == message] == [place]


COUNTED = "an expression about the AUTO_INCREMENT column `id` is not supported"


@pytest.mark.parametrize("part", ["check («id > 0)", "a int check (a < «`id`)", "a int as («id + 1) stored"])
def test_expressions_about_what_is_counted(part: str) -> None:
    check(
        f"create table t (id int auto_increment primary key, {part})",
        COUNTED,
        "MySQL computes it before the column has its number",
    )


KINDS = "a contract declares tables and indexes: CREATE TABLE, CREATE INDEX"
ELSEWHERE = "run other statements where the database is set up"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("«", "no table is declared here", None),
        ("«-- nothing\n", "no table is declared here", None),
        ("«drop table t", KINDS, ELSEWHERE),
        ("create table t (id int primary key); drop table if exists «t", "table `t` is declared above", None),
        ("«creat table t (id int)", KINDS, "did you mean `CREATE`?"),
        (
            "create table t (id int primary key)\n«create table u (id int primary key)",
            "a `;` is missing before this statement",
            None,
        ),
        ("alter table «t add unique (a)", "table `t` is not declared above", None),
        (
            "create table t (id int primary key); alter table t «drop column a",
            "a contract declares what is: write it so in CREATE TABLE, and `zero-migrate` writes the change",
            None,
        ),
        (
            "create table t (id int primary key); alter table t modify «idd int",
            "table `t` has no column `idd`",
            "did you mean `id`?",
        ),
        ("create table t (id int primary key); alter table t «ad (b)", "`ad` is not understood here", None),
        ("«create view v as select 1", KINDS, ELSEWHERE),
        ("create «temporary table t (id int)", "temporary tables are not supported", None),
        ("create «or replace table t (id int)", "CREATE OR REPLACE would drop the rows of the table", None),
        ("create «fulltext index i on t (a)", "full text indexes are not supported", None),
        ("create table t «like u", "a table made like another is not supported: write its columns", None),
        ("create table t «as select 1", "a table made by a query is not supported: write its columns", None),
        (
            "create table «shop.t (id int primary key)",
            "a table is named without its database, which comes with the DataSource",
            None,
        ),
        ("create table t «id int", "expected `(`", None),
        ("create table t (id int primary «key", "expected `,` or `)`, but the statement ends here", None),
        (
            "create table t (id int primary key) «engin=innodb",
            "`engin` is not understood here",
            "did you mean `ENGINE`?",
        ),
        (
            "create table t (id int primary key) «engine",
            "expected a value, but the statement ends here",
            None,
        ),
        ("create table t (id int primary key) «partition by hash (id)", "partitions are not supported", None),
        (
            "create table t (id int primary key) «/*!50100 partition by hash (id) */",
            "a comment that servers execute is not supported",
            "write it as plain SQL, or leave it out",
        ),
        ("create table t (id int primary key) comment «'x", "a text begins here and does not end", None),
        ("create table t (id int primary key) «/* x", "a comment begins here and does not end", None),
        ("create table «`t (id int primary key)", "a name begins here and does not end", None),
        (
            "create table «t (id int)",
            "table `t` has no primary key",
            "give it one, such as `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY",
        ),
        (
            "create table «`none` (id int primary key)",
            "table name `none` makes no name for a Python class",
            None,
        ),
        (
            "create table «`a-b` (id int primary key)",
            "table name `a-b` makes no name for a Python class",
            None,
        ),
        (
            "create table t (id int primary key); create table «T (id int primary key)",
            "table `T` is declared twice",
            None,
        ),
        (
            "create table user (id int primary key); create table «user_model (id int primary key)",
            "tables `user` and `user_model` have the same Python name `UserModel`",
            None,
        ),
        (
            "create table a_b (id int primary key, c enum('x'));"
            "create table a (id int primary key, «b_c enum('y'))",
            "enums `a_b.c` and `a.b_c` have the same Python name `ABC`",
            None,
        ),
        (
            "create table «any (id int primary key)",
            "what generated modules call `Any` and table `any` have the same Python name `Any`",
            None,
        ),
        (
            "create table user (id int primary key); create index i on «users (id)",
            "table `users` is not declared above",
            "did you mean `user`?",
        ),
        (
            "create table user (id int primary key); create index i on user (id) «visibly",
            "`visibly` is not understood here",
            None,
        ),
    ],
)
def test_statements(text: str, message: str, hint: str | None) -> None:
    check(text, message, hint)


def test_one_run_shows_all_mistakes() -> None:
    text = """\
create table user (
  id bigint unsigned not null auto_increment,
  name varchr(20),
  kind enum('a', 'a'),
\tcity int references city (id) match full, born tinyint default 300,
  primary key (id), unique (name), key (nmae)
);
drop table user;
create table city (id int, key (id);
create index i on city (id);
create table town (id int)"""
    assert [diagnostic.render().split("\n", 1)[0] for diagnostic in refused(text)] == [
        "shop.sql:3:8: unknown type `VARCHR`",
        "shop.sql:4:18: the value `a` is there twice",
        "shop.sql:5:38: only MATCH SIMPLE is supported: other databases know nothing else",
        "shop.sql:5:57: 300 is out of range: -128 to 127",
        "shop.sql:6:41: table `user` has no column `nmae`",
        "shop.sql:8:1: a contract declares tables and indexes: CREATE TABLE, CREATE INDEX",
        "shop.sql:9:35: expected `,` or `)`, but the statement ends here",
        "shop.sql:11:14: table `town` has no primary key",
    ]
