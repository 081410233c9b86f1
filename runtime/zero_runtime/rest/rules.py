"""What a contract says of a field beyond its type, as metadata of its annotation.

``Annotated[rest.Int64, rest.AS_STRING]``; the names are those of go-zero's tags.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin


class Mark(enum.Enum):
    """A rule without arguments."""

    AS_STRING = "string"
    OMIT_EMPTY = "omitempty"
    INHERIT = "inherit"


AS_STRING: Final = Mark.AS_STRING
"""A number or boolean that stands in quotes in JSON. A request may do without them."""

OMIT_EMPTY: Final = Mark.OMIT_EMPTY
"""Left out of a response when it is false, 0, empty or None."""

INHERIT: Final = Mark.INHERIT
"""Where JSON does not have it, the nearest enclosing object that has the same key gives it."""


@dataclass(frozen=True, slots=True)
class Env:
    """The environment variable ``name``, if it is set, stands above what a request says."""

    name: str


@dataclass(frozen=True, slots=True)
class With:
    """Given together with ``field``, or neither of them; ``field`` is a name on the wire."""

    field: str

    def broken(self, given: bool, other: bool) -> str:
        """What is wrong where the field itself is ``given`` or not, and so the other."""
        if given == other:
            return ""
        return f"must {'not be given without' if given else 'be given with'} `{self.field}`"

    def text(self, name: str) -> str:
        """The same as go-zero says it."""
        field = name.rpartition(".")[2]
        return f'values for "{self.field}" and "{field}" should be both provided or both not in "{name}"'


@dataclass(frozen=True, slots=True)
class Without:
    """Given in place of ``field``: exactly one of them is; ``field`` is a name on the wire."""

    field: str

    def broken(self, given: bool, other: bool) -> str:
        """What is wrong where the field itself is ``given`` or not, and so the other."""
        if given != other:
            return ""
        return f"must not be given with `{self.field}`" if given else f"this or `{self.field}` is required"

    def text(self, name: str) -> str:
        """The same as go-zero says it."""
        return f'set value for either "{self.field}" or "{name.rpartition(".")[2]}" in "{name}"'


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of one field."""

    marks: frozenset[Mark] = frozenset()
    env: Env | None = None
    other: With | Without | None = None


def rules_of(kind: Any) -> Rules:
    """The rules in the metadata of a field's annotation."""
    metadata = [*_metadata(kind)]
    return Rules(
        frozenset(rule for rule in metadata if isinstance(rule, Mark)),
        next((rule for rule in metadata if isinstance(rule, Env)), None),
        next((rule for rule in metadata if isinstance(rule, With | Without)), None),
    )


def reads(part: object) -> bool:
    """Whether a part of a type is a rule that changes how JSON is read."""
    return part is AS_STRING or part is INHERIT or isinstance(part, Env | With | Without)


def _metadata(kind: Any) -> Iterator[Any]:
    if get_origin(kind) is Annotated:
        inner, *metadata = get_args(kind)
        yield from metadata
        yield from _metadata(inner)
    elif NoneType in get_args(kind):
        for member in get_args(kind):
            yield from _metadata(member)
