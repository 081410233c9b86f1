"""Values that are text on the wire: in paths, forms, headers and the environment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from zero_runtime.explain import AtMost, bare, beyond, parts, reason


def text_reader(kind: Any) -> Callable[[str], Any]:
    """What makes a ``kind`` of a text. It raises ValueError with what is wrong."""
    if kind is str:
        return str
    strict = bare(kind) is datetime  # else it would be made of seconds since the epoch, too
    checked = any(part in (float, Decimal) or isinstance(part, AtMost) for part in parts(kind))

    def read(text: str) -> Any:
        try:
            value = msgspec.convert(text, kind, strict=strict)
        except msgspec.ValidationError as refusal:
            raise ValueError(reason(kind, refusal).partition(", got ")[0]) from None
        if checked and (excess := beyond(kind, value)):
            raise ValueError(excess)
        return value

    return read


def write_text(value: Any) -> str:
    """The text that stands for a value."""
    plain = msgspec.to_builtins(value)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()
