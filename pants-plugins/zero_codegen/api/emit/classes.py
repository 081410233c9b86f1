"""The classes of a contract's structs, and the other names it has for types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from zero_codegen import naming
from zero_codegen.api.contract import BUILTINS, Contract, Record
from zero_codegen.api.emit.annotations import (
    annotation,
    default,
    factory,
    member_annotation,
    value_annotation,
)
from zero_codegen.api.types import Member
from zero_codegen.python import WIDTH, Bracketed, Piece, docstring, free, joined, layout, string
from zero_codegen.width import width

_INDENT = 4


class StructClass(NamedTuple):
    """A class in pieces of source; `body` is without its indentation."""

    head: str
    doc: str
    body: list[str]


class Assignment(NamedTuple):
    """A name for a type: the statement, and what the contract says of it."""

    source: str
    doc: str = ""


class Classes(NamedTuple):
    """A class for every struct, and names for types.

    The names are those that the contract declares, and those of annotations that are too long for the line of
    their field. They come behind the classes, which they refer to: msgspec reads annotations when they are used.
    """

    classes: list[StructClass]
    names: list[Assignment]


def classes_of(contract: Contract) -> Classes:
    """The classes and names in the order of the text, but each behind those that its definition needs."""
    taken = class_names(contract)
    long: list[Assignment] = []

    def named(record: Record, member: Member, type_: Bracketed) -> str:
        name = free(record.class_name + naming.pascal(member.attribute), taken)
        long.append(Assignment(layout(joined(f"{name} = ", type_))))
        return name

    def class_of(record: Record) -> StructClass:
        members = contract.members(record.struct)
        hidden = BUILTINS & {member.attribute for member in members}
        body: list[str] = []
        for member in members:
            value, absent = value_annotation(member, contract, hidden), default(member, contract)
            type_ = member_annotation(member, value, contract)
            if isinstance(value, Bracketed) and _too_long(member, type_, absent):
                type_ = member_annotation(member, named(record, member, value), contract)
            if isinstance(type_, Bracketed) and _too_long(member, type_, absent):
                type_ = named(record, member, type_)
            body += _field(member, type_, absent)
            if doc := contract.comments(member.name):
                body.append(docstring(doc, _INDENT))
        return StructClass(_head(record, members), contract.comments(record.at), body)

    classes = [class_of(record) for record in _in_order(contract)]
    names = [
        Assignment(
            layout(joined(f"{alias.class_name}: TypeAlias = ", annotation(alias.type, contract))),
            contract.comments(alias.at),
        )
        for alias in contract.aliases
    ]
    return Classes(classes, [*names, *long])


def class_names(contract: Contract) -> set[str]:
    """The classes and names of types that the module has, by itself or by import."""
    return {
        contract.base_class,
        f"{contract.base_class}Client",
        *(record.class_name for record in contract.records),
        *(alias.class_name for alias in contract.aliases),
        *(name for names in contract.imports.values() for name in names),
    }


def _in_order(contract: Contract) -> list[Record]:
    """The records in the order of the text, but each behind those that its defaults are made of."""
    records = {record.class_name: record for record in contract.records}
    placed: dict[str, Record] = {}

    def place(record: Record) -> None:
        for member in contract.members(record.struct):
            made = factory(member, contract)
            if made in records and made not in placed:
                place(records[made])
        placed[record.class_name] = record

    for record in records.values():
        if record.class_name not in placed:
            place(record)
    return list(placed.values())


def _head(record: Record, members: Iterable[Member]) -> str:
    renamed = tuple(
        f"{string(member.attribute)}: {string(member.encoded)}"
        for member in members
        if member.encoded != member.attribute
    )
    rename: tuple[Piece, ...] = (Bracketed("rename={", renamed, "}"),) if renamed else ()
    return layout(Bracketed(f"class {record.class_name}(", ("msgspec.Struct", "kw_only=True", *rename), "):"))


def _too_long(member: Member, type_: Piece, absent: Piece | None) -> bool:
    """Whether the first line of a field would be; a default in brackets may end in a later one."""
    value = absent.head if isinstance(absent, Bracketed) else absent
    line = f"{member.attribute}: {type_}" + ("" if value is None else f" = {value}")
    return _INDENT + width(line) > WIDTH


def _field(member: Member, type_: Piece, absent: Piece | None) -> list[str]:
    """A field whose default is `absent`, or has none."""
    declared = f"{member.attribute}: {type_}"
    if absent is None:
        return [declared]
    if isinstance(absent, Bracketed):
        return [layout(joined(f"{declared} = ", absent), _INDENT)]
    field = f"{declared} = {absent}"
    if _INDENT + width(field) > WIDTH >= 2 * _INDENT + width(absent):
        return [f"{declared} = (", f"{' ' * _INDENT}{absent}", ")"]
    return [field]
