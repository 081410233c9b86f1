"""Python types that BUILD files give columns in place of the types' own."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from zero_codegen.diagnostics import did_you_mean
from zero_codegen.model.settings import Dialect
from zero_codegen.model.types import (
    Binary,
    Boolean,
    Char,
    ColumnType,
    Constant,
    Decimal,
    Enum,
    Float,
    Integer,
    Json,
    Text,
    Unsupported,
    Uuid,
)
from zero_codegen.python import Bracketed, Piece, string

_CLASS = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)", re.ASCII)
_BUILTINS = ("bool", "int", "float", "str", "decimal.Decimal", "uuid.UUID")
UUID_LENGTH = len("12345678-1234-1234-1234-123456789012")
_JSON_NAMES = frozenset({"bool", "bytes", "dict", "float", "int", "list", "None", "str", "tuple"})


@dataclass(frozen=True, slots=True)
class Overridden(ColumnType):
    """A column whose values have another Python type than that of `inner`.

    `build` makes such a value of what `inner` gives, `back` (none where that is not needed) what `inner`
    takes of it. `source` is the module and the name in it that a class is imported by.
    """

    inner: ColumnType
    python: str
    build: str
    back: str = ""
    source: tuple[str, str] | None = None

    @property
    def is_indexable(self) -> bool:  # type: ignore[override]
        return self.inner.is_indexable

    @property
    def is_ordered(self) -> bool:  # type: ignore[override]
        return self.inner.is_ordered

    @property
    def stored(self) -> ColumnType:
        return self.inner

    @property
    def annotation(self) -> str:
        return self.python

    @property
    def imports(self) -> frozenset[tuple[str, str]]:
        return frozenset() if self.source is None else frozenset({self.source})

    def sql(self, dialect: Dialect) -> str:
        return self.inner.sql(dialect)

    def constant(self, value: str | bool) -> Constant:
        plain = self.inner.constant(value)
        python, is_hoisted = f"{self.build}({plain.python})", True
        if self.build in ("bool", "int", "float", "str"):
            try:
                literal = ast.literal_eval(plain.python)
            except ValueError:
                pass  # a call
            else:
                convert = {"bool": bool, "int": int, "float": float, "str": str}[self.build]
                converted = convert(literal)
                python = string(converted) if isinstance(converted, str) else repr(converted)
                is_hoisted = False
        return replace(plain, python=python, is_hoisted=is_hoisted)

    def check(self, column: str, dialect: Dialect) -> str | None:
        return self.inner.check(column, dialect)

    def encode(self, value: str, *, nullable: bool = True) -> Piece:
        if not self.back:
            return self.inner.encode(value, nullable=nullable)
        back = f"model.optional({self.back}, {value})" if nullable else f"{self.back}({value})"
        return self.inner.encode(back, nullable=nullable)

    def decode(self, value: str, *, nullable: bool) -> Piece:
        inner = self.inner.decode(value, nullable=nullable)
        if nullable:
            return Bracketed("model.optional(", (self.build, inner), ")")
        return Bracketed(f"{self.build}(", (inner,), ")")

    def operand(self, dialect: Dialect) -> str:
        return self.inner.operand(dialect)

    def selected(self, column: str, dialect: Dialect) -> str:
        return self.inner.selected(column, dialect)


@dataclass(frozen=True, slots=True)
class TypedJson(Json):
    """JSON of values of one type, which msgspec checks when it is read."""

    python: str
    sources: tuple[tuple[str, str], ...] = ()

    @property
    def annotation(self) -> str:
        return self.python

    @property
    def imports(self) -> frozenset[tuple[str, str]]:
        return frozenset(self.sources)

    def constant(self, value: str | bool) -> Constant:
        text = value if isinstance(value, str) else str(value).lower()
        python = f"model.decode_json({string(text)}, type={self.python})"
        return replace(Json().constant(value), python=python, is_hoisted=True)

    def decode(self, value: str, *, nullable: bool) -> Piece:
        kind = f"{self.python} | None" if nullable else self.python
        return Bracketed("model.decode_json(", (value, f"type={kind}"), ")")


def override(type_: ColumnType, python: str) -> ColumnType:
    """The type of a column whose values are to be `python`: `bool`, `decimal.Decimal`, `module:Class`, and of
    JSON any that msgspec decodes. Raises Unsupported with the reason.
    """
    if isinstance(type_, Json):
        return _json(python)
    if found := _CLASS.fullmatch(python):
        module, name = found.groups()
        return Overridden(type_, name, name, _back(type_), (module, name))
    if python not in _BUILTINS:
        known = f"{', '.join(_BUILTINS)} or module:Class"
        hint = did_you_mean(python, _BUILTINS)
        raise Unsupported(f"`{python}` is no type: write {known}" + (f" ({hint})" if hint else ""))
    if python == type_.annotation:
        return type_
    ways = _ways(type_)
    if python not in ways:
        raise Unsupported(f"values of this column are `{type_.annotation}`, of which no `{python}` is made")
    build, back = ways[python]
    return Overridden(type_, python, build, back)


def _ways(type_: ColumnType) -> Mapping[str, tuple[str, str]]:
    """The other builtin types that a column can have: how they are made, and how they are turned back."""
    match type_:
        case Integer():
            return {"bool": ("bool", "int"), "float": ("float", "int"), "str": ("str", "int")}
        case Boolean():
            return {"int": ("int", "bool")}
        case Float():
            return {"int": ("int", "float"), "str": ("str", "float")}
        case Decimal():
            text = {"str": ("str", "decimal.Decimal")}
            if type_.scale:
                return text | {"float": ("float", "model.decimal_of_float")}
            return text | {"int": ("int", "decimal.Decimal")}
        case Binary(octets=16):
            return {"uuid.UUID": ("model.uuid_of_bytes", "model.bytes_of_uuid")}
        case Char() | Text():
            fits = isinstance(type_, Text) or type_.length >= UUID_LENGTH
            number = {"decimal.Decimal": ("decimal.Decimal", "str")}
            return number | ({"uuid.UUID": ("uuid.UUID", "model.encode_uuid")} if fits else {})
        case Uuid():
            return {"str": ("str", "uuid.UUID")}
        case Enum():
            return {"str": ("str", "")}
        case _:
            return {}


def _back(type_: ColumnType) -> str:
    """How a value of a class of the user's becomes one that the column takes: subclasses need nothing."""
    name = type_.annotation
    return name if name in ("bool", "bytes", "float", "int", "str") else ""


def _json(python: str) -> ColumnType:
    sources = frozenset((found.group(1), found.group(2)) for found in _CLASS.finditer(python))
    annotation = _CLASS.sub(lambda found: found.group(2), python)
    own = {name for _, name in sources}
    try:
        names = {
            node.id for node in ast.walk(ast.parse(annotation, mode="eval")) if isinstance(node, ast.Name)
        }
    except SyntaxError:
        raise Unsupported(f"`{python}` is no type") from None
    for name in sorted(names - own - _JSON_NAMES):
        raise Unsupported(f"`{name}` in `{python}` is not known here: write module:Class")
    return TypedJson(annotation, tuple(sorted(sources)))
