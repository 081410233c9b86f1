"""The columns of a result: their names, their sources, and how they are shown and ordered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from zero_codegen.model.queries.reader import Reader
from zero_codegen.model.queries.scopes import Scope, Source
from zero_codegen.model.queries.texts import Texts, name, write
from zero_codegen.model.queries.values import Kind, Refused, Value, described, has_collation, kept
from zero_codegen.model.types import ColumnType


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a result. `name` is None where it has none; `source` is whose column it plainly is."""

    name: str | None
    value: Value
    node: exp.Expr
    source: Source | None = None


def output_of(node: exp.Expr, scope: Scope, reader: Reader, wanted: ColumnType | None) -> Output:
    inner = node.this if isinstance(node, exp.Alias) else node
    value = reader.read(inner)
    if wanted is not None:
        value = reader.known(value, wanted)
    if value.type is None and (wanted is None or value.parameter is not None):
        hint = "say it: CAST(:name AS BIGINT)" if value.parameter is not None else None
        raise Refused(
            f"the type of {described(value) if hint is None else 'this'} is not known", hint, at=inner
        )
    column = inner.unnest()
    source = None
    if isinstance(column, exp.Column):
        found = [scope.sources[alias] for alias, _ in places_of(scope, column)]
        source = found[0] if found else None
    if isinstance(node, exp.Alias):
        is_same = value.column is not None and value.column.name == node.alias
        return Output(node.alias, value, inner, source if is_same else None)
    return Output(column.name if isinstance(column, exp.Column) else None, value, inner, source)


def shown_as(output: Output, *, is_final: bool) -> Texts:
    texts = kept(output.value)
    if is_final and output.value.type is not None:
        operand = texts.mysql if output.value.is_operand else f"({texts.mysql})"
        selected = output.value.type.stored.selected(operand, "mysql")
        texts = texts if selected == operand else replace(texts, mysql=selected)
    is_named = isinstance(output.node.parent, exp.Alias)
    return write("{} AS {}", texts, name(output.name)) if is_named and output.name else texts


def ordered_by(value: Value, ordered: exp.Expr) -> Texts:
    node = ordered.this
    if value.type is None or not value.type.stored.is_ordered:
        raise Refused(f"databases order {described(value)} differently", "order it in Python", at=node)
    texts = value.operand
    if value.column is None and value.kind is Kind.DECIMAL and not value.is_scaled:
        texts = replace(texts, sqlite=f"{texts.sqlite} COLLATE decimal")
    elif value.column is None and value.exact is False:
        texts = replace(texts, sqlite=f"{texts.sqlite} COLLATE NOCASE")
    elif has_collation([texts]):
        texts = replace(texts, sqlite=f"{texts.sqlite} COLLATE BINARY")
    desc = bool(ordered.args.get("desc"))
    direction = " DESC" if desc else ""
    if not value.nullable:
        return write(f"{{}}{direction}", texts)
    first = bool(ordered.args.get("nulls_first"))
    nulls = f" NULLS {'FIRST' if first else 'LAST'}"
    if "\0" in texts.mysql and first == desc:
        raise Refused("MySQL would need the parameter twice to put NULL there", "order by a column", at=node)
    return write(
        "",
        texts,
        sqlite=f"{{0}}{direction}{nulls if first == desc else ''}",
        mysql=(
            f"{{0}} IS {'NOT ' if first else ''}NULL, {{0}}{direction}"
            if first == desc
            else f"{{0}}{direction}"
        ),
        postgresql=f"{{0}}{direction}{nulls if first != desc else ''}",
    )


def is_not_null(node: exp.Expr) -> exp.Column | None:
    """The column of `column IS NOT NULL`."""
    inner = node.this.unnest() if isinstance(node, exp.Not) else node
    negated = isinstance(node, exp.Not) != bool(inner.args.get("negate"))
    if isinstance(inner, exp.Is) and negated and isinstance(inner.expression, exp.Null):
        column = inner.this.unnest()
        return column if isinstance(column, exp.Column) else None
    return None


def places_of(scope: Scope, node: exp.Column | None) -> set[tuple[str, str]]:
    if node is None:
        return set()
    return {
        (alias, node.name.casefold())
        for alias, source in scope.sources.items()
        if node.name.casefold() in source.columns and node.table.casefold() in ("", alias)
    }
