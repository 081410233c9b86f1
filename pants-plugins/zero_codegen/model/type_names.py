"""From the words of the DDL (`bigint(20) unsigned`) to a column type, by the rules of MySQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.column_types import (
    MAX_TIME_DIGITS,
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
    Unsupported,
)

MAX_DECIMAL_PRECISION = 65
MAX_DECIMAL_SCALE = 30
SINGLE_BITS, DOUBLE_BITS = 24, 53
"""Significant bits of the floats of four and of eight bytes, as `FLOAT(24)` counts them."""
MAX_CHAR_LENGTH = 255
MAX_VARCHAR_LENGTH = 65535

_KILO, _MEGA = 1 << 10, 1 << 20

_Maker = Callable[[str, Sequence[int], bool], ColumnType]
"""Makes a type of its name, its numbers and whether it is UNSIGNED."""


def column_type(name: str, sizes: Sequence[int], *, unsigned: bool) -> ColumnType:
    """The type called `name`, one that is served, with the numbers in its parentheses. Raises Unsupported."""
    if unsigned and name not in _SIGNED:
        raise Unsupported(f"{name} cannot be UNSIGNED")
    return _TYPES[name](name, sizes, unsigned)


def refusal(name: str) -> tuple[str, str | None] | None:
    """Why a type is not served and what to write in its place; None for one that is."""
    if name in _TYPES:
        return None
    if name in _SPATIAL:
        return f"spatial types are not supported: {name}", None
    if name in _INSTEAD:
        return f"type {name} is not supported", f"write {_INSTEAD[name]}"
    return f"unknown type `{name}`", did_you_mean(name, _TYPES)


def _integer(bits: int) -> _Maker:
    def make(name: str, sizes: Sequence[int], unsigned: bool) -> ColumnType:
        _at_most(1, name, sizes)  # a display width: it says nothing about the values
        return Integer(bits, unsigned)

    return make


def _decimal(name: str, sizes: Sequence[int], unsigned: bool) -> ColumnType:
    _at_most(2, name, sizes)
    precision, scale = (*sizes, *(10, 0)[len(sizes) :])
    if not 1 <= precision <= MAX_DECIMAL_PRECISION:
        raise Unsupported(f"{name} has 1 to {MAX_DECIMAL_PRECISION} digits")
    if scale > min(precision, MAX_DECIMAL_SCALE):
        raise Unsupported(
            f"{name}({precision}) has at most {min(precision, MAX_DECIMAL_SCALE)} digits behind the point"
        )
    return Decimal(precision, scale, unsigned)


def _float(name: str, sizes: Sequence[int], unsigned: bool) -> ColumnType:
    is_double = name not in ("FLOAT", "FLOAT4")
    if len(sizes) > (0 if is_double else 1):
        raise Unsupported(f"{name} with a fixed number of digits is not supported: write DECIMAL")
    bits = _size(name, sizes, DOUBLE_BITS, default=DOUBLE_BITS if is_double else SINGLE_BITS)
    return Float(unsigned, is_single=bits <= SINGLE_BITS)


def _char(name: str, sizes: Sequence[int], _: bool) -> ColumnType:
    return Char(_size(name, sizes, MAX_CHAR_LENGTH, default=1))


def _varchar(name: str, sizes: Sequence[int], _: bool) -> ColumnType:
    return Char(_size(name, sizes, MAX_VARCHAR_LENGTH))


def _binary(name: str, sizes: Sequence[int], _: bool) -> ColumnType:
    return Binary(_size(name, sizes, MAX_CHAR_LENGTH, default=1), is_fixed=True)


def _varbinary(name: str, sizes: Sequence[int], _: bool) -> ColumnType:
    return Binary(_size(name, sizes, MAX_VARCHAR_LENGTH))


def _datetime(name: str, sizes: Sequence[int], _: bool) -> ColumnType:
    return DateTime(_size(name, sizes, MAX_TIME_DIGITS, default=0), is_timestamp=name == "TIMESTAMP")


def _plain(type_: ColumnType) -> _Maker:
    def make(name: str, sizes: Sequence[int], _: bool) -> ColumnType:
        _at_most(0, name, sizes)
        return type_

    return make


def _size(name: str, sizes: Sequence[int], largest: int, *, default: int | None = None) -> int:
    _at_most(1, name, sizes)
    size = sizes[0] if sizes else default
    if size is None:
        raise Unsupported(f"{name} needs a length: {name}(255)")
    if size > largest:
        raise Unsupported(f"{name} goes up to {name}({largest})")
    return size


def _at_most(count: int, name: str, sizes: Sequence[int]) -> None:
    if len(sizes) > count:
        raise Unsupported(f"{name} takes {('no number', 'one number', 'two numbers')[count]} in parentheses")


_INTEGERS = {bits: _integer(bits) for bits in (8, 16, 24, 32, 64)}
_TYPES: dict[str, _Maker] = {
    **dict.fromkeys(("TINYINT", "INT1"), _INTEGERS[8]),
    **dict.fromkeys(("SMALLINT", "INT2"), _INTEGERS[16]),
    **dict.fromkeys(("MEDIUMINT", "INT3", "MIDDLEINT"), _INTEGERS[24]),
    **dict.fromkeys(("INT", "INTEGER", "INT4"), _INTEGERS[32]),
    **dict.fromkeys(("BIGINT", "INT8"), _INTEGERS[64]),
    **dict.fromkeys(("BOOL", "BOOLEAN"), _plain(Boolean())),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DEC", "FIXED"), _decimal),
    **dict.fromkeys(("FLOAT", "FLOAT4", "DOUBLE", "DOUBLE PRECISION", "REAL", "FLOAT8"), _float),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR"), _char),
    **dict.fromkeys(("VARCHAR", "CHARACTER VARYING", "NVARCHAR"), _varchar),
    "TINYTEXT": _plain(Text(255)),
    "TEXT": _plain(Text(64 * _KILO - 1)),
    "MEDIUMTEXT": _plain(Text(16 * _MEGA - 1)),
    "LONGTEXT": _plain(Text(None)),
    "JSON": _plain(Json()),
    "BINARY": _binary,
    "VARBINARY": _varbinary,
    "TINYBLOB": _plain(Blob(255)),
    "BLOB": _plain(Blob(64 * _KILO - 1)),
    "MEDIUMBLOB": _plain(Blob(16 * _MEGA - 1)),
    "LONGBLOB": _plain(Blob(None)),
    "DATE": _plain(Date()),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), _datetime),
}
_SIGNED = frozenset(name for name, make in _TYPES.items() if make in (*_INTEGERS.values(), _decimal, _float))
_SPATIAL = frozenset(
    {"GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON"}
    | {"GEOMETRYCOLLECTION", "GEOMCOLLECTION"}
)
_INSTEAD = {
    "ENUM": "VARCHAR, and let logic check the values",
    "SET": "JSON, or a table of its own",
    "BIT": "BOOL, BINARY or an integer type",
    "YEAR": "SMALLINT UNSIGNED",
    "TIME": "INT for a number of seconds, or DATETIME",
    "SERIAL": "BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY",
    "UUID": "BINARY(16) or CHAR(36)",
    "BYTEA": "BLOB",
    "LONG": "MEDIUMTEXT",
    "NATIONAL": "VARCHAR or CHAR",
    "TIMESTAMPTZ": "TIMESTAMP: times are kept in UTC",
}
