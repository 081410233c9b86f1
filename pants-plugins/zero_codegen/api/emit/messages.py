"""The messages of a contract as clients see them: its operations, and the types that go over the wire.

OpenAPI documents and TypeScript clients are written from this. Both tell of a type as its messages have it, and
requests may leave out what responses always have: a type whose values differ in the two is there twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from lark import Token

from zero_codegen import naming
from zero_codegen.api import tree
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit.annotations import default, is_upload
from zero_codegen.api.endpoint import Endpoint
from zero_codegen.api.rules import Range, Source
from zero_codegen.api.types import Member, class_name
from zero_codegen.python import free

Direction: TypeAlias = Literal["request", "response"]

_FORM_BODY = ("post", "put", "patch")
"""Methods whose form is the body; with others it is the query, as in Go's `ParseForm`."""


class Shape(NamedTuple):
    """A struct or another declared type as messages of one direction have it, under its name there."""

    name: str
    at: Token
    type: tree.Type
    direction: Direction


class Parameter(NamedTuple):
    """A field of a request that comes from its path, query, headers or form; `wire` is its name there.

    Of a field that may come from several places, the one where clients send it is required.
    """

    wire: str
    member: Member
    required: bool


class Operation(NamedTuple):
    """An endpoint and where the fields of its request go."""

    endpoint: Endpoint
    name: str
    """The method of a client, in camel case."""
    path: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    header: tuple[Parameter, ...]
    form: tuple[Parameter, ...]
    """The fields of a form that is the body."""
    has_files: bool
    """Whether files are among them."""
    json: tree.Type | None
    """The type of the JSON body; of a struct, it is the fields that come from JSON."""

    @property
    def request(self) -> tree.Type | None:
        body = self.endpoint.route.request
        return body.type if body else None

    @property
    def response(self) -> tree.Type | None:
        """The type of the answer; the one to HEAD has none."""
        body = self.endpoint.route.response
        return body.type if body and self.endpoint.route.method != "head" else None


