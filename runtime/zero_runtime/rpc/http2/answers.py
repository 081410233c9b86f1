"""The frames that answer a call, put together from constants.

Fields go out as literals that are not to be remembered: all but a few bytes of an answer are the same anyway,
and the encoder needs no state.
"""

from __future__ import annotations

import base64
from struct import Struct

from zero_runtime.errors import ZeroError
from zero_runtime.rpc.http2.fields import literal
from zero_runtime.rpc.http2.frames import DATA, END_HEADERS, END_STREAM, HEADERS, beginning, frame
from zero_runtime.rpc.status import DETAILS, wire_status

FORGET = b"\x20"
"""Begins the first block of a connection: we remember no fields, whatever the size of the client's table was,
is and will be. So there is nothing to say when it changes (RFC 7541, section 4.2)."""

PREFIX = Struct(">BI")
"""What comes before a message: whether it is compressed, and its length."""

# `:status` 200, 405 and 415: the first is in the static table, of the others the name is.
_STATUSES = {200: b"\x88", 405: b"\x08\x03405", 415: b"\x08\x03415"}
_CONTENT_TYPE = literal(b"content-type", b"application/grpc")
_ENCODINGS = literal(b"grpc-accept-encoding", b"identity,gzip,deflate")
_HEAD = _STATUSES[200] + _CONTENT_TYPE
_OK = literal(b"grpc-status", b"0")

_BEGIN = Struct(f">5sI{len(_HEAD)}sHBBBIBI")
_END = Struct(f">5sI{len(_OK)}s")
_BEGINNING = beginning(HEADERS, END_HEADERS, len(_HEAD))
_ENDING = beginning(HEADERS, END_HEADERS | END_STREAM, len(_OK))

_PLAIN = frozenset(range(0x20, 0x7F)) - {0x25}


def head(stream: int, lead: bytes = b"") -> bytes:
    """What comes before the first message. ``lead`` is what begins its block."""
    return frame(HEADERS, END_HEADERS, stream, lead + _HEAD)


def message(payload: bytes) -> bytes:
    return PREFIX.pack(0, len(payload)) + payload


def ok(stream: int) -> bytes:
    """The trailers of a call that went well."""
    return _END.pack(_ENDING, stream, _OK)


def whole(stream: int, payload: bytes) -> bytes:
    """All of the answer with one message that fits into one frame."""
    size = len(payload)
    framed = size + 5
    return b"%b%b%b" % (
        _BEGIN.pack(_BEGINNING, stream, _HEAD, framed >> 8, framed & 0xFF, DATA, 0, stream, 0, size),
        payload,
        _END.pack(_ENDING, stream, _OK),
    )


def failed(stream: int, error: ZeroError) -> bytes:
    """The trailers of a call that failed after its head was sent."""
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, _status(error))


def failed_at_once(stream: int, error: ZeroError, status: int = 200, lead: bytes = b"") -> bytes:
    """All of the answer to a call that failed; ``status`` is that of HTTP."""
    block = lead + _STATUSES[status] + _CONTENT_TYPE + _ENCODINGS + _status(error)
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, block)


def percent_encoded(text: str) -> bytes:
    """As ``grpc-message`` has it: UTF-8, with what is not printable ASCII, and ``%``, in hexadecimal."""
    encoded = text.encode()
    if _PLAIN.issuperset(encoded):
        return encoded
    return b"".join(b"%c" % byte if byte in _PLAIN else b"%%%02X" % byte for byte in encoded)


def _status(error: ZeroError) -> bytes:
    code, text, details = wire_status(error)
    block = literal(b"grpc-status", b"%d" % code)
    if text:
        block += literal(b"grpc-message", percent_encoded(text))
    if details is not None:
        block += literal(DETAILS.encode(), base64.b64encode(details).rstrip(b"="))
    return block
