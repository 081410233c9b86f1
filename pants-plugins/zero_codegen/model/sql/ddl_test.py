"""The same table in the words of each database."""

from typing import get_args

import pytest

from zero_codegen.model import read
from zero_codegen.model.schema import Contract
from zero_codegen.model.settings import Dialect, Settings
from zero_codegen.model.sql import ddl
from zero_codegen.model.types import Float
from zero_codegen.source import ContractFile

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


def contract(text: str, dialect: Dialect = "mysql") -> Contract:
    return read(ContractFile("t.sql", "", text), Settings(dialect=dialect))


def parts(text: str, own: Dialect, dialect: Dialect) -> ddl.Parts:
    made = contract(text, own)
    return ddl.parts(made, made.tables[-1], dialect)


@pytest.mark.parametrize(
    ("written", "sqlite", "postgresql"),
    [
        (
            "tinyint",
            'INTEGER CONSTRAINT "c" CHECK ("c" BETWEEN -128 AND 127)',
            'smallint CONSTRAINT "c" CHECK ("c" BETWEEN -128 AND 127)',
        ),
        ("smallint", 'INTEGER CONSTRAINT "c" CHECK ("c" BETWEEN -32768 AND 32767)', "smallint"),
        (
            "mediumint unsigned",
            'INTEGER CONSTRAINT "c" CHECK ("c" BETWEEN 0 AND 16777215)',
            'integer CONSTRAINT "c" CHECK ("c" BETWEEN 0 AND 16777215)',
        ),
        (
            "int unsigned",
            'INTEGER CONSTRAINT "c" CHECK ("c" BETWEEN 0 AND 4294967295)',
            'bigint CONSTRAINT "c" CHECK ("c" BETWEEN 0 AND 4294967295)',
        ),
        ("bigint", "INTEGER", "bigint"),
        (
            "bigint unsigned",
            'INTEGER CONSTRAINT "c" CHECK ("c" >= 0)',
            'bigint CONSTRAINT "c" CHECK ("c" >= 0)',
        ),
        (
            "bool default true",
            'INTEGER DEFAULT 1 CONSTRAINT "c" CHECK ("c" IN (0, 1))',
            "boolean DEFAULT TRUE",
        ),
        ("decimal(5, 2)", "TEXT COLLATE decimal", "numeric(5, 2)"),
        ("float", "REAL", "real"),
        (
            "varchar(9)",
            'TEXT COLLATE NOCASE CONSTRAINT "c" CHECK (length("c") <= 9)',
            "varchar(9)",
        ),
        (
            "varchar(9) collate utf8mb4_bin",
            'TEXT CONSTRAINT "c" CHECK (length("c") <= 9)',
            "varchar(9)",
        ),
        (
            "tinytext collate utf8mb4_bin",
            'TEXT CONSTRAINT "c" CHECK (length(CAST("c" AS BLOB)) <= 255)',
            'text CONSTRAINT "c" CHECK (octet_length("c") <= 255)',
        ),
        ("json", 'TEXT CONSTRAINT "c" CHECK ("c" IS NULL OR json_valid("c"))', "jsonb"),
        (
            "binary(4)",
            'BLOB CONSTRAINT "c" CHECK (length("c") = 4)',
            'bytea CONSTRAINT "c" CHECK (octet_length("c") = 4)',
        ),
        ("time(3)", "TEXT", "time(3)"),
        (
            "datetime default now()",
            "TEXT DEFAULT (CURRENT_TIMESTAMP)",
            "timestamptz(0) DEFAULT CURRENT_TIMESTAMP",
        ),
        (
            "enum('a', 'b''s') default 'a'",
            "TEXT DEFAULT 'a' CONSTRAINT \"c\" CHECK (\"c\" IN ('a', 'b''s'))",
            "text DEFAULT 'a' CONSTRAINT \"c\" CHECK (\"c\" IN ('a', 'b''s'))",
        ),
        (
            "bigint as (`c2` + 1) virtual",
            'INTEGER GENERATED ALWAYS AS ("c2" + 1) VIRTUAL',
            'bigint GENERATED ALWAYS AS ("c2" + 1) STORED',
        ),
    ],
)
def test_columns_of_mysql_elsewhere(written: str, sqlite: str, postgresql: str) -> None:
    text = f"CREATE TABLE t (id int PRIMARY KEY, c {written}, c2 bigint)"
    assert parts(text, "mysql", "sqlite").columns["c"] == sqlite
    assert parts(text, "mysql", "postgresql").columns["c"] == postgresql
    assert parts(text, "mysql", "mysql").columns["c"] == written


