"""Types of dates and times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from zero_codegen.model.settings import Dialect
from zero_codegen.model.types.base import (
    ColumnType,
    Constant,
    Unsupported,
    matching,
    quoted,
    text_constant,
)
from zero_codegen.python import Bracketed, Piece

MAX_TIME_DIGITS = 6
"""Fractional digits of a second, in the databases as in Python."""

_FIRST_TIMESTAMP, _AFTER_LAST_TIMESTAMP = "1970-01-01 00:00:01", "2038-01-19 03:14:08"


@dataclass(frozen=True, slots=True)
class Date(ColumnType):
    """DATE."""

    @property
    def annotation(self) -> str:
        return "dt.date"

    def sql(self, dialect: Dialect) -> str:
        return "TEXT" if dialect == "sqlite" else "date"

    def constant(self, value: str | bool) -> Constant:
        date = dt.date.fromisoformat(matching(r"\d{4}-\d\d-\d\d", value))
        return text_constant(f"dt.date({date.year}, {date.month}, {date.day})", date.isoformat())

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        return Bracketed("model.encode_date(", (value,), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_date({value})"


@dataclass(frozen=True, slots=True)
class Time(ColumnType):
    """TIME with its fractional digits: a time of the day. (MySQL's durations are not served.)"""

    digits: int = 0

    @property
    def annotation(self) -> str:
        return "dt.time"

    def sql(self, dialect: Dialect) -> str:
        return {"sqlite": "TEXT", "mysql": f"time({self.digits})", "postgresql": f"time({self.digits})"}[
            dialect
        ]

    def constant(self, value: str | bool) -> Constant:
        time = dt.time.fromisoformat(matching(rf"\d\d:\d\d(:\d\d{_fraction(self.digits)})?", value))
        parts = _shortened([time.hour, time.minute, time.second, time.microsecond], 1)
        text = time.isoformat("microseconds")[: len("HH:MM:SS.") + self.digits].removesuffix(".")
        return replace(text_constant(f"dt.time({parts})", text), is_hoisted=True)

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        digits = (str(self.digits),) if self.digits else ()
        return Bracketed("model.encode_time(", (value, *digits), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_time({value})"


@dataclass(frozen=True, slots=True)
class DateTime(ColumnType):
    """DATETIME and TIMESTAMP with their fractional digits, with a time zone or without: moments, in UTC.

    `is_timestamp` is MySQL's TIMESTAMP, of four bytes.
    """

    digits: int = 0
    is_timestamp: bool = False

    @property
    def annotation(self) -> str:
        return "dt.datetime"

    def sql(self, dialect: Dialect) -> str:
        mysql = f"datetime({self.digits})" if self.digits else "datetime"
        return {"sqlite": "TEXT", "mysql": mysql, "postgresql": f"timestamptz({self.digits})"}[dialect]

    def constant(self, value: str | bool) -> Constant:
        pattern = rf"\d{{4}}-\d\d-\d\d( \d\d:\d\d:\d\d{_fraction(self.digits)})?"
        moment = dt.datetime.fromisoformat(matching(pattern, value))
        if self.is_timestamp and not _FIRST_TIMESTAMP <= f"{moment}" < _AFTER_LAST_TIMESTAMP:
            raise Unsupported(f"a TIMESTAMP is from {_FIRST_TIMESTAMP} on and before {_AFTER_LAST_TIMESTAMP}")
        parts = _shortened([*moment.timetuple()[:6], moment.microsecond], len(("year", "month", "day")))
        text = moment.isoformat(" ", "microseconds")[: len("YYYY-MM-DD HH:MM:SS.") + self.digits]
        text = text.removesuffix(".")
        return replace(
            text_constant(f"dt.datetime({parts}, tzinfo=dt.UTC)", text), postgresql=quoted(f"{text}+00")
        )

    def check(self, column: str, dialect: Dialect) -> str | None:
        if not self.is_timestamp or dialect == "mysql":
            return None
        zone = "+00" if dialect == "postgresql" else ""
        return f"{column} >= '{_FIRST_TIMESTAMP}{zone}' AND {column} < '{_AFTER_LAST_TIMESTAMP}{zone}'"

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        digits = (str(self.digits),) if self.digits else ()
        return Bracketed("model.encode_datetime(", (value, *digits), ")")

    def decode(self, value: str, *, nullable: bool) -> Piece:
        return f"model.decode_datetime({value})"

    def now(self, dialect: Dialect) -> str:
        """The current time; SQLite's clock has three fractional digits."""
        if dialect == "postgresql":
            return "statement_timestamp()"  # CURRENT_TIMESTAMP is when the transaction began
        if dialect == "mysql" or not self.digits:
            return f"CURRENT_TIMESTAMP({self.digits})" if self.digits else "CURRENT_TIMESTAMP"
        now = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
        if self.digits > 3:
            return f"{now} || '{'0' * (self.digits - 3)}'"
        return now if self.digits == 3 else f"substr({now}, 1, {len('YYYY-MM-DD HH:MM:SS.') + self.digits})"


def _fraction(digits: int) -> str:
    return rf"(\.\d{{1,{digits}}})?" if digits else ""


def _shortened(parts: list[int], least: int) -> str:
    """Arguments without the zeros at their end that say nothing."""
    while parts[-1] == 0 and len(parts) > least:
        parts.pop()
    return ", ".join(map(str, parts))
