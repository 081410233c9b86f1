"""Fields: tags that say what can be kept, and no two fields of one name."""

from __future__ import annotations

from collections.abc import Iterator

from zero_codegen.api import tree
from zero_codegen.api.check.statements import repeated
from zero_codegen.api.contract import Contract, Record, records_of
from zero_codegen.api.golang import SCALARS
from zero_codegen.api.problem import Problem, where
from zero_codegen.api.rules import SOURCES, Source
from zero_codegen.api.types import Member
from zero_codegen.diagnostics import did_you_mean


def check(contract: Contract) -> Iterator[Problem]:
    for unit in contract.program.units:
        for record in records_of(unit):
            yield from _embedded(record.struct, contract)
            members = contract.fields(record.struct)
            for member in members:
                yield from member.rules.problems
                yield from _text_sources(member, contract)
                yield from _dependency(member, members, contract)
            yield from _repeated(record, members)


def _embedded(struct: tree.Struct, contract: Contract) -> Iterator[Problem]:
    embedded = [part for part in struct.members if isinstance(part, tree.Embedded)]
    yield from repeated((part.type.at for part in embedded), "the embedded type")
    for part in embedded:
        name = part.type.at
        if part.tag and not _says_nothing(part):
            hint = "give the field a name, or leave the tag out: the fields then count as this struct's own"
            yield Problem(part.tag.at, "a tag on an embedded type is not supported", hint)
        if contract.struct(part.type):
            continue
        if name in SCALARS or name == "any":
            hint = f"write the field's name before it: `Name {name}`"
            yield Problem(name, f"`{name}` is the type of no field", hint)
        elif name in contract.declarations:
            yield Problem(
                name, f"`{name}` is no struct, so it cannot be embedded", f"`Name {name}` is a field"
            )
        elif not contract.program.may_declare(name):
            hint = (
                did_you_mean(name, contract.declarations) or f"or a field without its type? `{name} string`"
            )
            yield Problem(name, f"unknown embedded type `{name}`", hint)


def _says_nothing(part: tree.Embedded) -> bool:
    """Whether the tag of an embedded type means what no tag does: `json:",inline"`."""
    assert part.tag
    options = (option for key in part.tag.keys if key.key in SOURCES for option in key.options)
    return not part.tag.problems and all(option.name in ("", "inline") for option in options)


def _text_sources(member: Member, contract: Contract) -> Iterator[Problem]:
    """Path, form and header hold text: a scalar, or a list of them where a name may be repeated; a form also
    files."""
    if member.rules.problems or contract.unknown(member.type):
        return
    for source in member.rules.wires:
        if source == "json":
            continue
        type_ = contract.resolve(member.type)
        item = contract.resolve(type_.item) if isinstance(type_, tree.List) and source != "path" else type_
        if source == "form" and (contract.is_bytes(type_) or contract.is_bytes(item)):
            continue
        if isinstance(item, tree.AnyType):
            continue
        if contract.scalar(item) is None or contract.is_bytes(type_):
            allowed = {
                "path": "a string, number or boolean",
                "header": "a string, number or boolean, or a list of one of them",
                "form": "a string, number or boolean, a file (`[]byte`), or a list of one of them",
            }[source]
            yield Problem(member.type.at, f"a `{source}` field is {allowed}")
            return


def _dependency(member: Member, members: tuple[Member, ...], contract: Contract) -> Iterator[Problem]:
    """The other field of `optional=other`: it is there, and says nothing to the contrary."""
    depends = member.rules.depends
    if depends is None:
        return
    names = {
        str(wire): other
        for other in members
        for source, wire in other.rules.wires.items()
        if source in member.rules.wires
    }
    other = names.get(str(depends.name))
    if other is None:
        if depends.name not in contract.program.lost:
            hint = did_you_mean(depends.name, names)
            yield Problem(depends.name, f"no field is `{depends.name}` in the same messages", hint)
    elif other is member:
        yield Problem(depends.name, f"`{member.name}` cannot depend on itself")
    elif (back := other.rules.depends) and back.present != depends.present and back.name in _wires(member):
        message = f"`{member.name}` and `{other.name}` depend on each other in ways that exclude each other"
        yield Problem(depends.name, message, "give both `optional=…`, or both `optional=!…`")


def _wires(member: Member) -> set[str]:
    return set(map(str, member.rules.wires.values()))


def _repeated(record: Record, members: tuple[Member, ...]) -> Iterator[Problem]:
    """Two fields of one name: in the contract, in messages or in Python."""
    fields: dict[str, Member] = {}
    wires: dict[tuple[Source, str], Member] = {}
    attributes: dict[str, Member] = {}
    encoded: dict[str, Member] = {}
    for member in members:
        if member.rules.ignored:
            continue
        if (other := fields.setdefault(str(member.name), member)) is not member:
            place = where(other.name, member.name)
            yield Problem(
                member.name, f"`{record.at}` has two fields `{member.name}`: the first is in {place}"
            )
            continue
        for source, wire in member.rules.wires.items():
            name = wire.lower() if source == "header" else str(wire)
            if (other := wires.setdefault((source, name), member)) is not member:
                message = f"`{member.name}` and `{other.name}` are both `{wire}` in {_MESSAGES[source]}"
                yield Problem(wire, message)
                break
        else:
            if (other := attributes.setdefault(member.attribute, member)) is not member:
                message = f"`{member.name}` and `{other.name}` both become `{member.attribute}` in Python"
                hint = "rename one of the two fields; the names in messages can stay"
                yield Problem(member.name, message, hint)
            elif (other := encoded.setdefault(member.encoded, member)) is not member:
                message = f"`{member.name}` and `{other.name}` are both `{member.encoded}` to the encoder"
                yield Problem(member.name, message, "rename the field that is not in JSON")


_MESSAGES: dict[Source, str] = {
    "json": "JSON",
    "path": "the path",
    "form": "the form",
    "header": "the header",
}