@pytest.mark.parametrize(
    ("written", "mysql"),
    [
        ("boolean DEFAULT true", "bool DEFAULT 1"),
        ("text DEFAULT 'it''s \\'", "longtext DEFAULT ('it''s \\\\')"),
        ("jsonb NOT NULL DEFAULT '[1]'", "json NOT NULL DEFAULT ('[1]')"),
        ("uuid DEFAULT gen_random_uuid()", "char(36) CHARACTER SET ascii COLLATE ascii_bin"),
        ("timestamptz DEFAULT now()", "datetime(6) DEFAULT CURRENT_TIMESTAMP(6)"),
        ("numeric(10, 2) DEFAULT 1.5", "decimal(10, 2) DEFAULT '1.50'"),
        ("bytea", "longblob"),
    ],
)
def test_columns_of_postgresql_in_mysql(written: str, mysql: str) -> None:
    text = f"CREATE TABLE t (id integer PRIMARY KEY, c {written})"
    assert parts(text, "postgresql", "mysql").columns["c"] == mysql
    assert parts(text, "postgresql", "postgresql").columns["c"] == written


def test_what_a_type_of_mysql_does_not_refuse_is_a_constraint_of_the_table() -> None:
    made = parts("CREATE TABLE t (id integer PRIMARY KEY, a boolean)", "postgresql", "mysql")
    assert made.constraints == {"t_a": "CONSTRAINT `t_a` CHECK (`a` IN (0, 1))"}


def test_indexes() -> None:
    text = """CREATE TABLE t (id int PRIMARY KEY, a int, b text, UNIQUE KEY u (a), KEY k (a DESC) USING BTREE,
              KEY p (b(20)), KEY q (a, b(20)))"""
    assert parts(text, "mysql", "mysql").constraints == {
        "u": "UNIQUE KEY `u` (a)",
        "k": "KEY `k` (a DESC) USING BTREE",
        "p": "KEY `p` (b(20))",
        "q": "KEY `q` (a, b(20))",
    }
    assert parts(text, "mysql", "sqlite").indexes == {
        "t.k": 'CREATE INDEX "t.k" ON "t" ("a")',
        "t.p": 'CREATE INDEX "t.p" ON "t" ("b")',
        "t.q": 'CREATE INDEX "t.q" ON "t" ("a", "b")',
    }
    elsewhere = parts(text, "mysql", "postgresql")
    assert elsewhere.constraints == {"t_u": 'CONSTRAINT "t_u" UNIQUE ("a")'}
    assert elsewhere.indexes == {
        "t_k": 'CREATE INDEX "t_k" ON "t" ("a")',
        "t_p": 'CREATE INDEX "t_p" ON "t" USING hash ("b")',
        "t_q": 'CREATE INDEX "t_q" ON "t" ("a")',
    }


def test_foreign_keys_and_checks() -> None:
    text = """CREATE TABLE u (id int PRIMARY KEY);
              CREATE TABLE t (id int PRIMARY KEY, u_id int, CHECK (id > 0 AND id % 2 = 1),
                CONSTRAINT f FOREIGN KEY (u_id) REFERENCES u (id) ON DELETE SET NULL ON UPDATE CASCADE)"""
    for dialect in DIALECTS:
        quote = "`" if dialect == "mysql" else '"'
        reference = (
            'CONSTRAINT "f" FOREIGN KEY ("u_id") REFERENCES "u" ("id") ON DELETE SET NULL ON UPDATE CASCADE'
        )
        made = parts(text, "mysql", dialect)
        assert made.foreign_keys == {"f": reference.replace('"', quote)}
        (check,) = (each for each in made.constraints.values() if "CHECK" in each)
        assert check.startswith(f"CONSTRAINT {quote}t_chk_1{quote} CHECK (")


def test_names_of_constraints_are_those_of_one_table_where_they_have_to_be() -> None:
    text = """CREATE TABLE u (id integer PRIMARY KEY);
              CREATE TABLE t (id integer PRIMARY KEY, a integer CONSTRAINT positive CHECK (a > 0),
                u_id integer CONSTRAINT own REFERENCES u (id))"""
    assert set(parts(text, "postgresql", "postgresql").constraints) == {"positive"}
    assert set(parts(text, "postgresql", "mysql").constraints) == {"t_positive"}
    assert set(parts(text, "postgresql", "mysql").foreign_keys) == {"t_own"}


