"""Types: each declared once, under a name that Python can have, and made of types that exist and end."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.check.statements import repeated
from zero_codegen.api.contract import Contract
from zero_codegen.api.golang import OVERRIDABLE, SCALARS, UNSENDABLE
from zero_codegen.api.problem import Problem, where
from zero_codegen.api.types import class_name
from zero_codegen.diagnostics import did_you_mean

_BUILT_IN = frozenset({*SCALARS, *UNSENDABLE, "any"})
_TAKEN = frozenset(
    {"Annotated", "Any", "AsyncGenerator", "AsyncIterator", "False", "Literal", "None", "True", "TypeAlias"}
)
"""Names that Python or the imports of a generated module give a meaning."""

_MAX_LENGTH = 2**31 - 1
"""Items of a fixed array, as many as any list here can have."""


def check(contract: Contract) -> Iterator[Problem]:
    declarations = [each for unit in contract.program.imported_first for each in unit.tree.declarations]
    yield from repeated((declaration.name for declaration in declarations), "the type")
    yield from _names(contract)
    for declaration in declarations:
        if declaration.name in _BUILT_IN:
            yield Problem(declaration.name, f"`{declaration.name}` is a built-in type and cannot be declared")
        yield from _type(declaration.type, contract)
    for endpoint in contract.endpoints:
        for body in (endpoint.route.request, endpoint.route.response):
            if body and body.type:
                yield from _type(body.type, contract)
    yield from _circular_names(contract)
    yield from _endless(contract)


def _names(contract: Contract) -> Iterator[Problem]:
    """Names that collide once they are Python's; equal ones are the business of `repeated`."""
    first: dict[str, Token] = {}
    declared = [(class_name(name), each.name) for name, each in contract.declarations.items()]
    inline = [(record.class_name, record.at) for record in contract.records]
    served = (contract.base_class, f"{contract.base_class}Client") if contract.service else ()
    for name, at in dict.fromkeys((*declared, *inline)):
        if at in _BUILT_IN and name == class_name(at):
            continue
        if name in _TAKEN or name in served:
            what = "means something else" if name in _TAKEN else "the service has for itself"
            yield Problem(at, f"`{at}` cannot become the Python class `{name}`, which {what}", "rename it")
        elif (other := first.setdefault(name, at)) is not at:
            message = f"`{at}` and `{other}` in {where(other, at)} both become the Python class `{name}`"
            yield Problem(at, message, "rename one of the two")


def _type(type_: tree.Type, contract: Contract) -> Iterator[Problem]:
    match type_:
        case tree.Named():
            yield from _reference(type_, contract)
        case tree.Map(key=key, value=value):
            yield from _key(key, contract)
            yield from _type(value, contract)
        case tree.Array(length=length, item=item):
            if length == "...":
                yield Problem(length, "an array has a length", "use a list: `[]T`")
            elif len(length) > 10 or not 0 < int(length) <= _MAX_LENGTH:
                yield Problem(length, f"`{length}` cannot be the length of an array")
            yield from _type(item, contract)
        case tree.List(item=inner) | tree.Pointer(target=inner):
            yield from _type(inner, contract)
        case tree.Struct(members=members):
            for member in members:
                if isinstance(member, tree.Field):
                    yield from _type(member.type, contract)
        case tree.AnyType():
            pass


def _key(type_: tree.Type, contract: Contract) -> Iterator[Problem]:
    problems = tuple(_reference(type_, contract)) if isinstance(type_, tree.Named) else ()
    yield from problems
    scalar = None if isinstance(type_, tree.Pointer) else contract.scalar(type_)
    if (
        not problems
        and not contract.unknown(type_)
        and (scalar is None or scalar.kind not in ("string", "int"))
    ):
        message = "the keys of a JSON object are strings or integers"
        yield Problem(type_.at, message, "use `map[string]…`")


def _reference(type_: tree.Named, contract: Contract) -> Iterator[Problem]:
    name = type_.at
    if name in UNSENDABLE:
        yield Problem(name, f"`{name}` has no form in JSON")
    elif (
        name not in contract.declarations
        and contract.unknown(type_)
        and not contract.program.may_declare(name)
    ):
        known = [*contract.declarations, *SCALARS, *OVERRIDABLE, "any"]
        hint = did_you_mean(name, known)
        if "." in name and hint is None:
            hint = "of other packages there are `time.Time` and `decimal.Decimal`"
        yield Problem(name, f"unknown type `{name}`", hint)


def _circular_names(contract: Contract) -> Iterator[Problem]:
    """Names of types that are no structs and are made of themselves: Python has no form for them."""
    named = {
        name: [each.at for each in tree.parts(declaration.type) if isinstance(each, tree.Named)]
        for name, declaration in contract.declarations.items()
        if not isinstance(declaration.type, tree.Struct)
    }
    done: set[str] = set()

    def visit(name: str, chain: tuple[str, ...]) -> Iterator[Problem]:
        for at in named[name]:
            if at in chain:
                loop = " -> ".join([*chain[chain.index(at) :], at])
                yield Problem(at, f"`{at}` is made of itself: {loop}", "make one of them a struct")
            elif at in named and at not in done:
                yield from visit(str(at), (*chain, str(at)))
        done.add(name)

    for name in named:
        if name not in done:
            yield from visit(name, (name,))


def _endless(contract: Contract) -> Iterator[Problem]:
    """Structs that contain themselves, in a way that no value of theirs ends."""
    done: set[str] = set()

    def visit(declaration: tree.Declaration, chain: tuple[str, ...]) -> Iterator[Problem]:
        for at, name in _needed(declaration.type, contract):
            if name in chain:
                loop = " -> ".join([*chain[chain.index(name) :], name])
                hint = f"use a list, or a pointer whose tag says `optional`: `*{name}`"
                yield Problem(at, f"a value of `{name}` never ends: {loop}", hint)
            elif name in contract.declarations and name not in done:
                yield from visit(contract.declarations[name], (*chain, name))
        done.add(str(declaration.name))

    for declaration in contract.declarations.values():
        if declaration.name not in done and isinstance(declaration.type, tree.Struct):
            yield from visit(declaration, (str(declaration.name),))


def _needed(type_: tree.Type, contract: Contract, *, absent: bool = False) -> Iterator[tuple[Token, str]]:
    """The structs of which every value of `type_` holds one, by the names behind other names, and where that is
    said; `absent` when a pointer to it may be null."""
    at, type_ = type_.at, contract.resolve(type_)
    match type_:
        case tree.Named(at=name):
            yield at, str(name)
        case tree.Pointer(target=target) if not absent:
            yield from _needed(target, contract)
        case tree.Array(item=item):
            yield from _needed(item, contract)
        case tree.Struct(members=members):
            for member in members:
                optional = member.tag is not None and any(
                    option.name in ("optional", "omitempty")
                    for key in member.tag.keys
                    for option in key.options
                )
                yield from _needed(member.type, contract, absent=optional)
