"""COUNT, SUM, AVG, MIN and MAX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from zero_codegen.model import types
from zero_codegen.model.queries.reader import Read, Reader, only
from zero_codegen.model.queries.texts import same, write
from zero_codegen.model.queries.values import (
    FLOAT,
    INTEGER,
    NUMBERS,
    Kind,
    Refused,
    Value,
    as_decimal,
    as_float,
    described,
    has_collation,
    scale_of,
    scaled,
)


def _count(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "big_int")
    counted = node.this
    if isinstance(counted, exp.Star):
        return reader.columns.aggregate(node, lambda: Value(same("COUNT(*)"), INTEGER))
    template = "COUNT({})"
    if isinstance(counted, exp.Distinct):
        only(counted, "expressions")
        if len(counted.expressions) != 1:
            raise Refused("not all databases count several columns together", at=counted)
        (counted,) = counted.expressions
        template = "COUNT(DISTINCT {})"

    def read() -> Value:
        value = reader.read(counted)
        if value.kind is Kind.JSON or value.type is None:
            raise Refused(f"{described(value)} cannot be counted", at=counted)
        return Value(write(template, value.texts), INTEGER)

    return reader.columns.aggregate(node, read)


def _sum(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this")
    value = _aggregated(reader, node)
    nullable = value.nullable
    if value.kind is Kind.INTEGER:
        text = write(
            "SUM({})", value.texts, mysql="CAST(SUM({}) AS SIGNED)", postgresql="CAST(SUM({}) AS bigint)"
        )
        return Value(text, INTEGER, nullable)
    if value.kind is Kind.FLOAT:
        # Of floats of four bytes PostgreSQL would give one of four.
        return Value(write("SUM({})", as_float(replace(value, type=FLOAT))), FLOAT, nullable)
    if value.kind is Kind.DECIMAL:
        scale = scale_of(value)
        texts = write("SUM({})", scaled(value, scale, node))
        return Value(texts, types.Decimal(18, scale), nullable, is_scaled=True)
    raise Refused(f"{described(value)} has no sum", at=node)


def _average(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this")
    value = _aggregated(reader, node)
    if value.kind not in NUMBERS:
        raise Refused(f"{described(value)} has no average", at=node)
    return Value(write("AVG({})", as_float(value)), FLOAT, value.nullable)


def _extreme(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expressions")
    word = "MIN" if isinstance(node, exp.Min) else "MAX"
    if node.expressions:
        raise Refused(f"{word} has one argument", "write CASE WHEN … END", at=node)
    value = _aggregated(reader, node)
    if value.kind in (Kind.BOOLEAN, Kind.ENUM, Kind.JSON, Kind.UUID, Kind.BINARY, None):
        raise Refused(f"not every database has {word} of {described(value)}", at=node)
    texts = value.texts
    if value.kind is Kind.DECIMAL and value.column is None and not value.is_scaled:
        texts = replace(texts, sqlite=f"{as_decimal(value).sqlite} COLLATE decimal")
    elif has_collation([texts]):
        collation = "NOCASE" if value.exact is False else "BINARY"
        texts = replace(texts, sqlite=f"{value.operand.sqlite} COLLATE {collation}")
    return Value(
        write(f"{word}({{}})", texts),
        value.type,
        value.nullable,
        exact=value.exact,
        is_scaled=value.is_scaled,
    )


def _aggregated(reader: Reader, node: exp.Expr) -> Value:
    """The argument of an aggregate that is NULL where there is no row."""
    if isinstance(node.this, exp.Distinct):
        raise Refused("DISTINCT is for COUNT", at=node.this)
    value = reader.columns.aggregate(node, lambda: reader.read(node.this))
    if value.type is None:
        raise Refused("what is aggregated cannot be told", "say it: CAST(:name AS BIGINT)", at=node)
    return replace(value, nullable=value.nullable or not reader.columns.is_grouped)


READERS: Mapping[type[exp.Expr], Read] = {
    exp.Count: _count,
    exp.Sum: _sum,
    exp.Avg: _average,
    exp.Min: _extreme,
    exp.Max: _extreme,
}
