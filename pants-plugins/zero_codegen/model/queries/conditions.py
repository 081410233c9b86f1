"""Conditions: comparisons, LIKE, IN, IS NULL and logic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from sqlglot import exp

from zero_codegen.model.queries.reader import Read, Reader, only
from zero_codegen.model.queries.texts import Texts, joined, literal, same, write
from zero_codegen.model.queries.values import (
    BOOLEAN,
    NUMBERS,
    TEXT,
    Kind,
    Refused,
    Value,
    as_decimal,
    as_float,
    described,
    fraction_of,
    has_collation,
    scale_of,
    scaled,
    typed,
)

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_EQUALITY = ("=", "<>")


def condition(reader: Reader, node: exp.Expr) -> Value:
    """An expression that is true or not. Raises Refused for numbers, which are so only in some databases."""
    value = reader.known(reader.read(node), BOOLEAN)
    if value.kind is not Kind.BOOLEAN:
        hint = f"write `{value.column.name} <> 0`" if value.column and value.kind is Kind.INTEGER else None
        if value.kind is Kind.TEXT and reader.dialect == "mysql":
            hint = "`||` is OR in MySQL: texts are joined by CONCAT(…)"
        raise Refused(f"{described(value)} is no condition", hint, at=node)
    return value


def conjunction(reader: Reader, node: exp.Expr, part: Callable[[], AbstractContextManager[None]]) -> Texts:
    """A condition, each part of which is read in a block of its own: one mistake does not hide the next."""
    parts = list(conjuncts(node))
    texts = []
    for each in parts:
        with part():
            value = condition(reader, each)
            texts.append(value.operand if len(parts) > 1 and _is_logic(each) else value.texts)
    return joined(" AND ", texts)


def conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that all hold where `node` does."""
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from conjuncts(node.this)
        yield from conjuncts(node.expression)
    else:
        yield node


def comparable(left: Value, right: Value, node: exp.Expr, *, ordered: bool) -> None:
    """Two values can be compared, with the same result in every database. Raises Refused."""
    for value in (left, right):
        if value.type is None and value.parameter is None:
            raise Refused("nothing is equal to NULL, nor unequal", "write IS NULL or IS NOT NULL", at=node)
    if left.type is None or right.type is None:
        raise Refused("what is compared here cannot be told", "say it: CAST(:name AS BIGINT)", at=node)
    if left.kind is not right.kind and not (left.kind in NUMBERS and right.kind in NUMBERS):
        raise Refused(f"{described(left)} cannot be compared with {described(right)}", at=node)
    if left.kind is Kind.JSON or (ordered and not left.type.stored.is_ordered):
        what = left.kind.value if left.kind else ""
        raise Refused(f"databases compare {what} differently", "compare it in Python", at=node)
    if left.kind is Kind.ENUM and left.type.stored != right.type.stored:
        raise Refused("the two enums have different values", at=node)
    if left.exact is not None and right.exact is not None and left.exact != right.exact:
        raise Refused(
            "one of the texts is compared exactly, the other is not", "give both one collation", at=node
        )
    if fraction_of(left.type) != fraction_of(right.type):
        message = "the times have different fractional digits: SQLite compares them as texts"
        raise Refused(message, "give both columns the same digits", at=node)


def operands(values: Sequence[Value], node: exp.Expr) -> list[Texts]:
    """The texts of comparable values, such that databases compare the same."""
    kinds = {value.kind for value in values}
    if Kind.FLOAT in kinds and kinds != {Kind.FLOAT}:
        return [as_float(value) for value in values]
    if Kind.DECIMAL not in kinds:
        texts = [value.operand for value in values]
        folded = any(value.exact is False for value in values)
        if has_collation(texts) or (values[0].column is None and folded):
            collation = "NOCASE" if folded else "BINARY"
            texts[0] = replace(texts[0], sqlite=f"{texts[0].sqlite} COLLATE {collation}")
        return texts
    if any(value.is_scaled for value in values):
        scale = max(map(scale_of, values))
        return [scaled(value, scale, node) for value in values]
    texts = [as_decimal(value) for value in values]
    # Otherwise the collation is that of the column which the first one is.
    if has_collation(texts) or values[0].column is None or values[0].kind is not Kind.DECIMAL:
        texts[0] = replace(texts[0], sqlite=f"{texts[0].sqlite} COLLATE decimal")
    return texts


