"""JSON Schemas (2020-12, as OpenAPI 3.1 has them) of the types of a contract.

They say what the generated classes accept in a request and hold in a response. Formats are those of the OpenAPI
Initiative's registry; `int64` says enough, so that it comes without the bounds of its type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from zero_codegen.api import tree
from zero_codegen.api.contract import Contract
from zero_codegen.api.emit.annotations import is_upload
from zero_codegen.api.emit.messages import Direction, Messages, Parameter, Shape, place
from zero_codegen.api.golang import Scalar
from zero_codegen.api.rules import Default, Range, integer_bounds
from zero_codegen.api.types import Member

Schema: TypeAlias = dict[str, Any]

REFERENCE = "#/components/schemas/"

_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?$"
_FLOAT = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$"
_BASE64 = {"type": "string", "format": "byte", "contentEncoding": "base64"}
_FILE = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}


class Schemas:
    """Schemas of the types of a contract."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._contract: Contract = messages.contract

    def component(self, shape: Shape) -> Schema:
        """The schema of a type, to which others refer by its name."""
        if isinstance(shape.type, tree.Struct):
            schema = self._object(shape.type, shape.direction)
        else:
            schema = self.of(shape.type, shape.direction)
        return schema | _described(self._contract.comments(shape.at))

    def of(self, type_: tree.Type, direction: Direction) -> Schema:
        """The schema of a type."""
        match type_:
            case tree.AnyType():
                return {}
            case tree.Pointer(target=target):
                return self.of(target, direction)
            case tree.List() if self._contract.is_bytes(type_):
                return dict(_BASE64)
            case tree.List(item=item):
                return {"type": "array", "items": self.of(item, direction)}
            case tree.Array(length=length, item=item):
                size = int(length)
                items = self.of(item, direction)
                return {"type": "array", "items": items, "minItems": size, "maxItems": size}
            case tree.Map(key=key, value=value):
                return self._map(key) | {"additionalProperties": self.of(value, direction)}
            case tree.Named(at=name) if name not in self._contract.declarations:
                return _scalar(str(name), self._contract.scalar(type_), direction)
        return {"$ref": REFERENCE + self._messages.name(type_, direction)}

    def form(self, parameters: Iterable[Parameter]) -> Schema:
        """The schema of a form that is a body."""
        schema: Schema = {
            "type": "object",
            "properties": {
                parameter.wire: self.text(parameter)
                | _described(self._contract.comments(parameter.member.name))
                for parameter in parameters
            },
        }
        required = [parameter.wire for parameter in parameters if parameter.required]
        return schema | ({"required": required} if required else {})

    def text(self, parameter: Parameter) -> Schema:
        """The schema of a field outside of JSON, where an empty text counts as none."""
        member = parameter.member
        type_ = self._contract.resolve(member.type)
        schema: Schema
        if is_upload(member, self._contract):
            is_one = self._contract.is_bytes(type_)
            schema = dict(_FILE) if is_one else {"type": "array", "items": dict(_FILE)}
        else:
            schema = self._value(member, type_, "request")
        if parameter.required and isinstance(type_, tree.List) and "items" in schema:
            schema["minItems"] = 1
            schema["items"] |= {"minLength": 1} if self._is_string(type_.item) else {}
        elif parameter.required and self._is_string(type_) and "enum" not in schema:
            schema["minLength"] = 1
        return schema

    def _object(self, struct: tree.Struct, direction: Direction) -> Schema:
        members = dict(self._messages.in_json(struct, direction))
        schema: Schema = {
            "type": "object",
            "properties": {wire: self._property(member, direction) for wire, member in members.items()},
        }
        required = [
            wire
            for wire, member in members.items()
            if not self._messages.absent(member, direction)
            and (direction == "response" or place(member, True) == "json")
        ]
        if required:
            schema["required"] = required
        if direction == "request":
            schema |= _dependencies(members)
        return schema

    def _property(self, member: Member, direction: Direction) -> Schema:
        type_ = self._contract.resolve(member.type) if member.rules.string else member.type
        schema = self._value(member, type_, direction)
        if member.rules.string and schema["type"] != "string":
            schema = _quoted(schema, direction)
        if self._messages.null(member, direction):
            schema = _nullable(schema)
        return schema | _described(self._contract.comments(member.name))

    def _value(self, member: Member, type_: tree.Type, direction: Direction) -> Schema:
        """The schema of a field's type and of what its tag leaves of it."""
        rules, scalar = member.rules, self._contract.scalar(type_)
        schema = self.of(type_, direction)
        if rules.choices:
            schema = {"type": "string" if isinstance(rules.choices[0], str) else "integer"}
            schema["enum"] = list(rules.choices)
        elif scalar and (bounds := self._messages.bounds(member, direction)):
            schema |= _bounds(bounds, scalar)
        if direction == "request" and rules.default is not None:
            schema["default"] = _default(rules.default)
        return schema

    def _map(self, key: tree.Type) -> Schema:
        scalar = self._contract.scalar(key)
        if scalar is None or scalar.kind != "int":
            return {"type": "object"}
        digits = len(str(scalar.high)) - 1
        sign = "-?" if scalar.low else ""
        return {"type": "object", "propertyNames": {"pattern": rf"^(0|{sign}[1-9][0-9]{{0,{digits}}})$"}}

    def _is_string(self, type_: tree.Type) -> bool:
        scalar = self._contract.scalar(type_)
        return scalar is not None and scalar.kind == "string"


