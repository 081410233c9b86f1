"""Types of numbers and truth values."""

from __future__ import annotations

import decimal
import math
import re
from dataclasses import dataclass

from zero_codegen.model.settings import Dialect
from zero_codegen.model.types.base import (
    ColumnType,
    Constant,
    Unsupported,
    number_text,
    plain_constant,
    text_constant,
)
from zero_codegen.python import Bracketed, Piece, string

DECIMAL_COLLATION = "decimal"
"""Compares decimals in SQLite, where they are texts: `zero_runtime.model.values.compare_decimals`."""


@dataclass(frozen=True, slots=True)
class Integer(ColumnType):
    """TINYINT to BIGINT, signed and unsigned."""

    bits: int
    unsigned: bool = False

    @property
    def annotation(self) -> str:
        return "int"

    @property
    def minimum(self) -> int:
        return 0 if self.unsigned else -(1 << self.bits - 1)

    @property
    def maximum(self) -> int:
        return (1 << self.bits) - 1 if self.unsigned else (1 << self.bits - 1) - 1

    def sql(self, dialect: Dialect) -> str:
        if dialect == "sqlite":
            return "INTEGER"
        if dialect == "mysql":
            name = {8: "tinyint", 16: "smallint", 24: "mediumint", 32: "int", 64: "bigint"}[self.bits]
            return f"{name} unsigned" if self.unsigned else name
        return {16: "smallint", 32: "integer", 64: "bigint"}[self._postgresql_bits]

    def constant(self, value: str | bool) -> Constant:
        number = int(number_text(value))
        if not self.minimum <= number <= self.maximum:
            raise Unsupported(f"{number} is out of range: {self.minimum} to {self.maximum}")
        return plain_constant(str(number))

    def check(self, column: str, dialect: Dialect) -> str | None:
        if dialect == "mysql" or (
            dialect == "postgresql" and not self.unsigned and self.bits == self._postgresql_bits
        ):
            return None
        if self.bits == 64:
            return f"{column} >= 0" if self.unsigned else None
        return f"{column} BETWEEN {self.minimum} AND {self.maximum}"

    @property
    def _postgresql_bits(self) -> int:
        return next(bits for bits in (16, 32, 64) if bits >= min(64, self.bits + self.unsigned))


@dataclass(frozen=True, slots=True)
class Year(Integer):
    """YEAR of MySQL: one byte that holds 1901 to 2155, and 0."""

    bits: int = 16
    unsigned: bool = True

    def sql(self, dialect: Dialect) -> str:
        return "year" if dialect == "mysql" else Integer(16).sql(dialect)

    def constant(self, value: str | bool) -> Constant:
        if not re.fullmatch(r"0|0000|19\d\d|2[01]\d\d", str(value)) or not _is_year(int(value)):
            raise Unsupported(f"{value} is out of range: 1901 to 2155")
        return plain_constant(str(int(value)))

    def check(self, column: str, dialect: Dialect) -> str | None:
        return None if dialect == "mysql" else f"{column} = 0 OR {column} BETWEEN 1901 AND 2155"


@dataclass(frozen=True, slots=True)
class Boolean(ColumnType):
    """BOOL, and BIT(1) of MySQL (`is_bit`)."""

    is_bit: bool = False

    @property
    def annotation(self) -> str:
        return "bool"

    def sql(self, dialect: Dialect) -> str:
        return {"sqlite": "INTEGER", "mysql": "bool", "postgresql": "boolean"}[dialect]

    def constant(self, value: str | bool) -> Constant:
        truths = {True: True, "1": True, "t": True, "true": True}
        truth = (truths | dict.fromkeys((False, "0", "f", "false"), False)).get(value)
        if truth is None:
            raise ValueError(value)
        number = str(int(truth))
        return Constant(str(truth), number, number, str(truth).upper())

    def check(self, column: str, dialect: Dialect) -> str | None:
        return None if dialect == "postgresql" else f"{column} IN (0, 1)"

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"None if {value} is None else {value} != 0" if nullable else f"{value} != 0"

    def selected(self, column: str, dialect: Dialect) -> str:
        # A BIT comes as a byte.
        return f"{column} + 0" if self.is_bit and dialect == "mysql" else column


@dataclass(frozen=True, slots=True)
class Float(ColumnType):
    """FLOAT and DOUBLE; `is_single` of four bytes."""

    unsigned: bool = False
    is_single: bool = False

    @property
    def annotation(self) -> str:
        return "float"

    def sql(self, dialect: Dialect) -> str:
        if dialect == "sqlite":
            return "REAL"
        if dialect == "mysql":
            return f"{'float' if self.is_single else 'double'}{' unsigned' if self.unsigned else ''}"
        return "real" if self.is_single else "double precision"

    def constant(self, value: str | bool) -> Constant:
        number = float(number_text(value))
        if not math.isfinite(number):
            raise ValueError(value)
        if self.unsigned and number < 0:
            raise Unsupported(f"{number} is negative, the column is UNSIGNED")
        return plain_constant(repr(number))

    def check(self, column: str, dialect: Dialect) -> str | None:
        return f"{column} >= 0" if self.unsigned and dialect != "mysql" else None

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        name = "encode_single" if self.is_single else "encode_float"
        return Bracketed(f"model.{name}(", (value,), ")")

    def selected(self, column: str, dialect: Dialect) -> str:
        # MySQL would write no more than six digits of four bytes.
        return f"{column} + 0E0" if self.is_single and dialect == "mysql" else column


@dataclass(frozen=True, slots=True)
class Decimal(ColumnType):
    """DECIMAL. SQLite has no exact fractions: there it is text with a fixed number of fractional digits."""

    precision: int = 10
    scale: int = 0
    unsigned: bool = False

    @property
    def annotation(self) -> str:
        return "decimal.Decimal"

    def sql(self, dialect: Dialect) -> str:
        if dialect == "sqlite":
            return "TEXT"
        name = "decimal" if dialect == "mysql" else "numeric"
        sign = " unsigned" if self.unsigned and dialect == "mysql" else ""
        return f"{name}({self.precision}, {self.scale}){sign}"

    def constant(self, value: str | bool) -> Constant:
        try:
            number = decimal.Decimal(number_text(value))
            context = decimal.Context(prec=self.precision, traps=[decimal.InvalidOperation, decimal.Inexact])
            text = f"{number.quantize(decimal.Decimal(1).scaleb(-self.scale), context=context):f}"
        except decimal.DecimalException as error:
            raise ValueError(value) from error
        if self.unsigned and number < 0:
            raise Unsupported(f"{text} is negative, the column is UNSIGNED")
        return text_constant(f"decimal.Decimal({string(text)})", text)

    def check(self, column: str, dialect: Dialect) -> str | None:
        if not self.unsigned or dialect == "mysql":
            return None
        return f"{column} NOT LIKE '-%'" if dialect == "sqlite" else f"{column} >= 0"

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        return Bracketed("model.encode_decimal(", (value, str(self.precision), str(self.scale)), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_decimal({value})"

    def operand(self, dialect: Dialect) -> str:
        # MySQL would compare a decimal with text as floats.
        return f"CAST({{}} AS DECIMAL({self.precision}, {self.scale}))" if dialect == "mysql" else "{}"


def _is_year(number: int) -> bool:
    return number == 0 or 1901 <= number <= 2155
