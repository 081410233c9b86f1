"""The types of a contract in TypeScript."""

from __future__ import annotations

from collections.abc import Mapping

from zero_codegen.api import tree
from zero_codegen.api.emit.annotations import default, is_upload
from zero_codegen.api.emit.messages import Direction, Messages, Shape, camel
from zero_codegen.api.emit.typescript_text import comment, key, literal
from zero_codegen.api.rules import Default, Range, integer_bounds
from zero_codegen.api.types import Member
from zero_codegen.python import free

_SCALARS = {
    "bool": "boolean",
    "string": "string",
    "int": "number",
    "float": "number",
    "time": "string",
    "decimal": "string",
}

_SAFE = 2**53 - 1
"""`Number.MAX_SAFE_INTEGER`"""


class Types:
    """The types of a contract, and the names of their fields."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._contract = messages.contract

    def declaration(self, shape: Shape) -> str:
        """The interface of a struct, or the other name that a declared type is."""
        doc = comment([self._contract.comments(shape.at)])
        head = f"{doc}\nexport" if doc else "export"
        if not isinstance(shape.type, tree.Struct):
            return f"{head} type {shape.name} = {self.of(shape.type, shape.direction)};"
        properties = self.properties(shape.type, shape.direction)
        lines = [
            line
            for member in self._contract.members(shape.type)
            for line in self._property(properties[member.attribute], member, shape.direction)
        ]
        opening = f"{head} interface {shape.name} {{"
        return "\n".join([opening, *lines, "}"]) if lines else f"{opening}}}"

    def properties(self, struct: tree.Struct, direction: Direction) -> Mapping[str, str]:
        """What the fields of a struct are called, by their names in Python: as in JSON, or else in camel case."""
        found = {member.attribute: wire for wire, member in self._messages.in_json(struct, direction)}
        taken = set(found.values())
        for member in self._contract.members(struct):
            if member.attribute not in found:
                found[member.attribute] = free(camel(member.name), taken)
        return found

    def empty(self, type_: tree.Type) -> bool:
        """Whether a request has no fields at all."""
        struct = self._contract.struct(type_)
        return struct is not None and not self._contract.members(struct)

    def optional(self, type_: tree.Type) -> bool:
        """Whether nothing of a request has to be given."""
        struct = self._contract.struct(type_)
        return struct is not None and not any(map(self._contract.required, self._contract.members(struct)))

    def of(self, type_: tree.Type, direction: Direction) -> str:
        """A type as messages of a direction have it."""
        match type_:
            case tree.AnyType():
                return "unknown"
            case tree.Pointer(target=target):
                return self.of(target, direction)
            case tree.List() if self._contract.is_bytes(type_):
                return "string"
            case tree.List(item=item) | tree.Array(item=item):
                return _list(self.of(item, direction))
            case tree.Map(value=value):
                return f"{{ [key: string]: {self.of(value, direction)} }}"
            case tree.Named(at=name) if name not in self._contract.declarations:
                scalar = self._contract.scalar(type_)
                assert scalar is not None  # all other names are declared
                return _SCALARS[scalar.kind]
        return self._messages.name(type_, direction)

    def _property(self, name: str, member: Member, direction: Direction) -> list[str]:
        type_ = self._value(member, direction)
        is_left_out = direction == "response" and member.rules.omitempty
        if default(member, self._contract) == "None" and type_ != "unknown" and not is_left_out:
            type_ = f"{type_} | null"
        mark = "?" if self._messages.absent(member, direction) else ""
        said, rules = self._contract.comments(member.name), self._rules(member, direction)
        is_line = said and rules and "\n" not in said
        doc = comment([f"{said} ({rules})"] if is_line else [said, rules], 2)
        return [f"  {doc}"] * bool(doc) + [f"  {key(name)}{mark}: {type_};"]

    def _value(self, member: Member, direction: Direction) -> str:
        rules, scalar = member.rules, self._contract.scalar(member.type)
        if is_upload(member, self._contract):
            return "Blob" if self._contract.is_bytes(member.type) else "Blob[]"
        if rules.choices:
            return " | ".join(literal(str(value) if rules.string else value) for value in rules.choices)
        if rules.string and scalar:
            return '"true" | "false"' if scalar.kind == "bool" else "string"
        if "json" not in rules.wires and self._is_long(member):
            return (
                "(number | string)[]"
                if isinstance(self._contract.resolve(member.type), tree.List)
                else "number | string"
            )
        return self.of(member.type, direction)

    def _is_long(self, member: Member) -> bool:
        """Whether a field has integers, or lists of them, that numbers of JavaScript cannot hold."""
        type_ = self._contract.resolve(member.type)
        scalar = self._contract.scalar(type_.item if isinstance(type_, tree.List) else type_)
        if scalar is None or scalar.kind != "int":
            return False
        low, high = (
            integer_bounds(member.rules.range, scalar) if member.rules.range else (scalar.low, scalar.high)
        )
        return max(-low, high) > _SAFE

    def _rules(self, member: Member, direction: Direction) -> str:
        """What types cannot say of a field."""
        rules, bounds = member.rules, self._messages.bounds(member, direction)
        said = [_range(bounds)] if bounds else []
        if direction == "request" and rules.default is not None:
            said.append(f"default `{_texts(rules.default)}`")
        return ", ".join(said)


def _list(item: str) -> str:
    return f"({item})[]" if " " in item else f"{item}[]"


def _range(bounds: Range) -> str:
    """The bounds of a number: `0 < value ≤ 10`."""
    low = "" if bounds.low is None else f"{bounds.low:f} {'<' if bounds.low_open else '≤'} "
    high = "" if bounds.high is None else f" {'<' if bounds.high_open else '≤'} {bounds.high:f}"
    return f"{low}value{high}"


def _texts(default: Default) -> str:
    values = default if isinstance(default, tuple) else (default,)
    return ", ".join(value if isinstance(value, str) else literal(value) for value in values)
