"""What generated repositories stand on: tables, statements, databases, transactions and the cache."""

from zero_runtime.model.cache import Cache, open_cache
from zero_runtime.model.checking import check
from zero_runtime.model.columns import ENUM_ORDER, Column, Filter, NullableColumn, OpaqueColumn, Order
from zero_runtime.model.database import Database
from zero_runtime.model.opening import open_database
from zero_runtime.model.paging import Page
from zero_runtime.model.repository import Repository, VersionConflict
from zero_runtime.model.session import Isolation, Parameters
from zero_runtime.model.source import SourceError
from zero_runtime.model.statement import Schema, Statement, TableSchema
from zero_runtime.model.table import Index, Table
from zero_runtime.model.values import (
    Json,
    Row,
    Value,
    bytes_of_uuid,
    change,
    decimal_of_float,
    decode_char,
    decode_date,
    decode_datetime,
    decode_decimal,
    decode_json,
    decode_time,
    decode_uuid,
    encode_char,
    encode_date,
    encode_datetime,
    encode_decimal,
    encode_float,
    encode_json,
    encode_single,
    encode_time,
    encode_uuid,
    is_changed,
    optional,
    uuid_of_bytes,
)
from zero_runtime.model.violations import DuplicateKey

__all__ = [
    "ENUM_ORDER",
    "Cache",
    "Column",
    "Database",
    "DuplicateKey",
    "Filter",
    "Index",
    "Isolation",
    "Json",
    "NullableColumn",
    "OpaqueColumn",
    "Order",
    "Page",
    "Parameters",
    "Repository",
    "Row",
    "Schema",
    "SourceError",
    "Statement",
    "Table",
    "TableSchema",
    "Value",
    "VersionConflict",
    "bytes_of_uuid",
    "change",
    "check",
    "decimal_of_float",
    "decode_char",
    "decode_date",
    "decode_datetime",
    "decode_decimal",
    "decode_json",
    "decode_time",
    "decode_uuid",
    "encode_char",
    "encode_date",
    "encode_datetime",
    "encode_decimal",
    "encode_float",
    "encode_json",
    "encode_single",
    "encode_time",
    "encode_uuid",
    "is_changed",
    "open_cache",
    "open_database",
    "optional",
    "uuid_of_bytes",
]
