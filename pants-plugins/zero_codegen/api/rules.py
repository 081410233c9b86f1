"""What a field's tag demands of its value: where it comes from, whether it may be absent, what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias, get_args

from lark import Token

from zero_codegen.api.golang import Scalar
from zero_codegen.api.problem import Problem

Source: TypeAlias = Literal["path", "form", "header", "json"]
SOURCES: tuple[Source, ...] = get_args(Source)
"""Where a value can come from, in the order of binding."""

Value: TypeAlias = str | bool | int | float | Decimal
Default: TypeAlias = Value | tuple[Value, ...]
"""A tuple is the default of a list."""


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


class Dependency(NamedTuple):
    """`optional=name` (both or neither are given), with `present` False `optional=!name` (one of the two is)."""

    name: Token
    present: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one field.

    `wires` are its names in messages, in the order of binding, each as the place in the source to blame. One
    without a tag is called as in the contract, in JSON; an `ignored` one (`json:"-"`, or tags of other libraries
    alone) is in no message. `example` is for documentation.
    """

    wires: Mapping[Source, Token]
    tagged: bool = True
    optional: bool = False
    depends: Dependency | None = None
    default: Default | None = None
    choices: tuple[Value, ...] = ()
    range: Range | None = None
    string: bool = False
    omitempty: bool = False
    inherit: bool = False
    env: str | None = None
    example: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def ignored(self) -> bool:
        """Whether no message has the field."""
        return not self.wires

    @property
    def source(self) -> Source:
        """Where it comes from last, which wins."""
        return next((source for source in reversed(SOURCES) if source in self.wires), "json")

    @property
    def wire(self) -> Token:
        """Its name there."""
        return self.wires[self.source]


def integer_bounds(bounds: Range, scalar: Scalar) -> tuple[int, int]:
    """The least and the greatest integer in a range, both of them in the range of the type too."""
    low = scalar.low if bounds.low is None else max(scalar.low, int(bounds.low) + bounds.low_open)
    high = scalar.high if bounds.high is None else min(scalar.high, int(bounds.high) - bounds.high_open)
    return low, high
