"""Fields: tags that say what can be kept, and no two fields of one name."""

from __future__ import annotations

from collections.abc import Iterator

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract, Member, Record
from zero_codegen.api.golang import BYTES, SCALARS
from zero_codegen.api.problem import Problem, line_of
from zero_codegen.api.rules import scalar_of
from zero_codegen.diagnostics import did_you_mean


def check(contract: Contract) -> Iterator[Problem]:
    for record in contract.records:
        yield from _embedded(record.struct, contract)
        members = contract.members(record.struct)
        for member in members:
            yield from member.rules.problems
            yield from _text_source(member)
        yield from _repeated(record, members)


def _embedded(struct: tree.Struct, contract: Contract) -> Iterator[Problem]:
    for part in struct.members:
        if not isinstance(part, tree.Embedded):
            continue
        name = part.type.at
        if part.tag:
            hint = "give the field a name, or leave the tag out: the fields then count as this struct's own"
            yield Problem(part.tag.at, "a tag on an embedded type is not supported", hint)
        if name in SCALARS:
            yield Problem(
                name, f"`{name}` is the type of no field", f"write the field's name before it: `Name {name}`"
            )
        elif name not in contract.declarations and not contract.tree.imports:
            hint = (
                did_you_mean(name, contract.declarations) or f"or a field without its type? `{name} string`"
            )
            yield Problem(name, f"unknown embedded type `{name}`", hint)


def _text_source(member: Member) -> Iterator[Problem]:
    """Path, form and header hold text: a scalar, or a list of them where a name may be repeated."""
    source = member.rules.source
    if source == "json" or member.rules.problems:
        return
    type_, is_bytes = member.type, False
    if isinstance(type_, tree.List) and source != "path":
        type_ = type_.item
        is_bytes = type_.at in BYTES
    if scalar_of(type_) is None or is_bytes:
        allowed = "a string, number or boolean" + ("" if source == "path" else ", or a list of one of them")
        yield Problem(member.type.at, f"a `{source}` field is {allowed}")


def _repeated(record: Record, members: tuple[Member, ...]) -> Iterator[Problem]:
    """Two fields of one name: in the contract, in messages or in Python."""
    fields: dict[str, Member] = {}
    wires: dict[str, Member] = {}
    attributes: dict[str, Member] = {}
    for member in members:
        rules = member.rules
        wire = rules.wire.lower() if rules.source == "header" else rules.wire
        if (other := fields.setdefault(member.name, member)) is not member:
            place = f"the first is in line {line_of(other.name)}"
            yield Problem(member.name, f"`{record.at}` has two fields `{member.name}`: {place}")
        elif (other := wires.setdefault(f"{rules.source} {wire}", member)) is not member:
            message = (
                f"`{member.name}` and `{other.name}` are both `{rules.wire}` in {_MESSAGES[rules.source]}"
            )
            yield Problem(rules.wire, message)
        elif (other := attributes.setdefault(member.attribute, member)) is not member:
            message = f"`{member.name}` and `{other.name}` both become `{member.attribute}` in Python"
            yield Problem(
                member.name, message, "rename one of the two fields; the names in messages can stay"
            )
    encoded: dict[str, Member] = {}
    for member in members:
        name = member.encoded
        if (
            other := encoded.setdefault(name, member)
        ) is not member and other.rules.source != member.rules.source:
            message = f"`{member.name}` and `{other.name}` are both `{name}` to the encoder"
            yield Problem(member.name, message, "rename the field that is not in JSON")


_MESSAGES = {"json": "JSON", "path": "the path", "form": "the form", "header": "the header"}
