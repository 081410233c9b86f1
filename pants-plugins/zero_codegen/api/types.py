"""The types that a program declares, and what is behind their names: structs, their fields, built-in types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, TypeAlias

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.endpoint import attribute_of
from zero_codegen.api.golang import BYTES, OVERRIDABLE, SCALARS, Scalar
from zero_codegen.api.program import Program
from zero_codegen.api.rule_reader import FieldType, read_rules
from zero_codegen.api.rules import Rules, Source


class Member(NamedTuple):
    """One field of a struct.

    `encoded` is its name to msgspec: the one in JSON. Of a field that comes from elsewhere it is the attribute, by
    which it is bound, or in a response the field's own name, which Go writes there.
    """

    name: Token
    type: tree.Type
    rules: Rules
    encoded: str

    @property
    def attribute(self) -> str:
        """Its name in Python."""
        return attribute_of(self.name)


_Deep: TypeAlias = tuple[int, Member]


class Types:
    """The types of a program by name; of two declarations of a name the first counts.

    `responses` are the types that it answers with: their fields are named as in Go's JSON.
    """

    def __init__(self, program: Program, responses: Sequence[tree.Type]) -> None:
        self.program = program
        self.declarations: dict[str, tree.Declaration] = {}
        for unit in program.imported_first:
            for declaration in unit.tree.declarations:
                self.declarations.setdefault(str(declaration.name), declaration)
        self._responses = responses
        self._fields: dict[int, tuple[_Deep, ...]] = {}
        self._members: dict[int, tuple[Member, ...]] = {}
        self._required: dict[int, bool] = {}

    def resolve(self, type_: tree.Type) -> tree.Type:
        """The type behind all its other names: of `type Ids = []int64`, `Ids` is `[]int64`."""
        seen: set[str] = set()
        while isinstance(type_, tree.Named) and type_.at not in seen:
            seen.add(type_.at)
            declaration = self.declarations.get(type_.at)
            if declaration is None or isinstance(declaration.type, tree.Struct):
                break
            type_ = declaration.type
        return type_

    def struct(self, type_: tree.Type | None) -> tree.Struct | None:
        """The struct that a type is, names or points to."""
        type_ = self._target(type_)
        if isinstance(type_, tree.Named):
            declaration = self.declarations.get(type_.at)
            type_ = declaration.type if declaration else None
        return type_ if isinstance(type_, tree.Struct) else None

    def scalar(self, type_: tree.Type | None) -> Scalar | None:
        """The built-in type that a type is, names or points to."""
        type_ = self._target(type_)
        if not isinstance(type_, tree.Named) or type_.at in self.declarations:
            return None
        return SCALARS.get(type_.at) or OVERRIDABLE.get(type_.at)

    def unknown(self, type_: tree.Type | None) -> bool:
        """Whether a type is, names or points to one that is not declared, or a struct of which a part is not."""
        type_ = self._target(type_)
        if struct := self.struct(type_):
            return any(self.struct(part.type) is None for part in self._embedded(struct))
        is_name = isinstance(type_, tree.Named) and type_.at not in self.declarations
        return is_name and self.scalar(type_) is None

    def members(self, struct: tree.Struct) -> tuple[Member, ...]:
        """The fields of a struct that messages have, those of embedded structs in their place."""
        if id(struct) not in self._members:
            found = (member for member in self.fields(struct) if not member.rules.ignored)
            self._members[id(struct)] = tuple(found)
        return self._members[id(struct)]

    def fields(self, struct: tree.Struct) -> tuple[Member, ...]:
        """All fields of a struct, those that are in no message (`json:"-"`) too."""
        return tuple(member for _, member in self._by_depth(struct))

    def is_bytes(self, type_: tree.Type | None) -> bool:
        """Whether a type is a string of bytes, `[]byte`, under whatever name."""
        type_ = self._target(type_)
        if not isinstance(type_, tree.List):
            return False
        item = self.resolve(type_.item)
        return isinstance(item, tree.Named) and item.at in BYTES and item.at not in self.declarations

    def required(self, member: Member) -> bool:
        """Whether a message has to bring a value for a field.

        As in go-zero, an absent map is empty, and an absent struct of which nothing is required has its defaults.
        """
        rules = member.rules
        if rules.optional or rules.omitempty or rules.inherit:
            return False
        if any(each is not None for each in (rules.default, rules.depends, rules.env)):
            return False
        match self.resolve(member.type):
            case tree.Map():
                return False
            case tree.Named() | tree.Struct() as type_ if struct := self.struct(type_):
                if id(struct) not in self._required:
                    self._required[id(struct)] = any(map(self._is_asked_for, self.members(struct)))
                return self._required[id(struct)]
        return True

    def _is_asked_for(self, member: Member) -> bool:
        """Whether a struct cannot do without a field, or without the one that `optional=!…` names in its place."""
        depends = member.rules.depends
        return self.required(member) or (depends is not None and not depends.present)

    def reached(self, types: Iterable[tree.Type | None]) -> Iterator[tree.Struct]:
        """Every struct that values of these types can hold, those that others embed too."""
        seen: set[int] = set()
        waiting = [type_ for type_ in types if type_]
        while waiting:
            for part in tree.parts(waiting.pop()):
                if isinstance(part, tree.Named) and (plain := self.resolve(part)) is not part:
                    waiting.append(plain)
                elif (struct := self.struct(part)) and id(struct) not in seen:
                    seen.add(id(struct))
                    yield struct
                    waiting += (member.type for member in struct.members)

    @cached_property
    def _answers(self) -> Set[int]:
        """The structs that responses have, by identity."""
        return {id(struct) for struct in self.reached(self._responses)}

    def _by_depth(self, struct: tree.Struct) -> tuple[_Deep, ...]:
        """The fields of a struct and how deep they are embedded. As in Go, one hides deeper ones of its name."""
        if id(struct) not in self._fields:
            self._fields[id(struct)] = ()  # what a struct that embeds itself finds
            found = tuple(self._collect(struct))
            least: dict[tuple[Source, str], int] = {}
            for depth, member in found:
                for key in member.rules.wires.items():
                    least[key] = min(depth, least.get(key, depth))
            kept: dict[int, _Deep] = {}  # what is embedded in several ways is one field
            for depth, member in found:
                if all(least[key] == depth for key in member.rules.wires.items()):
                    kept.setdefault(id(member.name), (depth, member))
            self._fields[id(struct)] = tuple(kept.values())
        return self._fields[id(struct)]

    def _collect(self, struct: tree.Struct) -> Iterator[_Deep]:
        is_answer = id(struct) in self._answers
        for part in struct.members:
            if isinstance(part, tree.Field):
                type_ = self._field_type(part.type)
                for name in part.names:
                    rules = read_rules(name, type_, part.tag)
                    if is_answer and rules.ignored and not rules.tagged:
                        # go-zero reads it nowhere; Go writes it.
                        rules = replace(rules, wires={"json": name}, optional=True)
                    elsewhere = str(name) if is_answer else attribute_of(name)
                    yield 0, Member(name, part.type, rules, str(rules.wires.get("json", elsewhere)))
            elif embedded := self.struct(part.type):
                yield from ((depth + 1, member) for depth, member in self._by_depth(embedded))

    def _embedded(self, struct: tree.Struct) -> Iterator[tree.Embedded]:
        """The types that a struct embeds, directly or not."""
        seen: set[int] = set()
        waiting: list[tree.Struct | None] = [struct]
        while waiting:
            struct_ = waiting.pop()
            if struct_ is not None and id(struct_) not in seen:
                seen.add(id(struct_))
                found = [part for part in struct_.members if isinstance(part, tree.Embedded)]
                yield from found
                waiting += (self.struct(part.type) for part in found)

    def _field_type(self, type_: tree.Type) -> FieldType:
        target = self._target(type_)
        item = self.scalar(target.item) if isinstance(target, tree.List | tree.Array) else None
        return FieldType(self.scalar(target), item)

    def _target(self, type_: tree.Type | None) -> tree.Type | None:
        while type_ is not None:
            type_ = self.resolve(type_)
            if not isinstance(type_, tree.Pointer):
                break
            type_ = type_.target
        return type_


def class_name(name: str) -> str:
    """The Python class of a declared type."""
    return name[0].upper() + name[1:]
