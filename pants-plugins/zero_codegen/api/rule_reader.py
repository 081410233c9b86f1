"""Reads the rules of a field from its tag, and tells of every mistake in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import NamedTuple

from lark import Token

from zero_codegen.api.golang import SCALARS, Scalar
from zero_codegen.api.problem import Problem, file_of, piece, word
from zero_codegen.api.rules import (
    SOURCES,
    Default,
    Dependency,
    Range,
    Rules,
    Source,
    Value,
    integer_bounds,
)
from zero_codegen.api.tags import Option, Tag, TagKey

_FLAGS = ("optional", "string", "omitempty", "omitzero", "inherit")
_VALUED = ("default", "options", "range", "env", "example")
_OTHER_KEYS = frozenset({"bson", "gorm", "hjson", "json5", "jsonb", "norm", "orm", "xpath"})
"""Keys of other libraries that are one letter away from ours, but no slips of the pen."""

_CLOSE = 0.75
"""How alike an option is to one of ours when it is meant to be that (1 is equal); go-zero passes over others."""

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_INT64_HIGH = SCALARS["int64"].high
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_BOUND = r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?"
_RANGE = re.compile(rf"(?P<open>[\[(])\s*(?P<low>{_BOUND})?\s*:\s*(?P<high>{_BOUND})?\s*(?P<close>[\])])")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class FieldType(NamedTuple):
    """What a tag has to know of its field's type: the built-in type that it is, or that it is a list of."""

    scalar: Scalar | None
    item: Scalar | None = None


def read_rules(name: Token, type_: FieldType, tag: Tag | None) -> Rules:
    """The rules of the field `name`."""
    if tag is None:
        return Rules({"json": name}, tagged=False)
    if tag.problems:
        return Rules({"json": name}, problems=tag.problems)
    return _Reader(type_).read(name, tag)


