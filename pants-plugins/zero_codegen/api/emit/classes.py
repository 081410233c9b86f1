"""The classes of a contract's structs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lark import Token

from zero_codegen import naming
from zero_codegen.api.contract import BUILTINS, Contract, Member, Record
from zero_codegen.api.emit.annotations import default, member_annotation
from zero_codegen.api.problem import line_of
from zero_codegen.python import WIDTH, Bracketed, Piece, docstring, layout, string
from zero_codegen.width import width

_INDENT = 4


class StructClass(NamedTuple):
    """A class in pieces of source; `body` is without its indentation."""

    head: str
    doc: str
    body: list[str]


class Classes(NamedTuple):
    """A class for every struct, and the names of annotations that are too long for the line of their field.

    The names come behind the classes, which they refer to: msgspec reads annotations only when they are used.
    """

    classes: list[StructClass]
    aliases: list[str]


def classes_of(contract: Contract) -> Classes:
    """The classes in the order of the text."""
    taken = {record.class_name for record in contract.records} | {contract.base_class}
    aliases: list[str] = []

    def named(record: Record, member: Member, type_: Bracketed) -> str:
        name = record.class_name + naming.pascal(member.attribute)
        while name in taken:
            name += "_"
        taken.add(name)
        aliases.append(layout(Bracketed(f"{name} = {type_.head}", type_.items, type_.tail)))
        return name

    def class_of(record: Record) -> StructClass:
        members = contract.members(record.struct)
        hidden = BUILTINS & {member.attribute for member in members}
        body: list[str] = []
        for member in members:
            type_ = member_annotation(member, contract, hidden)
            if isinstance(type_, Bracketed) and _INDENT + width(_field(member, type_)) > WIDTH:
                type_ = named(record, member, type_)
            body += _field_lines(_field(member, type_))
            if doc := _comments(contract, member.name):
                body.append(docstring(doc, _INDENT))
        return StructClass(_head(record, members), _comments(contract, record.at), body)

    return Classes([class_of(record) for record in contract.records], aliases)


def _head(record: Record, members: tuple[Member, ...]) -> str:
    renamed = tuple(
        f"{string(member.attribute)}: {string(member.encoded)}"
        for member in members
        if member.encoded != member.attribute
    )
    rename: tuple[Piece, ...] = (Bracketed("rename={", renamed, "}"),) if renamed else ()
    return layout(Bracketed(f"class {record.class_name}(", ("msgspec.Struct", "kw_only=True", *rename), "):"))


def _field(member: Member, type_: Piece) -> str:
    value = default(member)
    absent = " | None" if value == "None" and type_ != "Any" else ""
    return f"{member.attribute}: {type_}{absent}" + (f" = {value}" if value is not None else "")


def _field_lines(field: str) -> Iterator[str]:
    declared, _, value = field.partition(" = ")
    if value and _INDENT + width(field) > WIDTH >= 2 * _INDENT + width(value):
        yield from (f"{declared} = (", f"{' ' * _INDENT}{value}", ")")
    else:
        yield field


def _comments(contract: Contract, at: Token) -> str:
    return contract.tree.comments.around(line_of(at), line_of(at))
