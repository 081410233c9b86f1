"""Reading what a configuration says, of which nothing is sure to have the shape that it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def section(values: object, *path: str) -> Mapping[str, Any]:
    """The keys at a path; none where there is nothing, or a value."""
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values if isinstance(values, Mapping) else {}


def texts(value: object) -> list[str]:
    """What a key holds that takes a list, or a text with commas."""
    found = value if isinstance(value, list) else str(value or "").split(",")
    return [str(each) for each in found if each]


def is_port(value: object) -> bool:
    """Whether it is a number of a TCP port, written out."""
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535
