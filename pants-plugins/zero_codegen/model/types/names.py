"""The names of types in each dialect, by the rules of its reference manual."""

from __future__ import annotations

from collections.abc import Mapping

from zero_codegen.model.settings import Dialect
from zero_codegen.model.syntax import TypeName
from zero_codegen.model.types import (
    Binary,
    Blob,
    Boolean,
    ColumnType,
    Date,
    Float,
    Integer,
    Json,
    Text,
    Unsupported,
    Uuid,
    Year,
)
from zero_codegen.model.types.makers import (
    MAX_UTF8_LENGTH,
    Maker,
    TypeNames,
    at_most,
    binary_float,
    datetime,
    decimal,
    integer,
    moments,
    plain,
    size,
    sized_decimal,
    texts,
    times,
)

MAX_CHAR_LENGTH = 255
MAX_VARCHAR_LENGTH = 65535
"""MySQL's, in characters of one byte."""

_KILO, _MEGA = 1 << 10, 1 << 20
_INTEGERS = {bits: integer(bits) for bits in (8, 16, 24, 32, 64)}


def _bit(type_name: TypeName) -> ColumnType:
    if size(type_name, 64, default=1) != 1:
        raise Unsupported("BIT of more than one bit is not supported: write BINARY or an integer type")
    return Boolean(is_bit=True)


def _year(type_name: TypeName) -> ColumnType:
    at_most(1, type_name)
    return Year()


def _binary(type_name: TypeName) -> ColumnType:
    return Binary(size(type_name, MAX_CHAR_LENGTH, least=1, default=1), is_fixed=True)


def _varbinary(type_name: TypeName) -> ColumnType:
    return Binary(size(type_name, MAX_VARCHAR_LENGTH, least=1))


def _text_of_any_length(type_name: TypeName) -> ColumnType:
    """VARCHAR of PostgreSQL and SQLite."""
    return _VARCHAR(type_name) if type_name.sizes else Text(None)


_VARCHAR = texts(MAX_UTF8_LENGTH)

_MYSQL: dict[str, Maker] = {
    **dict.fromkeys(("TINYINT", "INT1"), _INTEGERS[8]),
    **dict.fromkeys(("SMALLINT", "INT2"), _INTEGERS[16]),
    **dict.fromkeys(("MEDIUMINT", "INT3", "MIDDLEINT"), _INTEGERS[24]),
    **dict.fromkeys(("INT", "INTEGER", "INT4"), _INTEGERS[32]),
    **dict.fromkeys(("BIGINT", "INT8"), _INTEGERS[64]),
    **dict.fromkeys(("BOOL", "BOOLEAN"), plain(Boolean())),
    "BIT": _bit,
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DEC", "FIXED"), decimal),
    **dict.fromkeys(("FLOAT", "FLOAT4", "DOUBLE", "DOUBLE PRECISION", "REAL", "FLOAT8"), binary_float),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR"), texts(MAX_CHAR_LENGTH, default=1, is_padded=True)),
    **dict.fromkeys(("VARCHAR", "CHARACTER VARYING", "CHAR VARYING", "NVARCHAR"), texts(MAX_VARCHAR_LENGTH)),
    "TINYTEXT": plain(Text(255)),
    "TEXT": plain(Text(64 * _KILO - 1)),
    "MEDIUMTEXT": plain(Text(16 * _MEGA - 1)),
    "LONGTEXT": plain(Text(None)),
    "JSON": plain(Json()),
    "BINARY": _binary,
    "VARBINARY": _varbinary,
    "TINYBLOB": plain(Blob(255)),
    "BLOB": plain(Blob(64 * _KILO - 1)),
    "MEDIUMBLOB": plain(Blob(16 * _MEGA - 1)),
    "LONGBLOB": plain(Blob(None)),
    "DATE": plain(Date()),
    "YEAR": _year,
    "TIME": times(0),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), datetime),
    "UUID": plain(Uuid()),
}

_POSTGRESQL: dict[str, Maker] = {
    **dict.fromkeys(("SMALLINT", "INT2", "SMALLSERIAL", "SERIAL2"), plain(Integer(16))),
    **dict.fromkeys(("INTEGER", "INT", "INT4", "SERIAL", "SERIAL4"), plain(Integer(32))),
    **dict.fromkeys(("BIGINT", "INT8", "BIGSERIAL", "SERIAL8"), plain(Integer(64))),
    **dict.fromkeys(("BOOLEAN", "BOOL"), plain(Boolean())),
    **dict.fromkeys(("NUMERIC", "DECIMAL", "DEC"), sized_decimal),
    **dict.fromkeys(("REAL", "FLOAT4"), plain(Float(is_single=True))),
    **dict.fromkeys(("DOUBLE PRECISION", "FLOAT8"), plain(Float())),
    "FLOAT": lambda type_name: Float(is_single=size(type_name, 53, default=53) <= 24),
    **dict.fromkeys(("CHAR", "CHARACTER"), texts(MAX_UTF8_LENGTH, default=1, is_padded=True)),
    **dict.fromkeys(("VARCHAR", "CHARACTER VARYING", "CHAR VARYING"), _text_of_any_length),
    "TEXT": plain(Text(None)),
    "BYTEA": plain(Blob(None)),
    **dict.fromkeys(("JSON", "JSONB"), plain(Json())),
    "UUID": plain(Uuid()),
    "DATE": plain(Date()),
    **dict.fromkeys(("TIME", "TIME WITHOUT TIME ZONE"), times(6)),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE"), moments(6)),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), moments(6)),
}

