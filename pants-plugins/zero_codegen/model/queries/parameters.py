"""The parameters of a statement: what each use of one tells of its type, and how each database has it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sqlglot import exp

from zero_codegen.model import types
from zero_codegen.model.queries.texts import Texts, same
from zero_codegen.model.queries.values import Kind, Refused, Value, kind_of
from zero_codegen.model.settings import DIALECTS, Dialect
from zero_codegen.model.types import ColumnType

_MARK = re.compile("\0([0-9]+)\0")
"""An occurrence in a text that is not finished yet: no text of SQL has a NUL."""

_POSTGRESQL = {
    Kind.INTEGER: "bigint",
    Kind.FLOAT: "double precision",
    Kind.DECIMAL: "numeric",
    Kind.BOOLEAN: "boolean",
    Kind.TEXT: "text",
    Kind.ENUM: "text",
    Kind.BINARY: "bytea",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.DATETIME: "timestamptz",
    Kind.UUID: "uuid",
    Kind.JSON: "jsonb",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the method that a statement becomes."""

    name: str
    type: ColumnType
    nullable: bool


@dataclass(slots=True)
class _Occurrence:
    name: str
    node: exp.Expr
    type: ColumnType | None = None
    is_plain: bool = False
    """Whether a column stands right beside it: the database knows its type by that."""
    is_stored: bool = False
    may_be_null: bool = False
    """Whether it is stored in a column that takes NULL."""
    asks_for_null: bool = False


class Parameters:
    """Collects the occurrences of parameters while a statement is read."""

    def __init__(self) -> None:
        self._occurrences: list[_Occurrence] = []

    def add(self, name: str, node: exp.Expr) -> Value:
        """An occurrence whose type is not known yet."""
        self._occurrences.append(_Occurrence(name, node))
        number = len(self._occurrences) - 1
        return Value(same(f"\0{number}\0"), None, parameter=number)

    def bind(
        self,
        value: Value,
        type_: ColumnType,
        *,
        plain: bool = False,
        stored: bool = False,
        nullable: bool = False,
    ) -> Value:
        """Tell the type of an occurrence."""
        assert value.parameter is not None
        occurrence = self._occurrences[value.parameter]
        occurrence.type, occurrence.is_plain, occurrence.is_stored = type_, plain, stored
        occurrence.may_be_null = occurrence.may_be_null or nullable
        return replace(value, type=type_, nullable=nullable and not stored)

    def asked_for_null(self, value: Value) -> None:
        """Tell that NULL is a value that the statement reckons with."""
        assert value.parameter is not None
        self._occurrences[value.parameter].asks_for_null = True

    def finish(self, texts: Texts) -> tuple[Texts, tuple[tuple[str, ColumnType], ...], tuple[Parameter, ...]]:
        """The finished texts, the parameters in the order of the values that a call gives, and each once.

        Raises Refused for a parameter whose type is not known, or is two.
        """
        self._share_types()
        parameters = self._parameters()
        orders = {tuple(dict.fromkeys(map(int, _MARK.findall(texts[dialect])))) for dialect in DIALECTS}
        assert len(orders) == 1, "templates keep the order of their parts"
        (order,) = orders
        finished = Texts(*(self._text(texts[dialect], dialect, order) for dialect in DIALECTS))
        types_ = [(each.name, each.type) for each in (self._occurrences[number] for number in order)]
        return finished, tuple((name, type_) for name, type_ in types_ if type_ is not None), parameters

    def _share_types(self) -> None:
        """What one use tells goes for the uses that tell nothing, such as IS NULL."""
        known: dict[str, ColumnType] = {}
        for each in self._occurrences:
            if each.type is not None:
                first = known.setdefault(each.name, each.type)
                if first.annotation != each.type.annotation:
                    message = f"`:{each.name}` is {first.annotation} and {each.type.annotation}"
                    raise Refused(message, "give the two different names", at=each.node)
        for each in self._occurrences:
            if each.type is None and each.name not in known:
                hint = f"say it: CAST(:{each.name} AS BIGINT)"
                raise Refused(f"what `:{each.name}` is cannot be told from its use", hint, at=each.node)
            each.type = each.type or known[each.name]

    def _parameters(self) -> tuple[Parameter, ...]:
        by_name: dict[str, list[_Occurrence]] = {}
        for each in self._occurrences:
            by_name.setdefault(each.name, []).append(each)
        return tuple(
            Parameter(
                name,
                uses[0].type or types.Text(None),
                any(use.asks_for_null for use in uses) or all(use.may_be_null for use in uses),
            )
            for name, uses in by_name.items()
        )

    def _text(self, text: str, dialect: Dialect, order: tuple[int, ...]) -> str:
        positions = {number: index for index, number in enumerate(order, 1)}
        is_repeated = len(_MARK.findall(text)) > len(order)

        def placeholder(match: re.Match[str]) -> str:
            occurrence = self._occurrences[int(match[1])]
            position = positions[int(match[1])]
            if dialect == "sqlite":
                return f"?{position}" if is_repeated else "?"
            if dialect == "mysql":
                return _mysql(occurrence)
            return _postgresql(occurrence, position)

        if dialect == "mysql":
            text = text.replace("%", "%%")
        return _MARK.sub(placeholder, text)


def _mysql(occurrence: _Occurrence) -> str:
    type_ = occurrence.type
    if occurrence.is_stored or type_ is None:
        return "%s"
    return type_.operand("mysql").format("%s")


def _postgresql(occurrence: _Occurrence, position: int) -> str:
    type_ = occurrence.type
    if occurrence.is_stored or occurrence.is_plain or type_ is None:
        return f"${position}"
    return f"CAST(${position} AS {_POSTGRESQL[kind_of(type_)]})"
