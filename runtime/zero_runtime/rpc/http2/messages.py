"""The messages of a request, or of its answer, out of the bytes that arrive."""

from __future__ import annotations

import zlib

from zero_runtime.errors import Internal, ResourceExhausted
from zero_runtime.rpc.http2.answers import PREFIX

Sized = tuple[bytes, int]
"""A message, and how many bytes it was on the wire."""

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Assembler:
    """Puts messages together; each may have ``limit`` bytes, packed and unpacked, 0 is no limit.

    ``what`` they are is for errors.
    """

    __slots__ = ("_encoding", "_limit", "_part", "_what")

    def __init__(self, encoding: str, limit: int, what: str = "request") -> None:
        self._what = what
        self._encoding = encoding
        self._limit = limit
        self._part = bytearray()

    @property
    def amid(self) -> bool:
        """Whether a message has begun that is not complete."""
        return bool(self._part)

    def feed(self, data: bytes) -> list[Sized]:
        """The messages that are complete with ``data``. Raises `ZeroError` when there is one that is not
        taken."""
        part = self._part
        if not part and len(data) >= 5:
            packed, size = PREFIX.unpack_from(data)
            if size + 5 == len(data) and not packed and (not self._limit or size <= self._limit):
                return [(data[5:], size + 5)]
        part += data
        found = []
        position = 0
        while len(part) - position >= 5:
            packed, size = PREFIX.unpack_from(part, position)
            if 0 < self._limit < size:
                raise self._too_large()
            end = position + 5 + size
            if end > len(part):
                break
            if packed > 1:
                raise Internal(f"a message of gRPC is marked by 0 or 1, this by {packed}")
            payload = bytes(part[position + 5 : end])
            found.append((self._unpacked(payload) if packed else payload, size + 5))
            position = end
        del part[:position]
        return found

    def _unpacked(self, payload: bytes) -> bytes:
        bits = _WINDOW_BITS.get(self._encoding)
        if bits is None:
            raise Internal(f"the {self._what} is compressed, and does not say how")
        unpacker = zlib.decompressobj(bits)
        try:
            unpacked = unpacker.decompress(payload, self._limit + 1 if self._limit else 0)
        except zlib.error:
            raise Internal(f"the {self._what} is not {self._encoding}") from None
        if 0 < self._limit < len(unpacked):
            raise self._too_large()
        if not unpacker.eof:
            raise Internal(f"the compressed {self._what} is cut off")
        if unpacker.unused_data:
            # Gzip may have several members, which nobody sends: of thousands, each would copy all the others.
            raise Internal(f"something follows the compressed {self._what}")
        return unpacked

    def _too_large(self) -> ResourceExhausted:
        return ResourceExhausted(f"a {self._what} may have at most {self._limit} bytes, this has more")
