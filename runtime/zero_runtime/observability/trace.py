"""The trace that the call being served belongs to (W3C Trace Context)."""

from __future__ import annotations

import enum
import random
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

import msgspec

_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_TRACESTATE = re.compile(rb"[ -~]{,512}")
"""What every participant must be able to carry, §3.3.1 of the recommendation. Others would refuse the
request."""

_STOCK = 48
_FLAGS = ("00", "01")
_RATIO_BITS = 63  # of the last 8 bytes of a trace id, as all OpenTelemetry SDKs decide


class Span(msgspec.Struct, gc=False):
    """One call that is served, as a part of a trace."""

    traceparent: bytes
    """What calls made for it carry."""
    sampled: bool
    parent: str = ""
    """The id of the caller's span; empty at the begin of a trace."""
    tracestate: str = ""
    """What came along."""

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return self.traceparent[3:35].decode()

    @property
    def span_id(self) -> str:
        """16 hexadecimal digits."""
        return self.traceparent[36:52].decode()


current_span: ContextVar[Span | None] = ContextVar("current_span", default=None)
"""The span of the call that the present task serves; None when there are no traces."""


class Others(Protocol):
    """Those who begin spans too; see `bridge`."""

    def enter(self, span: Span) -> None:
        """The running task serves this span from now on."""

    def current(self) -> Span | None:
        """The innermost span of the running task."""


others: Others | None = None
"""If there are any in this process."""


def enter(span: Span) -> None:
    """The running task serves this span from now on. Call it in a context of the task's own."""
    current_span.set(span)
    if others is not None:
        others.enter(span)


def current() -> Span | None:
    """The span that what is begun now is a part of."""
    return current_span.get() if others is None else others.current()


def trace_headers() -> Mapping[str, str]:
    """The headers that carry the present trace on, for a request to another service; empty without a
    trace."""
    span = current()
    if span is None:
        return {}
    headers = {"traceparent": span.traceparent.decode()}
    if span.tracestate:
        headers["tracestate"] = span.tracestate
    return headers


class Sampler:
    """Begins spans. ``ratio`` is the share of new traces that are sent; who continues one does as its caller.

    Make it after the fork: it keeps spans in stock, which are cheaper by the dozen.
    """

    def __init__(self, ratio: float) -> None:
        self._bound = int(ratio * (1 << _RATIO_BITS))
        self._stock: list[Span] = []

    def begin(self) -> Span:
        """The first span of a new trace."""
        if not self._stock:
            self._stock = [self._made() for _ in range(_STOCK)]
        return self._stock.pop()

    def _made(self) -> Span:
        digits = random.randbytes(24).hex()  # one draw for both ids
        sampled = int(digits[16:32], 16) >> 1 < self._bound
        return Span(f"00-{digits[:32]}-{digits[32:]}-{_FLAGS[sampled]}".encode(), sampled)

    def resume(self, traceparent: bytes, tracestate: bytes = b"") -> Span:
        """A span of the trace that a caller's headers tell of; of a new one when they make no sense."""
        match = _TRACEPARENT.fullmatch(traceparent)
        if match is None or (traceparent.startswith(b"00") and match[4] is not None):
            return self.begin()
        sampled = bool(int(match[3], 16) & 1)
        own = f"00-{match[1].decode()}-{random.randbytes(8).hex()}-{_FLAGS[sampled]}"
        state = tracestate.decode() if _TRACESTATE.fullmatch(tracestate) else ""
        return Span(own.encode(), sampled, match[2].decode(), state)

    def child(self, parent: Span) -> Span:
        """A span of the same trace, for a call that is made while ``parent`` is served."""
        head = parent.traceparent
        own = head[:36] + random.randbytes(8).hex().encode() + head[52:]
        return Span(own, parent.sampled, parent.span_id, parent.tracestate)


class Kind(enum.Enum):
    """Which side of a call a span is, if it is one."""

    SERVER = enum.auto()
    CLIENT = enum.auto()
    INTERNAL = enum.auto()


Attributes = Sequence[tuple[str, str | int]]


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """What the spans of one operation and outcome have in common. Make it once: it is encoded once."""

    name: str
    kind: Kind
    attributes: Attributes
    failed: bool = False