_SQLITE: dict[str, Maker] = {
    **dict.fromkeys(("INTEGER", "INT", "BIGINT", "INT8"), _INTEGERS[64]),
    "MEDIUMINT": _INTEGERS[24],
    **dict.fromkeys(("SMALLINT", "INT2"), _INTEGERS[16]),
    "TINYINT": _INTEGERS[8],
    **dict.fromkeys(("BOOLEAN", "BOOL"), plain(Boolean())),
    **dict.fromkeys(("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT"), plain(Float())),
    **dict.fromkeys(("NUMERIC", "DECIMAL"), sized_decimal),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR"), _VARCHAR),
    **dict.fromkeys(("VARCHAR", "CHARACTER VARYING", "CHAR VARYING", "NVARCHAR"), _text_of_any_length),
    **dict.fromkeys(("TEXT", "CLOB"), plain(Text(None))),
    "BLOB": plain(Blob(None)),
    **dict.fromkeys(("JSON", "JSONB"), plain(Json())),
    "UUID": plain(Uuid()),
    "DATE": plain(Date()),
    "TIME": times(0),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), moments(0)),
}

_GEOMETRIES = frozenset(
    {"GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON"}
    | {"GEOMETRYCOLLECTION", "GEOMCOLLECTION"}
)
_INSTEAD = {
    "SET": "JSON, or a table of its own",
    "SERIAL": "BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY",
    "BYTEA": "BLOB",
    "JSONB": "JSON",
    "LONG": "MEDIUMTEXT",
    **dict.fromkeys(("STRING", "CLOB"), "VARCHAR(255) or TEXT"),
    "NATIONAL": "VARCHAR or CHAR",
    "VECTOR": "JSON or BLOB",
    "INET4": "VARCHAR(15), and let logic check the values",
    "INET6": "VARCHAR(45), and let logic check the values",
    "TIMESTAMPTZ": "TIMESTAMP: times are kept in UTC",
}
_INSTEAD_IN_POSTGRESQL = {
    "MONEY": "NUMERIC(12, 2)",
    "BIT": "BOOLEAN, BYTEA or an integer type",
    "BIT VARYING": "BYTEA",
    "INTERVAL": "INTEGER for a number of seconds",
    "INET": "VARCHAR(45), and let logic check the values",
    "CIDR": "VARCHAR(49), and let logic check the values",
    "MACADDR": "VARCHAR(17), and let logic check the values",
    "XML": "TEXT",
    "CITEXT": "TEXT, and let logic fold its case",
    "HSTORE": "JSONB",
    "TSVECTOR": "TEXT: full text is searched elsewhere",
    "VECTOR": "JSONB or BYTEA",
    "BPCHAR": "VARCHAR",
    "NAME": "VARCHAR(63)",
    "OID": "BIGINT",
    "TIMETZ": "TIME: times are kept in UTC",
    "TIME WITH TIME ZONE": "TIME: times are kept in UTC",
    "ENUM": "CREATE TYPE … AS ENUM before the table",
    "DATETIME": "TIMESTAMPTZ",
    **dict.fromkeys(("TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "STRING", "CLOB"), "TEXT"),
    **dict.fromkeys(("BLOB", "BINARY", "VARBINARY", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB"), "BYTEA"),
    "TINYINT": "SMALLINT",
    "MEDIUMINT": "INTEGER",
    "DOUBLE": "DOUBLE PRECISION",
    **dict.fromkeys(
        ("INT4RANGE", "INT8RANGE", "NUMRANGE", "TSRANGE", "TSTZRANGE", "DATERANGE"), "two columns"
    ),
}
_INSTEAD_IN_SQLITE = {
    "ENUM": "TEXT with a CHECK",
    "ANY": "the type of its values",
    "SERIAL": "INTEGER PRIMARY KEY",
    "TIMESTAMPTZ": "TIMESTAMP: times are kept in UTC",
    "BYTEA": "BLOB",
}

TYPE_NAMES: Mapping[Dialect, TypeNames] = {
    "mysql": TypeNames(
        _MYSQL, _INSTEAD, _GEOMETRIES, frozenset({*_INTEGERS.values(), decimal, binary_float})
    ),
    "postgresql": TypeNames(
        _POSTGRESQL,
        _INSTEAD_IN_POSTGRESQL,
        {"POINT", "LINE", "LSEG", "BOX", "PATH", "POLYGON", "CIRCLE", "GEOMETRY", "GEOGRAPHY"},
    ),
    "sqlite": TypeNames(_SQLITE, _INSTEAD_IN_SQLITE, _GEOMETRIES, frozenset(_INTEGERS.values())),
}

SERIALS = frozenset({"SMALLSERIAL", "SERIAL2", "SERIAL", "SERIAL4", "BIGSERIAL", "SERIAL8"})
"""PostgreSQL's names of integers that count by themselves."""