@dataclass
class _Reader:
    """Reads the tag of one field."""

    type: FieldType
    problems: list[Problem] = field(default_factory=list)

    def read(self, name: Token, tag: Tag) -> Rules:
        keys = self._keys(tag)
        if not keys:
            wires: dict[Source, Token] = {"json": name} if self.problems else {}
            return Rules(wires, tagged=False, problems=tuple(self.problems))
        wires = {source: wire for source in SOURCES if (wire := self._wire(name, source, keys)) is not None}
        rules = self._rules(wires, self._given(keys))
        return replace(rules, problems=tuple(self.problems))

    def _keys(self, tag: Tag) -> dict[Source, TagKey]:
        """The keys that say where the value comes from; those of other libraries are without effect."""
        found: dict[Source, TagKey] = {}
        for key in tag.keys:
            source = next((source for source in SOURCES if source == key.key), None)
            if source is None:
                near = next((source for source in SOURCES if _is_slip(key.key, source)), None)
                if near:
                    self._report(key.key, f"unknown tag key `{key.key}`", f"did you mean `{near}`?")
            elif source in found:
                self._report(key.key, f"the tag has `{source}` twice")
            else:
                found[source] = key
        return found

    def _wire(self, name: Token, source: Source, keys: dict[Source, TagKey]) -> Token | None:
        key = keys.get(source)
        if key is None or key.name == "-":
            return None
        if not key.name:
            at = key.key
            return word(file_of(at), Token("WORD", str(name), line=at.line, column=at.column))
        if source == "header" and not _HEADER.fullmatch(key.name):
            self._report(key.name, f"`{key.name}` cannot be the name of a header")
        elif "\\" in key.name:
            self._report(key.name, "escapes in a name are not supported")
        return key.name

    def _given(self, keys: dict[Source, TagKey]) -> dict[str, Option]:
        """The options of all keys together; two keys may say the same, but not the opposite."""
        given: dict[str, Option] = {}
        by: dict[str, Source] = {}
        for source, key in keys.items():
            for option in filter(self._is_known, key.options):
                name = "omitempty" if option.name == "omitzero" else option.name
                other = given.setdefault(name, option)
                if by.setdefault(name, source) == source and other is not option:
                    self._report(option.at, f"the option `{option.name}` is given twice")
                elif other.value != option.value:
                    message = f"`{option.at}` contradicts `{other.at}` of `{by[name]}`"
                    self._report(option.at, message, "a field has one rule, wherever it comes from")
        return given

    def _is_known(self, option: Option) -> bool:
        if option.name in _VALUED and option.value:
            return True
        if option.name in _FLAGS and (option.value is None or (option.name == "optional" and option.value)):
            return True
        if option.name in _VALUED:
            self._report(option.at, f"the option `{option.name}` has no value")
        elif option.name in _FLAGS:
            self._report(option.at, f"the option `{option.name}` takes no value")
        elif near := get_close_matches(option.name, _FLAGS + _VALUED, n=1, cutoff=_CLOSE):
            self._report(option.at, f"unknown option `{option.name}`", f"did you mean `{near[0]}`?")
        return False

    def _rules(self, wires: dict[Source, Token], given: dict[str, Option]) -> Rules:
        bounds = self._range(given["range"]) if "range" in given else None
        choices = self._choices(given["options"], bounds) if "options" in given else ()
        default = self._default(given["default"], choices, bounds) if "default" in given else None
        depends = self._depends(given["optional"]) if "optional" in given else None
        if depends and "default" in given:
            message = (
                f"`{given['default'].at}` always gives a value, so `{given['optional'].at}` says nothing"
            )
            self._report(given["default"].at, message, "leave one of the two out")
        if "string" in given and (self.type.scalar is None or self.type.scalar.kind == "time"):
            self._report(
                given["string"].at, "`string` is for numbers and booleans, which it puts into quotes"
            )
        if "env" in given and self.type.scalar is None:
            self._report(given["env"].at, "`env=` is for strings, numbers and booleans")
        return Rules(
            wires,
            optional="optional" in given and depends is None,
            depends=depends,
            default=default,
            choices=choices,
            range=bounds,
            string="string" in given,
            omitempty="omitempty" in given,
            inherit="inherit" in given,
            env=given["env"].value if "env" in given else None,
            example=given["example"].value if "example" in given else None,
        )

    def _depends(self, option: Option) -> Dependency | None:
        if option.value is None:
            return None
        start = option.at.index("=") + 1
        name = piece(option.at, start, len(option.at))
        is_present = not name.startswith("!")
        return Dependency(name if is_present else piece(name, 1, len(name)), is_present)

    def _default(self, option: Option, choices: tuple[Value, ...], bounds: Range | None) -> Default | None:
        text = option.value or ""
        if self.type.item:
            in_brackets = re.fullmatch(r"\[(.*)\]", text, re.DOTALL)
            if in_brackets is None:
                message = "the default of a list is written in brackets"
                self._report(option.at, message, "write `default=[a,b]`")
                return None
            items = [item.strip() for item in in_brackets.group(1).split(",") if item.strip()]
            values = [self._value(item, self.type.item, option.at, "default") for item in items]
            return tuple(value for value in values if value is not None)
        value = self._value(text, self.type.scalar, option.at, "default")
        if value is not None and choices and value not in choices:
            self._report(option.at, f"the default `{option.value}` is not one of the options")
        if value is not None and bounds and value not in bounds:
            self._report(option.at, f"the default `{option.value}` is outside of the range")
        return value

    def _choices(self, option: Option, bounds: Range | None) -> tuple[Value, ...]:
        scalar = self.type.scalar
        if scalar is None or scalar.kind not in ("string", "int", "bool"):
            self._report(option.at, "`options` are for strings, integers and booleans")
            return ()
        text = option.value or ""
        in_brackets = re.fullmatch(r"\[(.*)\]", text, re.DOTALL)
        items = in_brackets.group(1).split(",") if in_brackets else text.split("|")
        values: dict[Value, None] = {}
        for item in map(str.strip, items):
            value = self._value(item, scalar, option.at, "option")
            if value is None:
                continue
            if value in values:
                self._report(option.at, f"the option `{item}` is listed twice")
            elif bounds and value not in bounds:
                self._report(option.at, f"the option `{item}` is outside of the range")
            values[value] = None
        if scalar.kind != "bool":
            return tuple(values)
        if len(items) == 1:
            self._report(option.at, "a boolean of one option has no choice", "check it in the logic")
        return ()  # both is all there are

    def _range(self, option: Option) -> Range | None:
        scalar = self.type.scalar
        if scalar is None or scalar.kind not in ("int", "float"):
            self._report(option.at, "a range is for integers and floats")
            return None
        match = _RANGE.fullmatch(option.value or "")
        if match is None or not (match["low"] or match["high"]):
            hint = "write `range=[1:5]`; `(` and `)` exclude the bound, `[1:]` has only one"
            self._report(option.at, f"`{option.value}` is not a range", hint)
            return None
        low, high = (Decimal(text) if text else None for text in match.group("low", "high"))
        found = Range(low, match["open"] == "(", high, match["close"] == ")")
        if not _has_values(found, scalar):
            self._report(option.at, f"no value of the field's type is in the range `{option.value}`")
        if scalar.kind == "int":
            for text, bound in (match["low"], low), (match["high"], high):
                if bound is not None and bound != bound.to_integral_value():
                    self._report(option.at, f"the bound `{text}` is not an integer")
            if integer_bounds(found, scalar)[1] > _INT64_HIGH:
                hint = f"give an upper bound of at most {_INT64_HIGH}"
                self._report(option.at, "a range above a signed 64-bit integer is not supported", hint)
        return found

    def _value(self, text: str, scalar: Scalar | None, at: Token, what: str) -> Value | None:
        """The value that a literal stands for, or None when it is no literal of the field's type."""
        match scalar.kind if scalar else None:
            case None | "time":
                self._report(at, f"`{what}=` is for strings, numbers and booleans, and lists of them")
                return None
            case "string":
                return text
            case "bool" if text in _BOOLEANS:
                return _BOOLEANS[text]
            case "int" if scalar and _INTEGER.fullmatch(text) and scalar.low <= int(text) <= scalar.high:
                return int(text)
            case "float" if _NUMBER.fullmatch(text):
                return float(text)
            case "decimal" if _NUMBER.fullmatch(text):
                return Decimal(text)
        self._report(at, f"the {what} `{text}` is no value of the field's type")
        return None

    def _report(self, at: Token, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(at, message, hint))


def _is_slip(key: str, source: Source) -> bool:
    """Whether a tag key is a slip of the pen: one letter more, less or wrong, or letters in another order."""
    if key in _OTHER_KEYS:
        return False
    key = key.lower()
    if len(key) == len(source):
        return sorted(key) == sorted(source) or sum(map(str.__ne__, key, source)) == 1
    longer, shorter = sorted((key, source), key=len, reverse=True)
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))


def _has_values(found: Range, scalar: Scalar) -> bool:
    if scalar.kind == "int":
        low, high = integer_bounds(found, scalar)
        return low <= high
    if found.low is None or found.high is None:
        return True
    return found.low < found.high or (found.low == found.high and not (found.low_open or found.high_open))
