"""Python annotations and defaults for the types of a contract."""

from __future__ import annotations

from collections.abc import Set

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract, Member, class_name
from zero_codegen.api.golang import BYTES, SCALARS, Scalar
from zero_codegen.api.rules import Range, Rules, Value, integer_bounds, scalar_of
from zero_codegen.python import Bracketed, Piece, string

_ZEROS = {"bool": "False", "string": '""', "int": "0", "float": "0.0"}


def annotation(type_: tree.Type, contract: Contract, hidden: Set[str] = frozenset()) -> Piece:
    """The annotation of a type, where attributes of the class around it hide the built-in names `hidden`."""

    def builtin(name: str) -> str:
        return f"builtins.{name}" if name in hidden else name

    def visit(type_: tree.Type) -> Piece:
        match type_:
            case tree.Named(at=name):
                return builtin(SCALARS[name].python) if name in SCALARS else class_name(name)
            case tree.AnyType():
                return "Any"
            case tree.Pointer(target=target):
                return visit(target)
            case tree.List(item=tree.Named(at=name)) if name in BYTES:
                return builtin("bytes")
            case tree.List(item=item):
                return Bracketed(f"{builtin('list')}[", (visit(item),), "]")
            case tree.Array(length=length, item=item):
                size = int(length)
                meta = Bracketed("msgspec.Meta(", (f"min_length={size}", f"max_length={size}"), ")")
                return Bracketed("Annotated[", (visit(tree.List(type_.at, item)), meta), "]")
            case tree.Map(key=key, value=value):
                return Bracketed(f"{builtin('dict')}[", (visit(key), visit(value)), "]")
            case tree.Struct():
                return contract.class_names[id(type_)]

    return visit(type_)


def member_annotation(member: Member, contract: Contract, hidden: Set[str]) -> Piece:
    """The annotation of a member: its type, or what its tag leaves of it."""
    rules, scalar = member.rules, scalar_of(member.type)
    if rules.choices:
        return Bracketed("Literal[", tuple(map(literal, rules.choices)), "]")
    if rules.range is None or scalar is None:
        return annotation(member.type, contract, hidden)
    kind = f"builtins.{scalar.kind}" if scalar.kind in hidden else scalar.kind
    meta = Bracketed("msgspec.Meta(", tuple(_bounds(rules.range, scalar)), ")")
    return Bracketed("Annotated[", (kind, meta), "]")


def default(member: Member) -> str | None:
    """The default of a member; None when it has to be given.

    An optional one has Go's zero value; None stands for an absent pointer, struct or array, and for an absent
    value where there are options.
    """
    rules = member.rules
    if rules.default is not None:
        return literal(rules.default)
    return _zero(member.type, rules) if rules.optional else None


def literal(value: Value) -> str:
    return string(value) if isinstance(value, str) else repr(value)


def _zero(type_: tree.Type, rules: Rules) -> str:
    match type_:
        case tree.Named(at=name) if name in SCALARS and not rules.choices:
            return _ZEROS[SCALARS[name].kind]
        case tree.List(item=tree.Named(at=name)) if name in BYTES:
            return 'b""'
        case tree.List():
            return "[]"
        case tree.Map():
            return "{}"
    return "None"


def _bounds(bounds: Range, scalar: Scalar) -> list[str]:
    """The arguments of msgspec's Meta; integers also keep within their type."""
    if scalar.kind == "int":
        low, high = integer_bounds(bounds, scalar)
        return [f"ge={low}", f"le={high}"]
    arguments = []
    if bounds.low is not None:
        arguments.append(f"{'gt' if bounds.low_open else 'ge'}={float(bounds.low)!r}")
    if bounds.high is not None:
        arguments.append(f"{'lt' if bounds.high_open else 'le'}={float(bounds.high)!r}")
    return arguments
