"""The column types that are served: what each is in Python, in SQLite, and on the way between.

Ranges and lengths are those of the MySQL reference manual, chapter "Data Types". SQLite has few types and no
lengths, so CHECK constraints see to it that what production refuses the embedded database refuses too.

Values travel as the same plain objects to and from every database (times and decimals as text, see
`zero_runtime.model`), which is why encoding and decoding depend on the column alone.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from zero_codegen.python import Bracketed, Piece, string

MAX_TIME_DIGITS = 6
"""Fractional digits of a second, in MySQL as in Python."""

_FIRST_TIMESTAMP, _AFTER_LAST_TIMESTAMP = "1970-01-01 00:00:01", "2038-01-19 03:14:08"


class Unsupported(ValueError):
    """What the DDL says cannot be served; the text says why."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant default: as Python source and as SQLite's SQL."""

    python: str
    sqlite: str


@dataclass(frozen=True, slots=True)
class ColumnType(ABC):
    """A column type. The defaults here suit what every driver takes and gives as it is."""

    annotation: ClassVar[str]
    """The Python type as generated source writes it."""
    sqlite: ClassVar[str]
    """The type of the column in a STRICT table of SQLite."""
    is_indexable: ClassVar[bool] = True
    """Whether MySQL takes whole values into a key."""

    def constant(self, value: str | bool) -> Constant:
        """The constant default that the DDL writes as `value`.

        Raises Unsupported, or ValueError when the value is none of this type at all.
        """
        raise Unsupported("MySQL allows no default for a column of this type")

    def check(self, column: str) -> str | None:
        """The condition that SQLite holds a (quoted) column to."""
        return None

    def encode(self, value: str) -> Piece:
        """A Python expression that makes a parameter of the Python expression `value`, None of None."""
        return value

    def decode(self, value: str, *, nullable: bool) -> Piece:
        """A Python expression that makes a row's member of the Python expression `value`, None of None."""
        return value

    def mysql_operand(self) -> str:
        """The placeholder as MySQL has to see it in a comparison with the column."""
        return "%s"


@dataclass(frozen=True, slots=True)
class Integer(ColumnType):
    """TINYINT to BIGINT, signed and unsigned, and YEAR."""

    annotation = "int"
    sqlite = "INTEGER"
    bits: int
    unsigned: bool = False

    @property
    def minimum(self) -> int:
        return 0 if self.unsigned else -(1 << self.bits - 1)

    @property
    def maximum(self) -> int:
        return (1 << self.bits) - 1 if self.unsigned else (1 << self.bits - 1) - 1

    def constant(self, value: str | bool) -> Constant:
        number = int(_number(value))
        if not self.minimum <= number <= self.maximum:
            raise Unsupported(f"{number} is out of range: {self.minimum} to {self.maximum}")
        return Constant(str(number), str(number))

    def check(self, column: str) -> str | None:
        if self.bits == 64:
            return f"{column} >= 0" if self.unsigned else None
        return f"{column} BETWEEN {self.minimum} AND {self.maximum}"


@dataclass(frozen=True, slots=True)
class Boolean(ColumnType):
    """BOOL."""

    annotation = "bool"
    sqlite = "INTEGER"

    def constant(self, value: str | bool) -> Constant:
        if value not in (True, False, "0", "1"):
            raise ValueError(value)
        truth = bool(int(value))
        return Constant(str(truth), str(int(truth)))

    def check(self, column: str) -> str | None:
        return f"{column} IN (0, 1)"

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"None if {value} is None else {value} != 0" if nullable else f"{value} != 0"


@dataclass(frozen=True, slots=True)
class Float(ColumnType):
    """FLOAT and DOUBLE."""

    annotation = "float"
    sqlite = "REAL"
    unsigned: bool = False
    is_single: bool = False
    """Whether MySQL keeps four bytes of it."""

    def constant(self, value: str | bool) -> Constant:
        number = float(_number(value))
        if self.unsigned and number < 0:
            raise Unsupported(f"{number} is negative, the column is UNSIGNED")
        return Constant(repr(number), repr(number))

    def check(self, column: str) -> str | None:
        return f"{column} >= 0" if self.unsigned else None

    def mysql_operand(self) -> str:
        # MySQL would compare four bytes with eight: no 0.1 of a FLOAT column equals 0.1.
        return "CAST(%s AS FLOAT)" if self.is_single else "%s"


