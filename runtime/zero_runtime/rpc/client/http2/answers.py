"""What servers answer: header fields, and what they and the ends of streams mean as the end of a call."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from zero_runtime.errors import (
    Cancelled,
    DeadlineExceeded,
    Internal,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
    ZeroError,
)
from zero_runtime.rpc.client.backend import CallFailed
from zero_runtime.rpc.http2.fields import Decoder
from zero_runtime.rpc.http2.frames import Error
from zero_runtime.rpc.status import DETAILS, error_of_wire

HEAD_LIMIT = 16384
"""Bytes that the fields of a block may have in total; grpc-core's hard limit."""

_KNOWN = 256
"""How many blocks one connection has remembered for it."""

_KNOWN_SIZE = 1024
"""Bytes that a block may have to be remembered."""

_DETAILS = DETAILS.encode()

_HTTP: dict[int, type[ZeroError]] = {
    400: Internal,
    401: Unauthenticated,
    403: PermissionDenied,
    404: Unimplemented,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""What a status of HTTP means where there is none of gRPC
(https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md)."""

_RESETS: dict[int, type[ZeroError]] = {
    Error.REFUSED_STREAM: Unavailable,
    Error.CANCEL: Cancelled,
    Error.ENHANCE_YOUR_CALM: ResourceExhausted,
    Error.INADEQUATE_SECURITY: PermissionDenied,
}
"""What it means that a server resets a stream; everything else is INTERNAL
(https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Errors)."""


class Said(NamedTuple):
    """What a block of header fields says."""

    http: int = 0
    """The status of HTTP; 0 in trailers."""
    content: bytes = b""
    encoding: str = "identity"
    code: int | None = None
    message: str = ""
    details: bytes | None = None

    @property
    def is_grpc(self) -> bool:
        """Whether messages follow that are gRPC's."""
        return self.http == 200 and self.content.startswith(b"application/grpc")

    def failure(self, head: Said) -> CallFailed | None:
        """How a call has ended that ends with this; None is well. ``head`` is what its answer began with."""
        if self.code is None:
            return CallFailed(head.made_up(), told=False)
        if self.code:
            return CallFailed(error_of_wire(self.code, self.message, self.details), told=True)
        return None

    def made_up(self) -> ZeroError:
        """What an answer that begins with this means without a status of gRPC."""
        if self.http != 200:
            return _HTTP.get(self.http, Unknown)(f"the answer has the status {self.http} of HTTP")
        if not self.is_grpc:
            content = self.content.decode("latin-1") or "no content-type"
            return Unknown(f"the answer is not one of gRPC, but {content}")
        return Unknown("the answer has ended without a status")


class Answers:
    """Reads the header fields of the answers on one connection.

    Most of them come again byte by byte, and mean the same as long as the encoder's table does not change.
    """

    def __init__(self) -> None:
        self._decoder = Decoder(HEAD_LIMIT)
        self._known: dict[bytes, Said] = {}

    def read(self, block: bytes) -> Said | None:
        """None when the fields are larger than allowed. Raises Broken."""
        said = self._known.get(block)
        if said is not None:
            return said
        fields = self._decoder.decode(block)
        if fields is None:
            self._known.clear()
            return None
        said = said_by(fields)
        if self._decoder.changed or len(self._known) >= _KNOWN:
            self._known.clear()
        if not self._decoder.changed and len(block) <= _KNOWN_SIZE:
            self._known[block] = said
        return said


def said_by(fields: list[tuple[bytes, bytes]]) -> Said:
    """What these fields say. What cannot be read is as good as missing, but for a status."""
    said = dict(fields)
    http, code = said.get(b":status", b""), said.get(b"grpc-status")
    return Said(
        int(http) if len(http) == 3 and http.isdigit() else 0,
        said.get(b"content-type", b""),
        said.get(b"grpc-encoding", b"identity").decode("latin-1"),
        None if code is None else int(code) if code.isdigit() and len(code) < 10 else Unknown.code.value,
        unquote_to_bytes(said.get(b"grpc-message", b"")).decode(errors="replace"),
        _unpacked(said.get(_DETAILS)),
    )


def reset(code: int) -> CallFailed:
    """What it means that the server has reset the stream of a call."""
    name = Error(code).name if code in Error.__members__.values() else f"error {code}"
    error = _RESETS.get(code, Internal)(f"the server has reset the call: {name}")
    return CallFailed(error, told=False, unseen=code == Error.REFUSED_STREAM)


def out_of_time() -> CallFailed:
    """The end of a call that has taken longer than it may."""
    return CallFailed(DeadlineExceeded("Deadline Exceeded"), told=False)


def _unpacked(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return None
