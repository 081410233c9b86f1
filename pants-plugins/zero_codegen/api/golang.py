"""What the language takes from Go: its built-in types, its durations, and HTTP methods as routes name them."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
"""Methods a route may have."""

UNROUTED_METHODS = ("connect", "trace")
"""Methods the language knows and go-zero's router refuses at start."""


class Scalar(NamedTuple):
    """A built-in type: its Python type, and for integers the range."""

    kind: Literal["bool", "string", "int", "float", "time", "decimal"]
    python: str
    low: int = 0
    high: int = 0


def _integer(bits: int, *, signed: bool) -> Scalar:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return Scalar("int", f"rest.{'Int' if signed else 'Uint'}{bits}", low, high)


SCALARS = {
    "bool": Scalar("bool", "bool"),
    "string": Scalar("string", "str"),
    "float32": Scalar("float", "float"),
    "float64": Scalar("float", "float"),
    "int": _integer(64, signed=True),
    "uint": _integer(64, signed=False),
    "byte": _integer(8, signed=False),
    "rune": _integer(32, signed=True),
    **{f"int{bits}": _integer(bits, signed=True) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": _integer(bits, signed=False) for bits in (8, 16, 32, 64)},
    "time.Time": Scalar("time", "rest.Time"),
    "decimal.Decimal": Scalar("decimal", "rest.Decimal"),
}

OVERRIDABLE = {"decimal": SCALARS["decimal.Decimal"]}
"""Built-in types that are no words of Go: a contract may declare a type of its own under the name."""

BYTES = ("byte", "uint8")
"""Item types whose list is a byte string."""

UNSENDABLE = ("complex64", "complex128", "uintptr", "error")
"""Built-in types that JSON has no form for."""

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_AMOUNT = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


def seconds(duration: str) -> float | None:
    """The seconds that a duration of Go's is (`1h30m`, `1.5s`, `0`), or None when it is none or negative."""
    if duration == "0":
        return 0.0
    amounts = list(_AMOUNT.finditer(duration))
    if not amounts or "".join(amount.group() for amount in amounts) != duration:
        return None
    return sum(float(amount.group(1)) * _UNITS[amount.group(2)] for amount in amounts)