class Messages:
    """The messages of a contract. No type is called as something in `reserved`."""

    def __init__(self, contract: Contract, reserved: Set[str] = frozenset()) -> None:
        self.contract = contract
        self._reserved = reserved
        self._types: dict[str, tuple[Token, tree.Type]] = {}
        self._requested: set[str] = set()
        self._answered: set[str] = set()
        for endpoint in contract.endpoints:
            if (request := endpoint.route.request) and request.type:
                self._reach(request.type, self._requested)
            if (response := endpoint.route.response) and response.type:
                self._reach(response.type, self._answered)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """In the order of the contract, each under a name of its own."""
        taken = {"constructor"}
        return tuple(
            self._operation(endpoint, free(camel(endpoint.attribute), taken))
            for endpoint in self.contract.endpoints
        )

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """What messages are made of, in the order of names. What is the same in both directions is a request's."""
        found: dict[str, Shape] = {}
        directions: tuple[tuple[Direction, set[str]], ...] = (
            ("request", self._requested),
            ("response", self._answered),
        )
        for direction, keys in directions:
            for key in keys:
                name = self._name(key, direction)
                found.setdefault(name, Shape(name, *self._types[key], direction))
        return tuple(found[name] for name in sorted(found))

    def name(self, type_: tree.Named | tree.Struct, direction: Direction) -> str:
        """The name of a struct or another declared type in messages of a direction."""
        return self._name(self._key(type_), direction)

    def in_json(self, struct: tree.Struct, direction: Direction) -> Iterator[tuple[str, Member]]:
        """The fields of a struct that JSON has, by their names there. Responses have all fields in JSON."""
        for member in self.contract.members(struct):
            if direction == "response":
                yield member.encoded, member
            elif wire := member.rules.wires.get("json"):
                yield str(wire), member

    def absent(self, member: Member, direction: Direction) -> bool:
        """Whether messages of a direction may lack a field."""
        return member.rules.omitempty if direction == "response" else not self.contract.required(member)

    def null(self, member: Member, direction: Direction) -> bool:
        """Whether a field may be null in messages of a direction."""
        if direction == "request":
            return self.absent(member, "request")
        return not member.rules.omitempty and default(member, self.contract) == "None"

    def bounds(self, member: Member, direction: Direction) -> Range | None:
        """The range of a number, if it holds: a response has a 0 where an optional one was never set."""
        rules = member.rules
        unset = rules.default is None and not rules.omitempty and self.absent(member, "request")
        if direction == "response" and unset and rules.range and 0 not in rules.range:
            return None
        return rules.range

    def _reach(self, type_: tree.Type, reached: set[str]) -> None:
        for part in self._parts(type_):
            key = self._key(part)
            if key not in reached:
                reached.add(key)
                self._types[key] = at, found = self._declared(part)
                for inner in self._within(found):
                    self._reach(inner, reached)

    def _parts(self, type_: tree.Type) -> Iterator[tree.Named | tree.Struct]:
        """The structs and the declared types that a type is written with."""
        for part in tree.parts(type_):
            if isinstance(part, tree.Struct) or (
                isinstance(part, tree.Named) and part.at in self.contract.declarations
            ):
                yield part

    def _within(self, type_: tree.Type) -> tuple[tree.Type, ...]:
        """The types of the fields of a struct, or the type itself when it is none."""
        if isinstance(type_, tree.Struct):
            return tuple(member.type for member in self.contract.members(type_))
        return (type_,)

    def _declared(self, part: tree.Named | tree.Struct) -> tuple[Token, tree.Type]:
        if isinstance(part, tree.Struct):
            return part.at, part
        declaration = self.contract.declarations[part.at]
        return declaration.name, declaration.type

    def _key(self, part: tree.Named | tree.Struct) -> str:
        """The name of its class in Python, which no other type has."""
        return self.contract.class_names[id(part)] if isinstance(part, tree.Struct) else class_name(part.at)

    def _name(self, key: str, direction: Direction) -> str:
        name = self._names[key]
        return self._inputs.get(key, name) if direction == "request" else name

    @cached_property
    def _names(self) -> Mapping[str, str]:
        taken = self._types.keys() | self._reserved
        return {key: free(key, taken) if key in self._reserved else key for key in self._types}

    @cached_property
    def _inputs(self) -> Mapping[str, str]:
        """The other names, in requests, of the types that are there twice."""
        taken = {*self._types, *self._names.values(), *self._reserved}
        return {
            key: free(f"{key}Input", taken)
            for key in sorted(self._differing & self._requested & self._answered)
        }

    @cached_property
    def _differing(self) -> set[str]:
        """The types of which requests and responses have other values."""
        uses = {
            key: {self._key(part) for inner in self._within(type_) for part in self._parts(inner)}
            for key, (_, type_) in self._types.items()
        }
        found = {key for key, (_, type_) in self._types.items() if self._differs(type_)}
        while more := {key for key, used in uses.items() if key not in found and used & found}:
            found |= more
        return found

    def _differs(self, type_: tree.Type) -> bool:
        return isinstance(type_, tree.Struct) and any(
            "json" not in member.rules.wires
            or self.absent(member, "request") > self.absent(member, "response")
            or self.bounds(member, "response") != member.rules.range
            for member in self.contract.members(type_)
        )

    def _operation(self, endpoint: Endpoint, name: str) -> Operation:
        type_ = endpoint.route.request.type if endpoint.route.request else None
        struct = self.contract.struct(type_)
        members = self.contract.members(struct) if struct else ()

        has_json = any("json" in member.rules.wires for member in members) if struct else type_ is not None
        has_files = any(is_upload(member, self.contract) for member in members)

        def parameters(source: Source) -> tuple[Parameter, ...]:
            return tuple(
                Parameter(
                    str(wire),
                    member,
                    source == place(member, not has_files)
                    and (source == "path" or self.contract.required(member)),
                )
                for member in members
                if (wire := member.rules.wires.get(source))
            )

        form_is_body = has_files or (endpoint.route.method in _FORM_BODY and not has_json)
        form = parameters("form")
        return Operation(
            endpoint,
            name,
            path=parameters("path"),
            query=() if form_is_body else form,
            header=parameters("header"),
            form=form if form_is_body else (),
            has_files=has_files,
            json=type_ if has_json and not has_files else None,
        )


def place(member: Member, reads_json: bool) -> Source:
    """Where clients send a field: in the path, or else where it is read last."""
    sources = [source for source in member.rules.wires if reads_json or source != "json"]
    return "path" if "path" in sources else sources[-1]


def texts(endpoint: Endpoint, contract: Contract) -> tuple[str, str]:
    """A summary and a description of an endpoint: those of `@doc`, and what comments say."""
    docs, route = endpoint.docs, endpoint.route
    said = contract.comments(route.first, route.path)
    summary = docs.get("summary", "")
    if not summary:
        summary, _, said = said.partition("\n")
    return summary, "\n\n".join(filter(None, (said.strip(), docs.get("description", ""))))


def camel(name: str) -> str:
    """`create_order` and `CreateOrder` as `createOrder`."""
    name = naming.pascal(name)
    name = name[:1].lower() + name[1:]
    return name if name.isidentifier() else f"_{name}"