def test_long_names_are_cut_and_stay_apart() -> None:
    first, second = (f"{'i' * 60}_{number}" for number in (1, 2))
    table = "t" * 30
    text = f"CREATE TABLE {table} (id int PRIMARY KEY, a int, KEY {first} (a), KEY {second} (a, id))"
    names = list(parts(text, "mysql", "postgresql").indexes)
    assert len(set(names)) == 2 and max(map(len, names)) <= 63


def test_names_with_quotes() -> None:
    text = """CREATE TABLE t (id int PRIMARY KEY, a int, KEY `x``y"z` (a), CONSTRAINT `c"d` CHECK (a > 0))"""
    assert parts(text, "mysql", "mysql").constraints['x`y"z'] == 'KEY `x``y"z` (a)'
    assert parts(text, "mysql", "mysql").constraints['c"d'].startswith('CONSTRAINT `c"d` CHECK')
    assert parts(text, "mysql", "sqlite").indexes['t.x`y"z'] == 'CREATE INDEX "t.x`y""z" ON "t" ("a")'
    assert parts(text, "mysql", "postgresql").constraints['c"d'].startswith('CONSTRAINT "c""d" CHECK')


def test_constraints_that_are_called_as_a_column() -> None:
    """A column's own name has what its type does not refuse."""
    text = """CREATE TABLE u (id int unsigned PRIMARY KEY);
              CREATE TABLE t (id int PRIMARY KEY, u_id int unsigned, a tinyint, CONSTRAINT a CHECK (a > 0),
                CONSTRAINT u_id FOREIGN KEY (u_id) REFERENCES u (id))"""
    made = parts(text, "mysql", "postgresql")
    assert (set(made.constraints), set(made.foreign_keys)) == ({"a_"}, {"u_id_"})
    made = parts(
        "CREATE TABLE t (id integer PRIMARY KEY, a boolean CONSTRAINT a CHECK (a = true))",
        "postgresql",
        "mysql",
    )
    assert set(made.constraints) == {"t_a", "t_a_"}


def test_an_index_that_is_called_as_its_table() -> None:
    made = parts("CREATE TABLE book (id int PRIMARY KEY, book int UNIQUE)", "mysql", "postgresql")
    assert set(made.constraints) == {"book_book"}


def test_names_are_cut_by_octets() -> None:
    first, second = (f"{'名' * 25}{number}" for number in (1, 2))
    text = f"CREATE TABLE t (id int PRIMARY KEY, a int, KEY `{first}` (a), KEY `{second}` (a, id))"
    names = list(parts(text, "mysql", "postgresql").indexes)
    assert len(set(names)) == 2 and max(len(name.encode()) for name in names) <= 63


def test_what_else_postgresql_has() -> None:
    text = """CREATE TYPE mood AS ENUM ('sad', 'ok');
              CREATE TABLE t (id integer CONSTRAINT k PRIMARY KEY, m mood NOT NULL DEFAULT 'ok', UNIQUE (m));
              COMMENT ON TABLE t IS 'it''s'; COMMENT ON COLUMN t.m IS 'how';"""
    own = parts(text, "postgresql", "postgresql")
    assert own.key == 'CONSTRAINT "k" PRIMARY KEY ("id")'
    assert own.types == {
        "mood": "DO $$ BEGIN CREATE TYPE \"mood\" AS ENUM ('sad', 'ok');"
        " EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    }
    assert own.comments == (
        "COMMENT ON TABLE \"t\" IS 'it''s'",
        'COMMENT ON COLUMN "t"."m" IS \'how\'',
    )
    assert own.columns["m"] == "mood NOT NULL DEFAULT 'ok'"
    mysql = parts(text, "postgresql", "mysql")
    assert mysql.columns["m"] == "enum('sad', 'ok') NOT NULL DEFAULT 'ok' COMMENT 'how'"
    assert mysql.options == "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='it''s'"


def test_statements_of_a_whole_table() -> None:
    made = contract("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int, KEY (a)) ENGINE=InnoDB")
    assert ddl.definition(made, made.tables[0], "mysql") == (
        "CREATE TABLE `t` (\n  `id` int AUTO_INCREMENT,\n  `a` int,\n  PRIMARY KEY (`id`),\n  KEY `a` (a)\n)"
        " ENGINE=InnoDB",
    )
    assert ddl.definition(made, made.tables[0], "sqlite")[0].startswith(
        'CREATE TABLE "t" (\n  "id" INTEGER PRIMARY KEY AUTOINCREMENT,\n'
    )


def test_a_default_is_a_number_that_there_is() -> None:
    with pytest.raises(ValueError):
        Float().constant("1e999")
