"""What is stored: rows, mappings of unique indexes, and placeholders.

An entry is a letter, the table's layout and MessagePack. Rows are kept as the database gives them, values
that nobody can change, and decoded for each reader: a row that one of them changes is nobody else's.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from zero_runtime.model.values import Row, Value

Values: TypeAlias = tuple[Value, ...]


class Mapping(msgspec.Struct, array_like=True, frozen=True):
    """Which row a unique index led to."""

    asked: Row
    found: Row
    """What the row held, which need not be what was asked for: ``anna`` for ``Anna``."""
    key: Row
    """Its primary key."""


class Placeholder(msgspec.Struct, array_like=True, frozen=True):
    """There is no such row."""

    asked: Row
    epoch: bytes
    """What the key of the table's epoch held before the database was asked."""


Entry: TypeAlias = Row | Mapping | Placeholder

_encode = msgspec.msgpack.Encoder().encode
_decode_row = msgspec.msgpack.Decoder(Row).decode
_decode_mapping = msgspec.msgpack.Decoder(Mapping).decode
_decode_placeholder = msgspec.msgpack.Decoder(Placeholder).decode


class Format:
    """How the entries of a table are written."""

    __slots__ = ("_length", "_mapping", "_placeholder", "_row")

    def __init__(self, layout: str) -> None:
        self._row, self._mapping, self._placeholder = (
            f"{letter}{layout}:".encode() for letter in ("R", "M", "N")
        )
        self._length = len(self._row)

    def write(self, entry: Entry) -> bytes:
        """The bytes that stand for an entry."""
        if isinstance(entry, Mapping):
            return self._mapping + _encode(entry)
        if isinstance(entry, Placeholder):
            return self._placeholder + _encode(entry)
        return self._row + _encode(entry)

    def read(self, held: bytes) -> Entry | None:
        """The entry; None for whatever else it is, an entry of another layout included."""
        try:
            if held.startswith(self._row):
                return _decode_row(held[self._length :])
            if held.startswith(self._mapping):
                return _decode_mapping(held[self._length :])
            if held.startswith(self._placeholder):
                return _decode_placeholder(held[self._length :])
        except msgspec.DecodeError:
            pass
        return None
