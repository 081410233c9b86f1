"""gRPC servers and clients, with one error type on both sides.

The two sides are loaded when they are used: a server needs no client, and a client no server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zero_runtime.rpc.service import (
    Kind,
    Method,
    Service,
    stream_stream,
    stream_unary,
    unary_stream,
    unary_unary,
)

if TYPE_CHECKING:
    from zero_runtime.rpc.client import CallOptions, Channel, Stream, connect
    from zero_runtime.rpc.server import ServedCall, Server, current_call

__all__ = [
    "CallOptions",
    "Channel",
    "Kind",
    "Method",
    "ServedCall",
    "Server",
    "Service",
    "Stream",
    "connect",
    "current_call",
    "stream_stream",
    "stream_unary",
    "unary_stream",
    "unary_unary",
]

_HOMES = {
    **dict.fromkeys(("CallOptions", "Channel", "Stream", "connect"), "zero_runtime.rpc.client"),
    **dict.fromkeys(("ServedCall", "Server", "current_call"), "zero_runtime.rpc.server"),
}


if not TYPE_CHECKING:  # or type checkers would take any name

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value
