"""Names, constants, and the functions that all databases have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from sqlglot import exp

from zero_codegen.model import types
from zero_codegen.model.queries.conditions import comparable, condition, operands
from zero_codegen.model.queries.numbers import as_integer
from zero_codegen.model.queries.reader import Read, Reader, only
from zero_codegen.model.queries.texts import Texts, joined, literal, same, write
from zero_codegen.model.queries.values import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    NUMBERS,
    TEXT,
    Kind,
    Refused,
    Value,
    as_float,
    described,
    now,
    scale_of,
    scaled,
    typed,
)
from zero_codegen.model.types import ColumnType
from zero_codegen.model.types.overrides import Overridden


def _column(reader: Reader, node: exp.Expr) -> Value:
    assert isinstance(node, exp.Column)
    if isinstance(node.this, exp.Star):
        raise Refused("`*` stands alone in SELECT", at=node)
    only(node, "this", "table")
    return reader.columns.column(node)


def _parameter(reader: Reader, node: exp.Expr) -> Value:
    if reader.parameters is None or not node.name.isidentifier():
        message = "parameters have names: `:id`" if reader.parameters else "there are no parameters here"
        raise Refused(message, at=node)
    return reader.parameters.add(node.name, node)


def _unnamed_parameter(reader: Reader, node: exp.Expr) -> Value:
    raise Refused("parameters have names and begin with a colon: `:id`", at=node)


def _literal(reader: Reader, node: exp.Expr) -> Value:
    text = node.name
    if node.args.get("is_string"):
        return Value(literal(text), TEXT, constant=text)
    if "e" in text.lower():
        return Value(Texts(text, text, f"CAST({text} AS double precision)"), FLOAT, constant=text)
    number = Decimal(text)
    if number == number.to_integral_value() and "." not in text:
        if number >= 1 << 63:
            raise Refused("an integer of SQL has 64 bits", at=node)
        return Value(same(text), INTEGER, constant=text)
    scale = len(text.partition(".")[2])
    return Value(
        Texts(f"'{text}'", text, text), types.Decimal(len(text.replace(".", "")), scale), constant=text
    )


def _boolean(reader: Reader, node: exp.Expr) -> Value:
    return Value(same("TRUE" if node.this else "FALSE"), BOOLEAN)


def _null(reader: Reader, node: exp.Expr) -> Value:
    return Value(same("NULL"), None, nullable=True)


def _parentheses(reader: Reader, node: exp.Expr) -> Value:
    return reader.read(node.this)


def _query(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this")
    value = reader.subquery(node.this, is_value=True)
    return replace(value, texts=write("({})", value.texts), is_operand=True)


def merged(reader: Reader, nodes: Sequence[exp.Expr]) -> tuple[list[Value], ColumnType, bool]:
    """Expressions one of which will be the value: as values of one type, which says whether it is scaled."""
    values = [reader.read(node) for node in nodes]
    known = next((value for value in values if value.type is not None and value.constant is None), None)
    known = known or next((value for value in values if value.type is not None), None)
    if known is None or known.type is None:
        raise Refused("what this is cannot be told", "say it: CAST(:name AS BIGINT)", at=nodes[0])
    values = [reader.like(value, replace(known, column=None)) for value in values]
    values = [typed(value, known.type, node) for value, node in zip(values, nodes, strict=True)]
    told = [value for value in values if value.type is not None]
    for value, node in zip(values, nodes, strict=True):
        if value.type is not None:
            comparable(known, value, node, ordered=False)
    kinds = {value.kind for value in told}
    if Kind.FLOAT in kinds and kinds != {Kind.FLOAT}:
        return (
            [replace(value, texts=as_float(value)) if value.type else value for value in values],
            FLOAT,
            False,
        )
    if Kind.DECIMAL in kinds:
        scale = max(map(scale_of, told))
        if any(value.is_scaled or scale_of(value) != scale for value in told):
            values = [
                replace(value, texts=scaled(value, scale, node)) if value.type else value
                for value, node in zip(values, nodes, strict=True)
            ]
            return values, types.Decimal(18, scale), True
        return values, known.type, False
    if kinds == {Kind.INTEGER}:
        # MySQL would make decimals of integers with and without a sign.
        values = [replace(value, texts=as_integer(value)) for value in values]
        is_one = isinstance(known.type, Overridden) and all(value.type == known.type for value in told)
        return values, known.type if is_one else INTEGER, False
    return values, known.type, False


def exactness(values: Sequence[Value]) -> bool | None:
    """How a text made of some texts is compared."""
    known = {value.exact for value in values} - {None}
    return True in known if known else None


def _coalesce(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expressions", "is_nvl", "is_null")
    nodes = [node.this, *node.expressions]
    values, type_, is_scaled = merged(reader, nodes)
    for value in values:
        if value.parameter is not None and value is not values[-1] and reader.parameters is not None:
            reader.parameters.asked_for_null(value)
    nullable = (
        all(value.nullable or value.parameter is not None for value in values[:-1]) and values[-1].nullable
    )
    texts = write("COALESCE({})", joined(", ", [value.texts for value in values]))
    return Value(texts, type_, nullable, exact=exactness(values), is_scaled=is_scaled)


def _nullif(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression")
    left, right = reader.pair(node.this, node.expression)
    comparable(left, right, node, ordered=False)
    if left.kind is Kind.DECIMAL:
        raise Refused(
            "NULLIF of decimals is not supported", "write CASE WHEN … THEN NULL ELSE … END", at=node
        )
    if left.kind is right.kind is Kind.INTEGER:
        return Value(write("NULLIF({}, {})", as_integer(left), as_integer(right)), INTEGER, True)
    texts = write("NULLIF({}, {})", *operands((left, right), node))
    return Value(texts, left.type, True, exact=left.exact)


def _case(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "ifs", "default")
    if node.this is not None:
        raise Refused("CASE has conditions here", "write CASE WHEN a = 1 THEN …", at=node.this)
    return _choice(
        reader, [(branch.this, branch.args["true"]) for branch in node.args["ifs"]], node.args.get("default")
    )


def _if(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "true", "false")
    return _choice(reader, [(node.this, node.args["true"])], node.args.get("false"))


def _choice(reader: Reader, branches: Sequence[tuple[exp.Expr, exp.Expr]], default: exp.Expr | None) -> Value:
    conditions = [condition(reader, test) for test, _ in branches]
    results = [result for _, result in branches] + ([] if default is None else [default])
    values, type_, is_scaled = merged(reader, results)
    parts = [
        write("WHEN {} THEN {}", test.texts, value.texts)
        for test, value in zip(conditions, values, strict=False)
    ]
    if default is not None:
        parts.append(write("ELSE {}", values[-1].texts))
    nullable = default is None or any(value.nullable for value in values)
    texts = write("CASE {} END", joined(" ", parts))
    return Value(texts, type_, nullable, exact=exactness(values), is_scaled=is_scaled)


def _concat(reader: Reader, node: exp.Expr) -> Value:
    only(node, "expressions", "safe", "coalesce")
    values = [_as_text(reader, part) for part in node.expressions]
    if node.args.get("coalesce") and any(value.nullable for value in values):
        message = "PostgreSQL's CONCAT leaves NULL out, with the others all becomes NULL"
        raise Refused(message, "write `||`, or COALESCE(…, '')", at=node)
    return _text(values)


def _pipes(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression", "safe")
    return _text([_as_text(reader, part) for part in node.flatten()])


def _as_text(reader: Reader, node: exp.Expr) -> Value:
    value = reader.known(reader.read(node), TEXT)
    if value.kind is not Kind.TEXT:
        raise Refused(f"texts are joined, this is {described(value)}", "write CAST(… AS CHAR)", at=node)
    return value


def _text(values: Sequence[Value]) -> Value:
    operands_ = [value.operand for value in values]
    piped, listed = joined(" || ", operands_), joined(", ", operands_)
    texts = Texts(piped.sqlite, f"CONCAT({listed.mysql})", piped.postgresql)
    nullable = any(value.nullable for value in values)
    return Value(texts, TEXT, nullable, exact=exactness(values), is_operand=False)


def _length(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "binary")
    value = reader.known(reader.read(node.this), TEXT)
    if value.kind is Kind.BINARY:
        return Value(write("length({})", value.texts, postgresql="octet_length({})"), INTEGER, value.nullable)
    if value.kind is not Kind.TEXT:
        raise Refused(f"{described(value)} has no length", at=node)
    if node.args.get("binary"):
        raise Refused("LENGTH counts bytes in MySQL", "write CHAR_LENGTH for characters", at=node)
    texts = write("char_length({})", value.texts, sqlite="length({})")
    return Value(texts, INTEGER, value.nullable)


_CASTS: dict[exp.DType, ColumnType] = {
    exp.DType.DOUBLE: FLOAT,
    exp.DType.FLOAT: FLOAT,
    exp.DType.TEXT: TEXT,
    exp.DType.CHAR: TEXT,
    exp.DType.VARCHAR: TEXT,
    exp.DType.DATE: types.Date(),
    exp.DType.TIME: types.Time(),
    exp.DType.DATETIME: types.DateTime(),
    exp.DType.TIMESTAMP: types.DateTime(),
    exp.DType.TIMESTAMPTZ: types.DateTime(),
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.UUID: types.Uuid(),
    exp.DType.BINARY: types.Blob(None),
    exp.DType.VARBINARY: types.Blob(None),
    **dict.fromkeys(exp.DataType.INTEGER_TYPES, INTEGER),
}


def _cast(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "to", "_type")
    value = reader.read(node.this)
    to = node.args["to"]
    is_number = (
        to.this is exp.DType.DECIMAL and not to.expressions and value.kind in (Kind.INTEGER, Kind.DECIMAL)
    )
    if is_number or (to.this is exp.DType.USERDEFINED and value.constant is not None):
        return value  # PostgreSQL's dumps have such casts: to numeric, and of an enum's value to its type
    wanted = _cast_type(to, node)
    if value.parameter is not None and value.type is None:
        return reader.known(value, wanted)
    value = typed(value, wanted, node.this)
    kind = value.kind
    if isinstance(wanted, types.Float) and kind in NUMBERS:
        return Value(as_float(value), wanted, value.nullable, is_operand=False)
    if (
        isinstance(wanted, types.Decimal)
        and kind in (Kind.INTEGER, Kind.DECIMAL)
        and wanted.scale >= scale_of(value)
    ):
        return Value(scaled(value, wanted.scale, node), wanted, value.nullable, is_scaled=True)
    if isinstance(wanted, types.Text) and kind is Kind.INTEGER:
        texts = write("CAST({} AS text)", value.texts, mysql="CAST({} AS char)")
        return Value(texts, TEXT, value.nullable)
    if value.type is not None and type(value.type.stored) is type(wanted):
        return replace(value, texts=as_integer(value)) if kind is Kind.INTEGER else value
    if kind is Kind.TEXT and isinstance(wanted, types.Text):
        return value
    raise Refused(f"databases cast {described(value)} differently", "convert it in Python", at=node)


def _cast_type(written: exp.Expr, node: exp.Expr) -> ColumnType:
    assert isinstance(written, exp.DataType)
    sizes = [int(size.name) for size in written.expressions]
    if written.this is exp.DType.DECIMAL and sizes:
        return types.Decimal(sizes[0], sizes[1] if len(sizes) > 1 else 0)
    found = _CASTS.get(written.this)
    if found is None:
        raise Refused(f"a CAST to {written.sql()} is not supported", at=node)
    if isinstance(found, types.DateTime | types.Time):
        return replace(found, digits=sizes[0]) if sizes else found
    return found


def _now(reader: Reader, node: exp.Expr) -> Value:
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in ("now", "current_timestamp", "localtimestamp"):
            raise Refused(f"the function `{node.name}` is not known to all databases", at=node)
        said = node.expressions[0] if node.expressions else None
    else:
        only(node, "this")
        said = node.this
    if reader.parameters is None:
        raise Refused("the current time is another one at each look", at=node)
    default = 6 if reader.dialect == "postgresql" else 0
    digits = int(said.name) if isinstance(said, exp.Literal) else default
    return Value(now(digits), types.DateTime(digits), is_now=True, is_operand=False)


def _today(reader: Reader, node: exp.Expr) -> Value:
    only(node)
    if reader.parameters is None:
        raise Refused("the current date is another one each day", at=node)
    return Value(Texts("date('now')", "CURRENT_DATE", "CURRENT_DATE"), types.Date())


READERS: Mapping[type[exp.Expr], Read] = {
    exp.Column: _column,
    exp.Placeholder: _parameter,
    exp.Parameter: _unnamed_parameter,
    exp.Literal: _literal,
    exp.Boolean: _boolean,
    exp.Null: _null,
    exp.Paren: _parentheses,
    exp.Subquery: _query,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Case: _case,
    exp.If: _if,
    exp.Concat: _concat,
    exp.DPipe: _pipes,
    exp.Length: _length,
    exp.Cast: _cast,
    exp.CurrentTimestamp: _now,
    exp.Anonymous: _now,
    exp.CurrentDate: _today,
}
