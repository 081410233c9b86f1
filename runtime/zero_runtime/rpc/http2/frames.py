"""The frames of HTTP/2 (RFC 9113, section 6), as far as gRPC sends and takes them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client says first."""

FRAME_SIZE = 16384
"""Bytes that the payload of a frame may have, unless its receiver says otherwise."""

LARGEST_FRAME_SIZE = 2**24 - 1
WINDOW = 65535
"""Bytes of DATA that may be under way at first, on a connection and on each stream."""

LARGEST_WINDOW = 2**31 - 1
LARGEST_STREAM = 2**31 - 1

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITISED = 0x20

HEADER = Struct(">HBBBI")
"""The header of a frame: its length in two parts, type, flags, stream."""

HEADER_SIZE = 9
_LENGTH_TYPE_FLAGS = Struct(">HBBB")
_SETTING = Struct(">HI")
_NUMBER = Struct(">I")
_TWO_NUMBERS = Struct(">II")


class Error(enum.IntEnum):
    """Why a stream or a connection is given up."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


class Setting(enum.IntEnum):
    """What the ends of a connection tell each other about themselves."""

    HEADER_TABLE_SIZE = 0x1
    ENABLE_PUSH = 0x2
    MAX_CONCURRENT_STREAMS = 0x3
    INITIAL_WINDOW_SIZE = 0x4
    MAX_FRAME_SIZE = 0x5
    MAX_HEADER_LIST_SIZE = 0x6


class Broken(Exception):
    """The peer has broken the protocol so that the connection is of no more use."""

    def __init__(self, code: Error, reason: str) -> None:
        super().__init__(f"{code.name}: {reason}")
        self.code = code
        self.reason = reason


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    size = len(payload)
    return HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def beginning(kind: int, flags: int, size: int) -> bytes:
    """The part of a frame's header that comes before its stream."""
    return _LENGTH_TYPE_FLAGS.pack(size >> 8, size & 0xFF, kind, flags)


def settings(values: Mapping[Setting, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in values.items()))


def settings_of(payload: bytes) -> list[tuple[int, int]]:
    """Numbers and values. Raises Broken when they are cut off."""
    if len(payload) % _SETTING.size:
        raise Broken(Error.FRAME_SIZE_ERROR, "SETTINGS that are cut off")
    return list(_SETTING.iter_unpack(payload))


def window_update(stream: int, size: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, _NUMBER.pack(size))


def rst_stream(stream: int, code: Error) -> bytes:
    return frame(RST_STREAM, 0, stream, _NUMBER.pack(code))


def goaway(last: int, code: Error, reason: str = "") -> bytes:
    """``last`` is the last stream that was, or will be, served."""
    return frame(GOAWAY, 0, 0, _TWO_NUMBERS.pack(last, code) + reason.encode())


def number(payload: bytes, kind: str) -> int:
    """The one number that is all of a payload. Raises Broken when it is something else."""
    if len(payload) != _NUMBER.size:
        raise Broken(Error.FRAME_SIZE_ERROR, f"{kind} of {len(payload)} bytes")
    value: int = _NUMBER.unpack(payload)[0]
    return value


def unpadded(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """Where the content of a padded frame begins and ends."""
    if start == stop:
        raise Broken(Error.FRAME_SIZE_ERROR, "padding that is cut off")
    padding = data[start]
    if start + 1 + padding > stop:
        raise Broken(Error.PROTOCOL_ERROR, "more padding than content")
    return start + 1, stop - padding
