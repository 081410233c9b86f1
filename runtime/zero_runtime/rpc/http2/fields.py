"""Header fields on the wire: HPACK (RFC 7541)."""

from __future__ import annotations

from collections import deque
from itertools import count

from hpack.exceptions import HPACKDecodingError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from zero_runtime.rpc.http2.frames import Broken, Error

Field = tuple[bytes, bytes]

TABLE_SIZE = 4096
"""Bytes of fields that are remembered from one block to the next: what HTTP/2 starts with, and we leave it
at."""

OVERHEAD = 32
"""What a field counts beside its name and value (section 4.1)."""

_STATIC: tuple[Field, ...] = ((b"", b""), *HeaderTable.STATIC_TABLE)
FIRST_DYNAMIC = len(_STATIC)
_LARGEST_INTEGER = 2**28


class Decoder:
    """Reads the blocks of header fields of one connection.

    Our own loop around hpack's tables of constants: that of hpack takes five times as long.
    """

    def __init__(self, limit: int) -> None:
        """``limit`` is how large the fields of a block may be in total, in bytes."""
        self._limit = limit
        self._table: deque[Field] = deque()
        self._size = 0
        self._largest = TABLE_SIZE
        self.changed = False
        """Whether the last block has changed what indexes mean in the next one."""

    def decode(self, block: bytes) -> list[Field] | None:
        """The fields of a block; None when they are larger than allowed. Raises Broken when it is no
        block."""
        self.changed = False
        try:
            return self._decode(block)
        except (IndexError, HPACKDecodingError):
            raise Broken(Error.COMPRESSION_ERROR, "header fields that cannot be decoded") from None

    def _decode(self, block: bytes) -> list[Field] | None:
        fields: list[Field] = []
        position, end, size, started = 0, len(block), 0, False
        while position < end:
            byte = block[position]
            if byte & 0x80:
                if byte == 0x80:
                    raise IndexError
                if byte == 0xFF:
                    index, position = _integer(block, position, 0x7F)
                else:
                    index, position = byte & 0x7F, position + 1
                field = _STATIC[index] if index < FIRST_DYNAMIC else self._table[index - FIRST_DYNAMIC]
            elif byte & 0x40:
                field, position = self._literal(block, position, 0x3F)
                self._remember(field)
            elif byte & 0x20:
                if started:
                    raise IndexError
                largest, position = _integer(block, position, 0x1F)
                self._resize(largest)
                continue
            else:
                field, position = self._literal(block, position, 0x0F)
            started = True
            size += len(field[0]) + len(field[1]) + OVERHEAD
            if size <= self._limit:
                fields.append(field)
        return fields if size <= self._limit else None

    def _literal(self, block: bytes, position: int, mask: int) -> tuple[Field, int]:
        index, position = _integer(block, position, mask)
        if not index:
            name, position = _string(block, position)
        elif index < FIRST_DYNAMIC:
            name = _STATIC[index][0]
        else:
            name = self._table[index - FIRST_DYNAMIC][0]
        value, position = _string(block, position)
        return (name, value), position

    def _remember(self, field: Field) -> None:
        self.changed = True
        self._table.appendleft(field)
        self._size += len(field[0]) + len(field[1]) + OVERHEAD
        self._shrink()

    def _resize(self, largest: int) -> None:
        if largest > TABLE_SIZE:
            raise IndexError
        self.changed = True
        self._largest = largest
        self._shrink()

    def _shrink(self) -> None:
        while self._size > self._largest:
            name, value = self._table.pop()
            self._size -= len(name) + len(value) + OVERHEAD


def literal(name: bytes, value: bytes) -> bytes:
    """A field as it is, which the receiver need not remember."""
    return b"\0" + _sized(name) + _sized(value)


def _sized(text: bytes) -> bytes:
    size = len(text)
    if size < 0x7F:
        return bytes((size,)) + text
    size -= 0x7F
    parts = bytearray((0x7F,))
    while size > 0x7F:
        parts.append(size & 0x7F | 0x80)
        size >>= 7
    parts.append(size)
    return bytes(parts) + text


def _integer(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """The integer that starts in the bits of ``mask``, and where it ends (section 5.1)."""
    value = block[position] & mask
    position += 1
    if value < mask:
        return value, position
    for shift in count(0, 7):
        byte = block[position]
        position += 1
        value += (byte & 0x7F) << shift
        if value > _LARGEST_INTEGER or shift > 28:
            raise IndexError
        if byte < 0x80:
            break
    return value, position


def _string(block: bytes, position: int) -> tuple[bytes, int]:
    huffman = block[position] & 0x80
    size, position = _integer(block, position, 0x7F)
    end = position + size
    if end > len(block):
        raise IndexError
    text = block[position:end]
    return (decode_huffman(text) if huffman else text), end
