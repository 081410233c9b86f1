"""The heads of requests, as blocks of header fields.

What all calls of a method have in common goes out in full once; the server remembers it, and from then on it
is an index of a byte per field (RFC 7541, section 2.3). Nothing else is given to the server's memory, so that
what is in there never has to give way.
"""

from __future__ import annotations

import base64
import platform

from zero_runtime.rpc.client.options import Metadata
from zero_runtime.rpc.http2.answers import FORGET
from zero_runtime.rpc.http2.fields import FIRST_DYNAMIC, OVERHEAD, TABLE_SIZE, Field, literal

_MOST_ENTRIES = 60
"""Fields that the server shall remember: so many that each index fits into a byte."""

_REMEMBER = b"\x40"
_INDEXED = 0x80
_POST = b"\x83"
_SCHEMES = {False: b"\x86", True: b"\x87"}
"""``:method`` and ``:scheme`` as the static table has them; True is for TLS."""

_COMMON: tuple[Field, ...] = (
    (b"te", b"trailers"),
    (b"content-type", b"application/grpc"),
    (b"user-agent", b"zero-python/" + platform.python_version().encode()),
    (b"grpc-accept-encoding", b"identity,gzip,deflate"),
)

_UNITS = ((b"u", 1_000_000), (b"m", 1000), (b"S", 1))
_MOST_DIGITS = 99_999_999
"""What a grpc-timeout can say of each unit
(https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)."""


class Heads:
    """Makes the heads of the requests of one connection; every one that is made has to be sent, in order."""

    def __init__(self, authority: str, *, tls: bool) -> None:
        self._begin = _POST + _SCHEMES[tls]
        self._authority = b":authority", authority.encode()
        self._remembered: dict[Field, int] = {}
        """Fields that the server knows, each with how many it knew with it."""
        self._room = TABLE_SIZE
        self._lead = b""
        """What the next block has to begin with."""
        self._paths: dict[str, bytes] = {}
        """The fields that all calls of a method have in common, where the server knows them all."""

    def resize(self, size: int) -> None:
        """The server remembers ``size`` bytes of fields: if that is less than usual, we do without."""
        if size < TABLE_SIZE and self._room >= 0:
            self._room = -1
            self._lead = FORGET
            self._remembered.clear()
            self._paths.clear()

    def block(self, path: str, metadata: Metadata | None, timeout: float | None) -> bytes:
        """The head of a call that has ``timeout`` seconds."""
        block = self._paths.get(path) or self._constant(path)
        if timeout is not None:
            block += literal(b"grpc-timeout", timeout_of(timeout))
        for name, value in metadata or ():
            sent = value.encode() if isinstance(value, str) else base64.b64encode(value).rstrip(b"=")
            block += literal(name.encode(), sent)
        return block

    def _constant(self, path: str) -> bytes:
        block = self._lead + self._begin
        known = True
        for field in ((b":path", path.encode()), self._authority, *_COMMON):
            number = self._remembered.get(field)
            size = len(field[0]) + len(field[1]) + OVERHEAD
            if number is not None:
                block += bytes((_INDEXED | FIRST_DYNAMIC + len(self._remembered) - number,))
            elif size <= self._room and len(self._remembered) < _MOST_ENTRIES:
                known = False
                self._room -= size
                self._remembered[field] = len(self._remembered) + 1
                block += _REMEMBER + literal(*field)[1:]
            else:
                block += literal(*field)
        if not known:
            self._paths.clear()  # their indexes have moved
        elif not self._lead:
            self._paths[path] = block
        self._lead = b""
        return block


def timeout_of(seconds: float) -> bytes:
    """A grpc-timeout: as exact as there is room for, and never less than asked for."""
    for unit, parts in _UNITS:
        number = -int(-seconds * parts // 1)
        if number <= _MOST_DIGITS:
            return b"%d%b" % (max(number, 1), unit)
    return b"%dS" % _MOST_DIGITS