def _scalar(name: str, scalar: Scalar | None, direction: Direction) -> Schema:
    assert scalar is not None  # all other names are declared
    match scalar.kind:
        case "bool":
            return {"type": "boolean"}
        case "float":
            return {"type": "number", "format": "float" if name == "float32" else "double"}
        case "time":
            return {"type": "string", "format": "date-time"}
        case "decimal":
            types = ["string", "number"] if direction == "request" else "string"
            return {"type": types, "format": "decimal", "pattern": _DECIMAL}
        case "int":
            return _integer(scalar)
    return {"type": "string"}


def _integer(scalar: Scalar) -> Schema:
    bits = (scalar.high - scalar.low).bit_length()
    schema: Schema = {"type": "integer", "format": f"int{bits}" if scalar.low else f"uint{bits}"}
    return schema if schema["format"] == "int64" else schema | {"minimum": scalar.low, "maximum": scalar.high}


def _bounds(bounds: Range, scalar: Scalar) -> Schema:
    schema: Schema = {}
    if scalar.kind == "int":
        low, high = integer_bounds(bounds, scalar)
        schema |= {} if bounds.low is None else {"minimum": low}
        return schema | ({} if bounds.high is None else {"maximum": high})
    if bounds.low is not None:
        schema["exclusiveMinimum" if bounds.low_open else "minimum"] = _number(bounds.low)
    if bounds.high is not None:
        schema["exclusiveMaximum" if bounds.high_open else "maximum"] = _number(bounds.high)
    return schema


def _quoted(schema: Schema, direction: Direction) -> Schema:
    """A number or boolean in quotes; a request may do without them."""
    quoted = {**schema, "type": [schema["type"], "string"] if direction == "request" else "string"}
    if "enum" in schema:
        texts = [str(value) for value in schema["enum"]]
        return {**quoted, "enum": [*schema["enum"], *texts] if direction == "request" else texts}
    return {**quoted, "pattern": _QUOTED[schema["type"]]}


_QUOTED = {
    "integer": "^-?[0-9]+$",
    "number": _FLOAT,
    "boolean": "^(true|false)$",
}


def _nullable(schema: Schema) -> Schema:
    if reference := schema.pop("$ref", None):
        return {"anyOf": [{"$ref": reference}, {"type": "null"}], **schema}
    if "type" not in schema:
        return schema
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    nullable = {**schema, "type": [*types, "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _dependencies(members: Mapping[str, Member]) -> Schema:
    """What `optional=other` and `optional=!other` demand: both or neither, and exactly one."""
    pairs: dict[frozenset[str], Schema] = {}
    for wire, member in members.items():
        depends = member.rules.depends
        if depends and depends.name in members:
            given, other = _given(wire), _given(depends.name)
            no_other = {"not": other}
            then, otherwise = (other, no_other) if depends.present else (no_other, other)
            rule = {"if": given, "then": then, "else": otherwise}
            pairs.setdefault(frozenset((wire, str(depends.name))), rule)
    rules = list(pairs.values())
    return {"allOf": rules} if len(rules) > 1 else rules[0] if rules else {}


def _given(wire: str) -> Schema:
    """That an object has a field; null counts as none."""
    return {"required": [str(wire)], "properties": {str(wire): {"not": {"type": "null"}}}}


def _described(text: str) -> Schema:
    return {"description": text} if text else {}


def _default(value: Default) -> Any:
    """A default as JSON has it; decimals are strings there."""
    if isinstance(value, tuple):
        return [_default(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
