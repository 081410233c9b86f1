"""What the language takes from Go: its built-in types, and HTTP methods as routes name them."""

from __future__ import annotations

from typing import Literal, NamedTuple

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
"""Methods a route may have."""

UNROUTED_METHODS = ("connect", "trace")
"""Methods the language knows and go-zero's router refuses at start."""


class Scalar(NamedTuple):
    """A built-in type: its Python type, and for integers the range."""

    kind: Literal["bool", "string", "int", "float"]
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
}

BYTES = ("byte", "uint8")
"""Item types whose list is a byte string."""

UNSENDABLE = ("complex64", "complex128", "uintptr", "error")
"""Built-in types that JSON has no form for."""
