"""Types: each declared once, under a name that Python can have, and made of types that exist and end."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.check.statements import repeated
from zero_codegen.api.contract import Contract
from zero_codegen.api.golang import SCALARS, UNSENDABLE
from zero_codegen.api.problem import Problem, line_of
from zero_codegen.diagnostics import did_you_mean

_BUILT_IN = frozenset({*SCALARS, *UNSENDABLE, "any"})
_TAKEN = frozenset({"Annotated", "Any", "Literal", "None", "True", "False"})
"""Names that Python or the imports of a generated module give a meaning."""

_MAX_LENGTH = 2**31 - 1
"""Items of a fixed array, as many as any list here can have."""


def check(contract: Contract) -> Iterator[Problem]:
    yield from repeated((declaration.name for declaration in contract.tree.declarations), "the type")
    yield from _names(contract)
    for declaration in contract.tree.declarations:
        if declaration.name in _BUILT_IN:
            yield Problem(declaration.name, f"`{declaration.name}` is a built-in type and cannot be declared")
        if isinstance(declaration.type, tree.Struct):
            yield from _type(declaration.type, contract)
        else:
            message = "only structs can be declared: other names for a type are not supported yet"
            yield Problem(
                declaration.equals or declaration.type.at, message, "use the type itself in the fields"
            )
    for route in (route for service in contract.tree.services for route in service.routes):
        for body in (route.request, route.response):
            if body and body.type:
                yield from _type(body.type, contract)
    yield from _endless(contract)


def _names(contract: Contract) -> Iterator[Problem]:
    """Names that collide once they are Python's; equal ones are the business of `repeated`."""
    first: dict[str, Token] = {}
    for record in contract.records:
        name, at = record.class_name, record.at
        if at in _BUILT_IN:
            continue
        if name in _TAKEN or name == contract.base_class:
            what = "means something else" if name in _TAKEN else "is what logic implements"
            yield Problem(at, f"`{at}` cannot become the Python class `{name}`, which {what}", "rename it")
        elif (other := first.setdefault(name, at)) != at:
            message = f"`{at}` and `{other}` in line {line_of(other)} both become the Python class `{name}`"
            yield Problem(at, message, "rename one of the two")


def _type(type_: tree.Type, contract: Contract) -> Iterator[Problem]:
    match type_:
        case tree.Named():
            yield from _reference(type_, contract)
        case tree.Map(key=key, value=value):
            scalar = SCALARS.get(key.at) if isinstance(key, tree.Named) else None
            if scalar is None or scalar.kind not in ("string", "int"):
                message = "the keys of a JSON object are strings or integers"
                yield Problem(key.at, message, "use `map[string]…`")
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


def _reference(type_: tree.Named, contract: Contract) -> Iterator[Problem]:
    name = type_.at
    if name in UNSENDABLE:
        yield Problem(name, f"`{name}` has no form in JSON")
    elif name not in SCALARS and name not in contract.declarations and not contract.tree.imports:
        known = [*contract.declarations, *SCALARS, "any"]
        yield Problem(name, f"unknown type `{name}`", did_you_mean(name, known))


def _endless(contract: Contract) -> Iterator[Problem]:
    """Structs that contain themselves, in a way that no value of theirs ends."""
    done: set[str] = set()

    def visit(declaration: tree.Declaration, chain: tuple[str, ...]) -> Iterator[Problem]:
        for at in _needed(declaration.type, contract):
            if at.at in chain:
                loop = " -> ".join([*chain[chain.index(at.at) :], at.at])
                hint = f"use a list, or a pointer whose tag says `optional`: `*{at.at}`"
                yield Problem(at.at, f"a value of `{at.at}` never ends: {loop}", hint)
            elif at.at in contract.declarations and at.at not in done:
                yield from visit(contract.declarations[at.at], (*chain, str(at.at)))
        done.add(str(declaration.name))

    for declaration in contract.declarations.values():
        if declaration.name not in done:
            yield from visit(declaration, (str(declaration.name),))


def _needed(type_: tree.Type, contract: Contract, *, absent: bool = False) -> Iterator[tree.Named]:
    """The types of which every value of `type_` holds one; `absent` when a pointer to it may be null."""
    match type_:
        case tree.Named():
            yield type_
        case tree.Pointer(target=target) if not absent:
            yield from _needed(target, contract)
        case tree.Array(item=item):
            yield from _needed(item, contract)
        case tree.Struct(members=members):
            for member in members:
                optional = member.tag is not None and any(
                    option.name == "optional" for key in member.tag.keys for option in key.options
                )
                yield from _needed(member.type, contract, absent=optional)
