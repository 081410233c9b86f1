"""Python annotations and defaults for the types of a contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from decimal import Decimal

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract
from zero_codegen.api.golang import Scalar
from zero_codegen.api.rules import Range, Value, integer_bounds
from zero_codegen.api.types import Member, class_name
from zero_codegen.python import Bracketed, Piece, joined, string

_ZEROS = {"bool": "False", "string": '""', "int": "0", "float": "0.0"}


def annotation(type_: tree.Type, contract: Contract, hidden: Set[str] = frozenset()) -> Piece:
    """The annotation of a type, where attributes of the class around it hide the built-in names `hidden`."""

    def visit(type_: tree.Type) -> Piece:
        match type_:
            case tree.Named(at=name):
                scalar = None if name in contract.declarations else contract.scalar(type_)
                return builtin(scalar.python, hidden) if scalar else class_name(name)
            case tree.AnyType():
                return "Any"
            case tree.Pointer(target=target):
                return visit(target)
            case tree.List() if contract.is_bytes(type_):
                return builtin("bytes", hidden)
            case tree.List(item=item):
                return _list(visit(item), hidden)
            case tree.Array(length=length, item=item):
                size = int(length)
                meta = Bracketed("msgspec.Meta(", (f"min_length={size}", f"max_length={size}"), ")")
                return _annotated(_list(visit(item), hidden), [meta])
            case tree.Map(key=key, value=value):
                return Bracketed(f"{builtin('dict', hidden)}[", (visit(key), visit(value)), "]")
            case tree.Struct():
                return contract.class_names[id(type_)]

    return visit(type_)


def value_annotation(member: Member, contract: Contract, hidden: Set[str]) -> Piece:
    """The annotation of a member that is there: its type, or what its tag leaves of it."""
    rules, scalar = member.rules, contract.scalar(member.type)
    if is_upload(member, contract):
        return "rest.Upload" if contract.is_bytes(member.type) else _list("rest.Upload", hidden)
    if rules.choices:
        return Bracketed("Literal[", tuple(map(literal, rules.choices)), "]")
    if rules.range is None or scalar is None:
        return annotation(member.type, contract, hidden)
    meta = Bracketed("msgspec.Meta(", tuple(_bounds(rules.range, scalar)), ")")
    return _annotated(builtin(scalar.kind, hidden), [meta])


def member_annotation(member: Member, value: Piece, contract: Contract) -> Piece:
    """The annotation of a member, whose `value_annotation` is `value`, with all that its tag says.

    It has None where that stands for an absent one.
    """
    if default(member, contract) == "None" and value != "Any":
        value = joined("", value, " | None")
    return _annotated(value, tuple(_metadata(member, contract)))


def default(member: Member, contract: Contract) -> Piece | None:
    """The default of a member; None when it has to be given.

    What is absent has Go's zero value, or that of `factory`; None stands for an absent pointer, array, time,
    decimal or file, for an absent struct of which something has to be given, and for an absent value where there
    are options.
    """
    rules = member.rules
    if isinstance(rules.default, tuple):
        return _made_by(Bracketed("lambda: [", tuple(map(literal, rules.default)), "]"))
    if rules.default is not None:
        return literal(rules.default)
    if contract.required(member) or (_comes_from_elsewhere(member) and not rules.optional):
        return None
    if made := factory(member, contract):
        return _made_by(made)
    match contract.resolve(member.type):
        case tree.Named() if (scalar := contract.scalar(member.type)) and not rules.choices:
            return _ZEROS.get(scalar.kind, "None")
        case tree.List() as list_ if contract.is_bytes(list_):
            return "None" if is_upload(member, contract) else 'b""'
        case tree.List():
            return "[]"
        case tree.Map():
            return "{}"
    return "None"


def factory(member: Member, contract: Contract) -> str | None:
    """The class of which a member has a new value when it is absent.

    As in go-zero, this is so for a struct that is not optional and of which nothing has to be given.
    """
    rules, type_ = member.rules, member.type
    if isinstance(contract.resolve(type_), tree.Pointer) or contract.struct(type_) is None:
        return None
    if rules.optional or rules.omitempty or rules.depends or contract.required(member):
        return None
    aliases = {alias.class_name: alias.type for alias in contract.aliases}
    while isinstance(type_, tree.Named) and class_name(type_.at) in aliases:  # they come behind all classes
        type_ = aliases[class_name(type_.at)]
    return str(annotation(type_, contract))


def literal(value: Value) -> str:
    if isinstance(value, Decimal):
        return f"rest.Decimal({string(str(value))})"
    return string(value) if isinstance(value, str) else repr(value)


def builtin(name: str, hidden: Set[str]) -> str:
    """The name of a built-in type where attributes of the class around it hide some."""
    return f"builtins.{name}" if name in hidden else name


def is_upload(member: Member, contract: Contract) -> bool:
    """Whether a member is a file of a multipart form, or several."""
    type_ = contract.resolve(member.type)
    is_files = isinstance(type_, tree.List) and contract.is_bytes(type_.item)
    return "form" in member.rules.wires and (is_files or contract.is_bytes(type_))


def has_rules(type_: tree.Type, contract: Contract) -> bool:
    """Whether a response of the type has fields that msgspec alone does not write as their tags say."""
    seen: set[int] = set()
    waiting = [type_]
    while waiting:
        found = contract.resolve(waiting.pop())
        if id(found) in seen:
            continue
        seen.add(id(found))
        struct = contract.struct(found)
        if struct is None:
            waiting += tree.parts(found)
            continue
        for member in contract.members(struct):
            if member.rules.omitempty or _is_quoted(member, contract):
                return True
            waiting.append(member.type)
    return False


def _made_by(function: Piece) -> Bracketed:
    """The default of a field whose values are not shared."""
    return Bracketed("msgspec.field(", (joined("default_factory=", function),), ")")


def _metadata(member: Member, contract: Contract) -> Iterator[Piece]:
    """What a tag says beyond what msgspec's types can."""
    rules = member.rules
    if _is_quoted(member, contract):
        yield "rest.AS_STRING"
    if rules.omitempty:
        yield "rest.OMIT_EMPTY"
    if rules.inherit:
        yield "rest.INHERIT"
    if rules.env:
        yield Bracketed("rest.Env(", (string(rules.env),), ")")
    if rules.depends:
        kind = "With" if rules.depends.present else "Without"
        yield Bracketed(f"rest.{kind}(", (string(rules.depends.name),), ")")


def _comes_from_elsewhere(member: Member) -> bool:
    """Whether something else may give what a message leaves out, which then has to."""
    return member.rules.inherit or member.rules.env is not None


def _is_quoted(member: Member, contract: Contract) -> bool:
    """Whether a member is a number or a boolean in quotes in JSON."""
    scalar = contract.scalar(member.type)
    return member.rules.string and "json" in member.rules.wires and bool(scalar and scalar.kind != "string")


def _annotated(type_: Piece, metadata: Sequence[Piece]) -> Piece:
    """The type with its metadata, if there is any, in one `Annotated`."""
    if not metadata:
        return type_
    if isinstance(type_, Bracketed) and (type_.head, type_.tail) == ("Annotated[", "]"):
        return replace(type_, items=(*type_.items, *metadata))
    return Bracketed("Annotated[", (type_, *metadata), "]")


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


def _list(item: Piece, hidden: Set[str]) -> Bracketed:
    return Bracketed(f"{builtin('list', hidden)}[", (item,), "]")
