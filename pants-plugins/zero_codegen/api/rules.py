"""What a field's tag demands of its value: where it comes from, whether it may be absent, what it may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal, TypeAlias, get_args

from lark import Token

from zero_codegen.api import tree
from zero_codegen.api.golang import SCALARS, Scalar
from zero_codegen.api.problem import Problem
from zero_codegen.api.tags import Option, Tag, TagKey
from zero_codegen.diagnostics import did_you_mean

Source: TypeAlias = Literal["path", "form", "header", "json"]
SOURCES: tuple[Source, ...] = get_args(Source)
"""Where a value can come from, in the order of binding."""

Value: TypeAlias = str | bool | int | float

_OPTIONS = ("optional", "default", "options", "range")
_LATER = ("string", "omitempty", "inherit", "env")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_INT64_HIGH = SCALARS["int64"].high
_BOUND = r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?"
_RANGE = re.compile(rf"(?P<open>[\[(])\s*(?P<low>{_BOUND})?\s*:\s*(?P<high>{_BOUND})?\s*(?P<close>[\])])")


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number; an open one excludes the bound itself. None means no bound."""

    low: Decimal | None
    low_open: bool
    high: Decimal | None
    high_open: bool

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float):
            return False
        number = Decimal(value)
        return (self.low is None or (number > self.low if self.low_open else number >= self.low)) and (
            self.high is None or (number < self.high if self.high_open else number <= self.high)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one field. `wire` is its name in messages, as the place in the source to blame."""

    wire: Token
    source: Source = "json"
    tagged: bool = True
    optional: bool = False
    default: Value | None = None
    choices: tuple[Value, ...] = ()
    range: Range | None = None
    problems: tuple[Problem, ...] = ()


def scalar_of(type_: tree.Type) -> Scalar | None:
    """The built-in type that a type is, or points to."""
    while isinstance(type_, tree.Pointer):
        type_ = type_.target
    return SCALARS.get(type_.at) if isinstance(type_, tree.Named) else None


def read_rules(name: Token, type_: tree.Type, tag: Tag | None) -> Rules:
    """The rules of the field `name`, with every mistake in its tag."""
    if tag is None:
        return Rules(name, tagged=False)
    if tag.problems or not tag.keys:
        return Rules(name, problems=tag.problems)
    return _Reader(scalar_of(type_)).read(name, tag)


@dataclass
class _Reader:
    """Reads the tag of one field, whose type is `scalar` where it is a built-in one."""

    scalar: Scalar | None
    problems: list[Problem] = field(default_factory=list)

    def read(self, name: Token, tag: Tag) -> Rules:
        known = [key for key in tag.keys if key.key in SOURCES]
        for key in tag.keys:
            if key.key not in SOURCES:
                self._report(key.key, f"tag key `{key.key}` is not supported", did_you_mean(key.key, SOURCES))
        if not known:
            return Rules(name, problems=tuple(self.problems))
        for key in known[1:]:
            message = f"`{name}` already comes from `{known[0].key}`"
            self._report(key.key, message, "a field has one source; declare a field for each")
        rules = self._key(name, known[0])
        return replace(rules, problems=tuple(self.problems))

    def _key(self, name: Token, key: TagKey) -> Rules:
        wire = key.name or Token("WORD", str(name), line=key.key.line, column=key.key.column)
        if key.name == "-":
            self._report(key.name, "a field outside of every message is not supported", "leave the field out")
        source = next(source for source in SOURCES if source == key.key)
        if source == "header" and not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", wire):
            self._report(wire, f"`{wire}` cannot be the name of a header")
        given = dict(self._known(key.options))
        bounds = self._range(given["range"]) if "range" in given else None
        choices = tuple(self._choices(given["options"], bounds)) if "options" in given else ()
        default = self._default(given["default"], choices, bounds) if "default" in given else None
        return Rules(wire, source, True, "optional" in given, default, choices, bounds)

    def _known(self, options: tuple[Option, ...]) -> Iterator[tuple[str, Option]]:
        seen: set[str] = set()
        for option in options:
            if option.name in _LATER:
                self._report(option.at, f"the option `{option.name}` is not supported yet")
            elif option.name not in _OPTIONS:
                what = f"unknown option `{option.name}`" if option.name else "an option is missing"
                self._report(option.at, what, did_you_mean(option.name, _OPTIONS + _LATER))
            elif option.name in seen:
                self._report(option.at, f"the option `{option.name}` is given twice")
            elif option.name == "optional" and option.value is not None:
                message = "`optional=…`, one field depending on another, is not supported yet"
                self._report(option.at, message, "write `optional` and check it in the logic")
            elif option.name != "optional" and not option.value:
                self._report(option.at, f"the option `{option.name}` has no value")
            else:
                seen.add(option.name)
                yield option.name, option

    def _default(self, option: Option, choices: tuple[Value, ...], bounds: Range | None) -> Value | None:
        value = self._value(option.value or "", option.at, "default")
        if value is not None and choices and value not in choices:
            self._report(option.at, f"the default `{option.value}` is not one of the options")
        if value is not None and bounds and value not in bounds:
            self._report(option.at, f"the default `{option.value}` is outside of the range")
        return value

    def _choices(self, option: Option, bounds: Range | None) -> Iterator[Value]:
        if self.scalar is None or self.scalar.kind not in ("string", "int"):
            self._report(option.at, "`options` are for strings and integers")
            return
        text = option.value or ""
        in_brackets = re.fullmatch(r"\[(.*)\]", text, re.DOTALL)
        items = in_brackets.group(1).split(",") if in_brackets else text.split("|")
        seen: set[Value] = set()
        for item in map(str.strip, items):
            value = self._value(item, option.at, "option")
            if value is not None and value in seen:
                self._report(option.at, f"the option `{item}` is listed twice")
            elif value is not None and bounds and value not in bounds:
                self._report(option.at, f"the option `{item}` is outside of the range")
            elif value is not None:
                seen.add(value)
                yield value

    def _range(self, option: Option) -> Range | None:
        if self.scalar is None or self.scalar.kind not in ("int", "float"):
            self._report(option.at, "a range is for numbers")
            return None
        match = _RANGE.fullmatch(option.value or "")
        if match is None or not (match["low"] or match["high"]):
            hint = "write `range=[1:5]`; `(` and `)` exclude the bound, `[1:]` has only one"
            self._report(option.at, f"`{option.value}` is not a range", hint)
            return None
        low, high = (Decimal(text) if text else None for text in match.group("low", "high"))
        found = Range(low, match["open"] == "(", high, match["close"] == ")")
        if not self._fits(found):
            self._report(option.at, f"no value of the field's type is in the range `{option.value}`")
        if self.scalar.kind == "int":
            for text, bound in (match["low"], low), (match["high"], high):
                if bound is not None and bound != bound.to_integral_value():
                    self._report(option.at, f"the bound `{text}` is not an integer")
            if integer_bounds(found, self.scalar)[1] > _INT64_HIGH:
                hint = f"give an upper bound of at most {_INT64_HIGH}"
                self._report(option.at, "a range above a signed 64-bit integer is not supported", hint)
        return found

    def _fits(self, found: Range) -> bool:
        assert self.scalar
        if self.scalar.kind == "int":
            low, high = integer_bounds(found, self.scalar)
            return low <= high
        if found.low is None or found.high is None:
            return True
        return found.low < found.high or (found.low == found.high and not (found.low_open or found.high_open))

    def _value(self, text: str, at: Token, what: str) -> Value | None:
        """The value that a literal stands for, or None when it is no literal of the field's type."""
        if self.scalar is None:
            self._report(at, f"`{what}=` is for strings, numbers and booleans")
            return None
        match self.scalar.kind:
            case "string":
                return text
            case "bool" if text in _BOOLEANS:
                return _BOOLEANS[text]
            case "int" if re.fullmatch(r"[+-]?[0-9]{1,20}", text):
                number = int(text)
                if self.scalar.low <= number <= self.scalar.high:
                    return number
            case "float" if re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?", text):
                return float(text)
        self._report(at, f"the {what} `{text}` is no value of the field's type")
        return None

    def _report(self, at: Token, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(at, message, hint))


def integer_bounds(bounds: Range, scalar: Scalar) -> tuple[int, int]:
    """The least and the greatest integer in a range, both of them in the range of the type too."""
    low = scalar.low if bounds.low is None else max(scalar.low, int(bounds.low) + bounds.low_open)
    high = scalar.high if bounds.high is None else min(scalar.high, int(bounds.high) - bounds.high_open)
    return low, high