def _comparison(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression")
    members = _listed(node)
    if members is not None:
        word = isinstance(node, exp.NEQ)
        return reader.read(exp.In(this=node.this, expressions=members, negate=word))
    operator = _OPERATORS[type(node)]
    left, right = reader.pair(node.this, node.expression)
    comparable(left, right, node, ordered=operator not in _EQUALITY)
    return _truth(write(f"{{}} {operator} {{}}", *operands((left, right), node)), left, right)


def _listed(node: exp.Expr) -> list[exp.Expr] | None:
    """The members of `= ANY (ARRAY[…])` and `<> ALL (ARRAY[…])`, as PostgreSQL dumps IN and NOT IN."""
    right = node.expression
    if isinstance(node, exp.NEQ) and isinstance(right, exp.Anonymous) and right.name.upper() == "ALL":
        inner = right.expressions[0]  # which is a function to sqlglot
    elif isinstance(right, exp.Any | exp.All):
        inner = right.this
    else:
        return None
    while isinstance(inner, exp.Paren | exp.Cast):
        inner = inner.this
    if isinstance(node, exp.EQ | exp.NEQ) and isinstance(inner, exp.Array):
        return list(inner.expressions)
    raise Refused("ANY and ALL of a query are not supported", "write IN (SELECT …)", at=node)


def _between(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "low", "high", "negate")
    value, low = reader.pair(node.this, node.args["low"])
    high = reader.like(reader.read(node.args["high"]), value)
    if value.type is not None:
        high = typed(high, value.type, node.args["high"])
    for bound in (low, high):
        comparable(value, bound, node, ordered=True)
    word = "NOT BETWEEN" if node.args.get("negate") else "BETWEEN"
    return _truth(write(f"{{}} {word} {{}} AND {{}}", *operands((value, low, high), node)), value, low, high)


def _in(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expressions", "query", "negate")
    word = "NOT IN" if node.args.get("negate") else "IN"
    query = node.args.get("query")
    if query is not None:
        return _in_query(reader, node, query.this if isinstance(query, exp.Subquery) else query, word)
    members: Sequence[exp.Expr] = node.expressions
    if len(members) == 1 and isinstance(members[0], exp.Placeholder):
        hint = f"use list() with .in_(…), or `= :{members[0].name}` for one value"
        raise Refused("a parameter is one value, not a list", hint, at=node)
    value = reader.read(node.this)
    values = [reader.read(member) for member in members]
    known = next((each for each in (value, *values) if each.type is not None), value)
    value = reader.like(value, known)
    values = [reader.like(each, value) for each in values]
    if value.type is not None:
        values = [typed(each, value.type, member) for each, member in zip(values, members, strict=True)]
    for each in values:
        comparable(value, each, node, ordered=False)
    parts = operands((value, *values), node)
    return _truth(write(f"{{}} {word} ({{}})", parts[0], joined(", ", parts[1:])), value, *values)


def _in_query(reader: Reader, node: exp.Expr, query: exp.Query, word: str) -> Value:
    if query.args.get("limit"):
        raise Refused("MySQL has no LIMIT in a query behind IN", at=query)
    rows = reader.subquery(query)
    value = reader.like(reader.read(node.this), rows)
    comparable(value, rows, node, ordered=False)
    if value.kind is not rows.kind:
        raise Refused(f"{described(value)} is compared with {described(rows)}", "write a CAST", at=node)
    if value.kind is Kind.DECIMAL and (value.is_scaled or scale_of(value) != scale_of(rows)):
        raise Refused("the numbers have different fractional digits: SQLite keeps them as texts", at=node)
    return _truth(write(f"{{}} {word} ({{}})", value.operand, rows.texts), value, rows)


def _exists(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this")
    return Value(write("EXISTS ({})", reader.subquery(node.this).texts), BOOLEAN)


def _is(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression", "negate")
    wanted = node.expression
    word = "IS NOT" if node.args.get("negate") else "IS"
    if isinstance(wanted, exp.Boolean):
        value = condition(reader, node.this)
        text = "TRUE" if wanted.this else "FALSE"
        return Value(write(f"{{}} {word} {text}", value.operand), BOOLEAN, is_operand=False)
    if not isinstance(wanted, exp.Null):
        raise Refused("IS is for NULL, TRUE and FALSE", "write `=`", at=node)
    value = reader.read(node.this)
    if value.parameter is not None and reader.parameters is not None:
        reader.parameters.asked_for_null(value)
    elif not value.nullable:
        raise Refused(f"{described(value)} is never NULL", at=node)
    return Value(write(f"{{}} {word} NULL", value.operand), BOOLEAN, is_operand=False)


def _like(reader: Reader, node: exp.Expr) -> Value:
    return _like_escaped(reader, node, None)


def _escape(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this", "expression")
    if not isinstance(node.this, exp.Like) or not isinstance(node.expression, exp.Literal):
        raise Refused("ESCAPE is for LIKE, and is one character", at=node)
    if len(node.expression.name) != 1:
        raise Refused("ESCAPE is one character", at=node.expression)
    return _like_escaped(reader, node.this, node.expression.name)


def _like_escaped(reader: Reader, node: exp.Expr, escape: str | None) -> Value:
    only(node, "this", "expression", "negate")
    value, pattern = (reader.known(reader.read(part), TEXT) for part in (node.this, node.expression))
    for each, part in ((value, node.this), (pattern, node.expression)):
        if each.kind is not Kind.TEXT:
            raise Refused(f"LIKE is for texts, this is {described(each)}", at=part)
    negation = "NOT " if node.args.get("negate") else ""
    if escape is None and pattern.constant is not None and "\\" in pattern.constant:
        hint = "say another character: LIKE '50!%' ESCAPE '!'"
        raise Refused("a backslash is an escape in some databases, in SQLite it is not", hint, at=node)
    if escape is None and pattern.constant is None:
        escape = "\\"  # what MySQL and PostgreSQL have, said for SQLite
    ending = write(" ESCAPE {}", literal(escape)) if escape is not None else same("")
    texts = write(f"{{}} {negation}LIKE {{}}{{}}", value.operand, pattern.operand, ending)
    if value.exact:
        if escape is not None or pattern.constant is None:
            message = "SQLite's LIKE does not tell small letters from capitals, this text does"
            raise Refused(message, "use list() with .startswith() or .contains()", at=node)
        glob = literal(_glob(pattern.constant))
        texts = replace(texts, sqlite=f"{value.operand.sqlite} {negation}GLOB {glob.sqlite}")
    return _truth(texts, value, pattern)


def _glob(pattern: str) -> str:
    """The pattern of SQLite's GLOB, which tells letters apart, for one of LIKE without escapes."""
    special = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(special.get(char, char) for char in pattern)


def _and(reader: Reader, node: exp.Expr) -> Value:
    return _connected(reader, node, "AND")


def _or(reader: Reader, node: exp.Expr) -> Value:
    return _connected(reader, node, "OR")


def _connected(reader: Reader, node: exp.Expr, word: str) -> Value:
    only(node, "this", "expression")
    values = [condition(reader, part) for part in (node.this, node.expression)]
    parts = [
        # The same word needs no parentheses: a OR b OR c.
        value.texts if isinstance(part.unnest(), type(node)) or not _is_logic(part) else value.operand
        for value, part in zip(values, (node.this, node.expression), strict=True)
    ]
    return _truth(joined(f" {word} ", parts), *values)


def _is_logic(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), exp.And | exp.Or)


def _not(reader: Reader, node: exp.Expr) -> Value:
    only(node, "this")
    inner = node.this
    if isinstance(inner, exp.Is | exp.In | exp.Between | exp.Like) and not inner.args.get("negate"):
        negated = inner.copy()  # NOT (x IS NULL) is how sqlglot reads `x IS NOT NULL`
        negated.set("negate", True)
        return reader.read(negated)
    value = condition(reader, inner)
    return _truth(write("NOT ({})", value.texts), value)


def _truth(texts: Texts, *parts: Value) -> Value:
    return Value(texts, BOOLEAN, any(part.nullable for part in parts), is_operand=False)


READERS: Mapping[type[exp.Expr], Read] = {
    **dict.fromkeys(_OPERATORS, _comparison),
    exp.Between: _between,
    exp.In: _in,
    exp.Exists: _exists,
    exp.Is: _is,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.And: _and,
    exp.Or: _or,
    exp.Not: _not,
}
