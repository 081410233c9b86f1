"""From the words of a type (`bigint(20) unsigned`) to a column type: what the dialects have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.syntax import TypeName
from zero_codegen.model.types import (
    MAX_TIME_DIGITS,
    Char,
    ColumnType,
    DateTime,
    Decimal,
    Float,
    Integer,
    Time,
    Unsupported,
)

MAX_DECIMAL_PRECISION = 65
MAX_DECIMAL_SCALE = 30
"""MySQL's; PostgreSQL would go to 1000, SQLite has texts."""

SINGLE_BITS, DOUBLE_BITS = 24, 53
"""Significant bits of the floats of four and of eight bytes, as `FLOAT(24)` counts them."""

MAX_UTF8_LENGTH = 16383
"""Characters of the longest VARCHAR that MySQL has, of four bytes each."""

Maker = Callable[[TypeName], ColumnType]
"""Makes the type that a name with its numbers is. Raises Unsupported."""


@dataclass(frozen=True, slots=True)
class TypeNames:
    """The types of a dialect: those that are served, and what to write in place of some others."""

    makers: Mapping[str, Maker]
    instead: Mapping[str, str]
    spatial: Iterable[str] = ()
    signed: frozenset[Maker] = frozenset()
    """The makers of types that may be UNSIGNED."""

    def refusal(self, name: str) -> tuple[str, str | None] | None:
        """Why a type is not served and what to write in its place; None for one that is."""
        if name in self.makers:
            return None
        if name in self.spatial:
            return f"spatial types are not supported: {name}", None
        if name in self.instead:
            return f"type {name} is not supported", f"write {self.instead[name]}"
        return f"unknown type `{name}`", did_you_mean(name, self.makers)

    def make(self, type_name: TypeName) -> ColumnType:
        """The type of a name that is served. Raises Unsupported."""
        maker = self.makers[type_name.name]
        if type_name.unsigned and maker not in self.signed:
            raise Unsupported(f"{type_name.name} cannot be UNSIGNED")
        return maker(type_name)


def integer(bits: int) -> Maker:
    def make(type_name: TypeName) -> ColumnType:
        at_most(1, type_name)  # a display width: it says nothing about the values
        return Integer(bits, type_name.unsigned)

    return make


def decimal(type_name: TypeName) -> ColumnType:
    at_most(2, type_name)
    name, sizes = type_name.name, type_name.sizes
    precision, scale = (*sizes, *(10, 0)[len(sizes) :])
    if not 1 <= precision <= MAX_DECIMAL_PRECISION:
        raise Unsupported(f"{name} has 1 to {MAX_DECIMAL_PRECISION} digits")
    most = min(precision, MAX_DECIMAL_SCALE)
    if scale > most:
        raise Unsupported(f"{name}({precision}) has at most {most} digits behind the point")
    return Decimal(precision, scale, type_name.unsigned)


def sized_decimal(type_name: TypeName) -> ColumnType:
    """NUMERIC where it has any number of digits if none are written."""
    if not type_name.sizes:
        raise Unsupported(f"{type_name.name} needs its digits: {type_name.name}(12, 2)")
    return decimal(type_name)


def binary_float(type_name: TypeName) -> ColumnType:
    name = type_name.name
    is_double = name not in ("FLOAT", "FLOAT4")
    if len(type_name.sizes) > (0 if is_double else 1):
        raise Unsupported(f"{name} with a fixed number of digits is not supported: write DECIMAL")
    bits = size(type_name, DOUBLE_BITS, default=DOUBLE_BITS if is_double else SINGLE_BITS)
    return Float(type_name.unsigned, is_single=bits <= SINGLE_BITS)


def texts(largest: int, *, default: int | None = None, is_padded: bool = False) -> Maker:
    """CHAR and VARCHAR of up to `largest` characters."""

    def make(type_name: TypeName) -> ColumnType:
        return Char(size(type_name, largest, least=1, default=default), is_padded=is_padded)

    return make


def datetime(type_name: TypeName) -> ColumnType:
    return DateTime(size(type_name, MAX_TIME_DIGITS, default=0), is_timestamp=type_name.name == "TIMESTAMP")


def moments(digits: int) -> Maker:
    """Times of a day and a date, with `digits` if none are written."""

    def make(type_name: TypeName) -> ColumnType:
        return DateTime(size(type_name, MAX_TIME_DIGITS, default=digits))

    return make


def times(digits: int) -> Maker:
    """Times of a day, with `digits` if none are written."""

    def make(type_name: TypeName) -> ColumnType:
        return Time(size(type_name, MAX_TIME_DIGITS, default=digits))

    return make


def plain(type_: ColumnType) -> Maker:
    def make(type_name: TypeName) -> ColumnType:
        at_most(0, type_name)
        return type_

    return make


def size(type_name: TypeName, largest: int, *, least: int = 0, default: int | None = None) -> int:
    """The one number in parentheses."""
    at_most(1, type_name)
    name = type_name.name
    number = type_name.sizes[0] if type_name.sizes else default
    if number is None:
        raise Unsupported(f"{name} needs a length: {name}(255)")
    if number < least:
        raise Unsupported(f"{name} has a length of {least} at least")
    if number > largest:
        raise Unsupported(f"{name} goes up to {name}({largest})")
    return number


def at_most(count: int, type_name: TypeName) -> None:
    if len(type_name.sizes) > count:
        numbers = ("no number", "one number", "two numbers")[count]
        raise Unsupported(f"{type_name.name} takes {numbers} in parentheses")
