"""The column types that are served: what each is in Python, in the databases, and on the way between.

Ranges and lengths are those of the MySQL reference manual, chapter "Data Types", and of PostgreSQL's, chapter
8. A database that has a wider type, or (SQLite) no lengths at all, is held to them by CHECK constraints: what
one database refuses the others refuse too.

Values travel as the same plain objects to and from every database (times, decimals, UUIDs and JSON as text,
see `zero_runtime.model.values`), which is why encoding and decoding depend on the column alone.
"""

from zero_codegen.model.types.base import ColumnType, Constant, Unsupported, mysql_quoted, quoted
from zero_codegen.model.types.numbers import DECIMAL_COLLATION, Boolean, Decimal, Float, Integer, Year
from zero_codegen.model.types.texts import Binary, Blob, Char, Enum, Json, Text, Uuid
from zero_codegen.model.types.times import MAX_TIME_DIGITS, Date, DateTime, Time

__all__ = [
    "DECIMAL_COLLATION",
    "MAX_TIME_DIGITS",
    "Binary",
    "Blob",
    "Boolean",
    "Char",
    "ColumnType",
    "Constant",
    "Date",
    "DateTime",
    "Decimal",
    "Enum",
    "Float",
    "Integer",
    "Json",
    "Text",
    "Time",
    "Unsupported",
    "Uuid",
    "Year",
    "mysql_quoted",
    "quoted",
]
