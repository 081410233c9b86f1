"""What generated repositories stand on: statements, databases and transactions."""

from zero_runtime.model.database import Database
from zero_runtime.model.opening import open_database
from zero_runtime.model.source import SourceError
from zero_runtime.model.statement import Schema, Statement
from zero_runtime.model.values import (
    Row,
    Value,
    decode_date,
    decode_datetime,
    decode_decimal,
    encode_date,
    encode_datetime,
    encode_decimal,
)
from zero_runtime.model.violations import DuplicateKey

__all__ = [
    "Database",
    "DuplicateKey",
    "Row",
    "Schema",
    "SourceError",
    "Statement",
    "Value",
    "decode_date",
    "decode_datetime",
    "decode_decimal",
    "encode_date",
    "encode_datetime",
    "encode_decimal",
    "open_database",
]