@dataclass(frozen=True, slots=True)
class Decimal(ColumnType):
    """DECIMAL. SQLite has no exact fractions: there it is text with a fixed number of fractional digits."""

    annotation = "decimal.Decimal"
    sqlite = "TEXT"
    precision: int = 10
    scale: int = 0
    unsigned: bool = False

    def constant(self, value: str | bool) -> Constant:
        try:
            number = decimal.Decimal(_number(value))
            context = decimal.Context(prec=self.precision, traps=[decimal.InvalidOperation, decimal.Inexact])
            text = f"{number.quantize(decimal.Decimal(1).scaleb(-self.scale), context=context):f}"
        except decimal.DecimalException as error:
            raise ValueError(value) from error
        if self.unsigned and number < 0:
            raise Unsupported(f"{text} is negative, the column is UNSIGNED")
        return Constant(f"decimal.Decimal({string(text)})", quoted(text))

    def check(self, column: str) -> str | None:
        return f"{column} NOT LIKE '-%'" if self.unsigned else None

    def encode(self, value: str) -> Piece:
        return Bracketed("model.encode_decimal(", (value, str(self.precision), str(self.scale)), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_decimal({value})"

    def mysql_operand(self) -> str:
        # MySQL would compare a decimal with text as floats.
        return f"CAST(%s AS DECIMAL({self.precision}, {self.scale}))"


@dataclass(frozen=True, slots=True)
class Char(ColumnType):
    """CHAR and VARCHAR; `length` in characters."""

    annotation = "str"
    sqlite = "TEXT"
    length: int

    def constant(self, value: str | bool) -> Constant:
        text = value if isinstance(value, str) else str(int(value))
        if len(text) > self.length:
            raise Unsupported(f"the default is longer than {self.length} characters")
        return Constant(string(text), quoted(text))

    def check(self, column: str) -> str | None:
        return f"length({column}) <= {self.length}"


@dataclass(frozen=True, slots=True)
class Text(ColumnType):
    """The TEXT family; `octets` is None for 4 GiB, more than SQLite takes."""

    annotation = "str"
    sqlite = "TEXT"
    is_indexable = False
    octets: int | None

    def check(self, column: str) -> str | None:
        return f"length(CAST({column} AS BLOB)) <= {self.octets}" if self.octets else None


@dataclass(frozen=True, slots=True)
class Json(ColumnType):
    """JSON, as text: logic decodes it into a type of its own (`msgspec.json.decode(text, type=...)`)."""

    annotation = "str"
    sqlite = "TEXT"
    is_indexable = False

    def check(self, column: str) -> str | None:
        return f"{column} IS NULL OR json_valid({column})"  # older versions call NULL invalid


@dataclass(frozen=True, slots=True)
class Binary(ColumnType):
    """BINARY (`is_fixed`) and VARBINARY."""

    annotation = "bytes"
    sqlite = "BLOB"
    octets: int
    is_fixed: bool = False

    def check(self, column: str) -> str | None:
        return f"length({column}) {'=' if self.is_fixed else '<='} {self.octets}"


@dataclass(frozen=True, slots=True)
class Blob(ColumnType):
    """The BLOB family; `octets` is None for 4 GiB, more than SQLite takes."""

    annotation = "bytes"
    sqlite = "BLOB"
    is_indexable = False
    octets: int | None

    def check(self, column: str) -> str | None:
        return f"length({column}) <= {self.octets}" if self.octets else None


@dataclass(frozen=True, slots=True)
class Date(ColumnType):
    """DATE."""

    annotation = "dt.date"
    sqlite = "TEXT"

    def constant(self, value: str | bool) -> Constant:
        date = dt.date.fromisoformat(_matching(r"\d{4}-\d\d-\d\d", value))
        return Constant(f"dt.date({date.year}, {date.month}, {date.day})", quoted(date.isoformat()))

    def encode(self, value: str) -> Piece:
        return Bracketed("model.encode_date(", (value,), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_date({value})"


@dataclass(frozen=True, slots=True)
class DateTime(ColumnType):
    """DATETIME and TIMESTAMP with their fractional digits: moments, in UTC."""

    annotation = "dt.datetime"
    sqlite = "TEXT"
    digits: int = 0
    is_timestamp: bool = False

    def constant(self, value: str | bool) -> Constant:
        fraction = rf"(\.\d{{1,{self.digits}}})?" if self.digits else ""
        pattern = rf"\d{{4}}-\d\d-\d\d( \d\d:\d\d:\d\d{fraction})?"
        moment = dt.datetime.fromisoformat(_matching(pattern, value))
        if self.is_timestamp and not _FIRST_TIMESTAMP <= f"{moment}" < _AFTER_LAST_TIMESTAMP:
            raise Unsupported(f"a TIMESTAMP is from {_FIRST_TIMESTAMP} on and before {_AFTER_LAST_TIMESTAMP}")
        parts = [*moment.timetuple()[:6], moment.microsecond]
        while parts[-1] == 0 and len(parts) > len(("year", "month", "day")):
            parts.pop()
        text = moment.isoformat(" ", "microseconds")[: len("YYYY-MM-DD HH:MM:SS.") + self.digits]
        return Constant(
            f"dt.datetime({', '.join(map(str, parts))}, tzinfo=dt.UTC)", quoted(text.removesuffix("."))
        )

    def check(self, column: str) -> str | None:
        if not self.is_timestamp:
            return None
        return f"{column} >= '{_FIRST_TIMESTAMP}' AND {column} < '{_AFTER_LAST_TIMESTAMP}'"

    def encode(self, value: str) -> Piece:
        digits = (str(self.digits),) if self.digits else ()
        return Bracketed("model.encode_datetime(", (value, *digits), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_datetime({value})"


def quoted(text: str) -> str:
    """A string literal of standard SQL."""
    return "'" + text.replace("'", "''") + "'"


def _number(value: str | bool) -> str:
    return _matching(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", value if isinstance(value, str) else str(int(value)))


def _matching(pattern: str, value: str | bool) -> str:
    """The value if it is written as SQL has it: Python's constructors know more forms. Raises ValueError."""
    if not (isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII)):
        raise ValueError(value)
    return value
