"""Numbers: arithmetic that all databases do alike.

Integers are counted in 64 bits everywhere: PostgreSQL would count small ones in few bits, MySQL unsigned ones
without a sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from zero_codegen.model import types
from zero_codegen.model.queries.reader import Read, Reader, only
from zero_codegen.model.queries.texts import Texts, write
from zero_codegen.model.queries.values import (
    FLOAT,
    INTEGER,
    MAX_SCALED_DIGITS,
    NUMBERS,
    Kind,
    Refused,
    Value,
    as_float,
    described,
    digits_of,
    scale_of,
    scaled,
)

_OPERATORS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


def number(reader: Reader, node: exp.Expr) -> Value:
    """Raises Refused when it is none."""
    return _is_number(reader.read(node), node)


def as_integer(value: Value) -> Texts:
    """An integer of 64 bits with a sign."""
    inner = value.type.stored if value.type is not None else None
    if not isinstance(inner, types.Integer) or value.constant is not None or value.parameter is not None:
        return value.operand
    mysql = "CAST({} AS SIGNED)" if inner.unsigned else "{}"
    postgresql = "CAST({} AS bigint)" if inner.bits < 64 else "{}"
    return write("{}", value.operand, mysql=mysql, postgresql=postgresql)


def _is_number(value: Value, node: exp.Expr) -> Value:
    if value.kind not in NUMBERS:
        hint = "say what the parameter is: CAST(:name AS BIGINT)" if value.parameter is not None else None
        raise Refused(f"{described(value)} is no number", hint, at=node)
    return value


def _arithmetic(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression")
    operator = _OPERATORS[type(node)]
    left, right = reader.read(node.this), reader.read(node.expression)
    for value, other in ((left, right), (right, left)):
        if (
            operator == "*"
            and value.parameter is not None
            and value.type is None
            and other.kind is Kind.DECIMAL
        ):
            hint = "say it: CAST(… AS BIGINT), CAST(… AS DECIMAL(5, 4))"
            raise Refused("what a decimal is multiplied by has fractional digits of its own", hint, at=node)
    left, right = reader.agreed(left, right, node.this, node.expression)
    for value, part in ((left, node.this), (right, node.expression)):
        _is_number(value, part)
    kinds = {left.kind, right.kind}
    nullable = left.nullable or right.nullable
    template = f"{{}} {operator} {{}}"
    if Kind.FLOAT in kinds:
        return Value(write(template, as_float(left), as_float(right)), FLOAT, nullable, is_operand=False)
    if Kind.DECIMAL not in kinds:
        texts = write(template, as_integer(left), as_integer(right))
        return Value(texts, INTEGER, nullable, is_operand=False)
    scales = scale_of(left), scale_of(right)
    if operator == "*":
        digits, scale = digits_of(left) + digits_of(right), sum(scales)
        parts = [scaled(value, own, node) for value, own in zip((left, right), scales, strict=True)]
    else:
        scale = max(scales)
        digits = max(digits_of(left) - scales[0], digits_of(right) - scales[1]) + scale + 1
        parts = [scaled(value, scale, node) for value in (left, right)]
    if digits > MAX_SCALED_DIGITS + 1:
        message = f"the result may have {digits} digits, SQLite has exact numbers of {MAX_SCALED_DIGITS}"
        raise Refused(message, "compute it in Python", at=node)
    type_ = types.Decimal(min(digits, MAX_SCALED_DIGITS), scale)
    return Value(write(template, *parts), type_, nullable, is_scaled=True, is_operand=False)


def _divide(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression", "typed", "safe")
    left, right = reader.pair(node.this, node.expression)
    for value, part in ((left, node.this), (right, node.expression)):
        _is_number(value, part)
    if Kind.FLOAT not in (left.kind, right.kind):
        message = "MySQL divides these into a fraction, the others cut it off"
        hint = "divide floats: CAST(… AS DOUBLE)"
        raise Refused(message, hint, at=node)
    _check_divisor(node.expression)
    texts = write("{} / {}", as_float(left), as_float(right))
    return Value(texts, FLOAT, left.nullable or right.nullable, is_operand=False)


def _remainder(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression")
    left, right = reader.pair(node.this, node.expression)
    for value, part in ((left, node.this), (right, node.expression)):
        if value.kind is not Kind.INTEGER:
            raise Refused(f"remainders are of integers, this is {described(value)}", at=part)
    _check_divisor(node.expression)
    texts = write("{} % {}", as_integer(left), as_integer(right))
    return Value(texts, INTEGER, left.nullable or right.nullable, is_operand=False)


def _check_divisor(node: exp.Expr) -> None:
    inner = node.unnest()
    is_number = isinstance(inner, exp.Literal) and not inner.is_string and float(inner.name) != 0
    if not (is_number or isinstance(inner, exp.Nullif)):
        message = "a division by 0 is an error in PostgreSQL and NULL in the others"
        raise Refused(message, "divide by NULLIF(…, 0)", at=node)


def _negative(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this")
    value = number(reader, node.this)
    if value.constant is not None:
        return _opposite(value)
    if value.kind is Kind.DECIMAL and not value.is_scaled:
        value = replace(value, texts=scaled(value, scale_of(value), node), is_scaled=True)
    texts = as_integer(value) if value.kind is Kind.INTEGER else value.operand
    return replace(value, texts=write("-{}", texts), column=None, is_operand=False)


def _opposite(value: Value) -> Value:
    """A constant with the other sign: `--` would begin a comment."""
    assert value.constant is not None
    constant = value.constant[1:] if value.constant.startswith("-") else f"-{value.constant}"
    sqlite = f"'{constant}'" if value.kind is Kind.DECIMAL else constant
    postgresql = f"CAST({constant} AS double precision)" if value.kind is Kind.FLOAT else constant
    return replace(value, texts=Texts(sqlite, constant, postgresql), constant=constant)


def _absolute(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this")
    value = number(reader, node.this)
    texts = value.texts
    if value.kind is Kind.DECIMAL:
        texts = scaled(value, scale_of(value), node)
    elif value.kind is Kind.INTEGER:
        texts = as_integer(value)
    type_ = value.type if value.kind is Kind.DECIMAL else INTEGER if value.kind is Kind.INTEGER else FLOAT
    return Value(write("abs({})", texts), type_, value.nullable, is_scaled=value.kind is Kind.DECIMAL)


READERS: Mapping[type[exp.Expr], Read] = {
    **dict.fromkeys(_OPERATORS, _arithmetic),
    exp.Div: _divide,
    exp.Mod: _remainder,
    exp.Neg: _negative,
    exp.Abs: _absolute,
}
