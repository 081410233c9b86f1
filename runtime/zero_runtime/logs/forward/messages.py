"""What is sent to a collector and received from it, in MessagePack.

https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from zero_runtime.observability.output import Made, Record, legible, legible_keys

_encode = msgspec.msgpack.Encoder().encode
_decode_json = msgspec.json.Decoder().decode
_encode_json = msgspec.json.Encoder().encode

_HEAD = b"\x92\xd7\x00"
"""What an entry begins with: a list of two, whose first is an EventTime, the extension 0 of 8 bytes: seconds
and nanoseconds."""

Entry = Callable[[Made], bytes]
"""Makes an entry of a line of JSON: its time, and a record."""


class Chunk(msgspec.Struct):
    """Entries that are sent together, and acknowledged together."""

    tag: str
    id: str = msgspec.field(default_factory=lambda: base64.b64encode(os.urandom(16)).decode())
    """The same however often it is sent: a collector may tell by it that it has it already."""

    lines: int = 0
    entries: bytearray = msgspec.field(default_factory=bytearray)

    def add(self, entry: bytes) -> None:
        """Adds an entry."""
        self.entries += entry
        self.lines += 1

    def message(self, *, ack: bool) -> bytes:
        """The message, in the mode PackedForward."""
        options: dict[str, Any] = {"size": self.lines}
        if ack:
            options["chunk"] = self.id
        return _encode((self.tag, self.entries, options))


def entry_with_keys(line: Made) -> bytes:
    """An entry whose record has the keys of the line."""
    if isinstance(line, msgspec.Raw):
        keys = _decode_json(line)
        return _entry(keys["@timestamp"], _packed(keys))
    try:
        record = _encode(line)
    except ValueError:  # text that is no Unicode
        record = _encode(legible_keys(line))
    return _entry(line.time, record)


def entry_with_text(key: str) -> Entry:
    """Makes entries whose record has the line as text, and nothing else."""
    head = b"\x81" + _encode(key)

    def entry(line: Made) -> bytes:
        if isinstance(line, msgspec.Raw):
            text = bytes(line)
            return _entry(_decode_time(text).time, head + _encode(text.decode()))
        try:
            text = _encode_json(line)
        except ValueError:
            text = _encode_json(legible_keys(line))
        return _entry(line.time, head + _encode(text.decode()))

    return entry


_decode_time = msgspec.json.Decoder(Record).decode


def _packed(keys: dict[str, object]) -> bytes:
    try:
        return _encode(keys)
    except OverflowError:  # a number of more than 64 bits
        return _encode({key: legible(value) for key, value in keys.items()})


def _entry(time: str, record: bytes) -> bytes:
    moment = datetime.fromisoformat(time)
    place = int(moment.timestamp()) << 32 | moment.microsecond * 1000
    return _HEAD + place.to_bytes(8, "big") + record


def ping(host: str, salt: str, nonce: bytes, key: str, login: tuple[bytes, str, str] | None) -> bytes:
    """The client's part of the handshake, which proves that it knows the key. ``login`` is what the collector
    gave for it, and a user and a password."""
    user = proof = ""
    if login is not None:
        auth, user, password = login
        proof = digest(auth, user.encode(), password.encode())
    # Collectors take the salt for text.
    return _encode(
        ("PING", host, salt, digest(salt.encode(), host.encode(), nonce, key.encode()), user, proof)
    )


def digest(*parts: bytes) -> str:
    """What proves the knowledge of a secret among the parts."""
    return hashlib.sha512(b"".join(parts)).hexdigest()


class Incomplete(Exception):
    """A message has not arrived as a whole."""


def read(data: bytes | bytearray, at: int = 0) -> tuple[Any, int]:
    """The value that begins there, and where the next one does; texts as bytes, for collectors send random
    bytes as text, which msgspec refuses.

    Raises `Incomplete`; ValueError for what no collector sends.
    """
    head = _bytes(data, at, 1)[0]
    at += 1
    if head < 0x80:
        return head, at
    if head < 0x90:
        return _map(data, at, head & 0x0F)
    if head < 0xA0:
        return _list(data, at, head & 0x0F)
    if head < 0xC0:
        return _text(data, at, head & 0x1F)
    if head >= 0xE0:
        return head - 0x100, at
    if head in _CONSTANTS:
        return _CONSTANTS[head], at
    if head in _NUMBERS:
        size, signed = _NUMBERS[head]
        return int.from_bytes(_bytes(data, at, size), "big", signed=signed), at + size
    if head in _SIZED:
        width, rest = _SIZED[head]
        return rest(data, at + width, int.from_bytes(_bytes(data, at, width), "big"))
    raise ValueError(f"a message that has the type {head:#x} in it")


def _bytes(data: bytes | bytearray, at: int, size: int) -> bytes:
    if len(data) < at + size:
        raise Incomplete
    return bytes(data[at : at + size])


def _text(data: bytes | bytearray, at: int, size: int) -> tuple[bytes, int]:
    return _bytes(data, at, size), at + size


def _list(data: bytes | bytearray, at: int, size: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(size):
        value, at = read(data, at)
        values.append(value)
    return values, at


def _map(data: bytes | bytearray, at: int, size: int) -> tuple[dict[Any, Any], int]:
    flat, at = _list(data, at, 2 * size)
    if not all(isinstance(key, bytes) for key in flat[::2]):
        raise ValueError("a message that has a map without names in it")
    return dict(zip(flat[::2], flat[1::2], strict=True)), at


_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = {
    **{0xCC + power: (1 << power, False) for power in range(4)},
    **{0xD0 + power: (1 << power, True) for power in range(4)},
}
_SIZED: dict[int, tuple[int, Callable[[bytes | bytearray, int, int], tuple[Any, int]]]] = {
    **{0xC4 + power: (1 << power, _text) for power in range(3)},
    **{0xD9 + power: (1 << power, _text) for power in range(3)},
    **{0xDC + power: (2 << power, _list) for power in range(2)},
    **{0xDE + power: (2 << power, _map) for power in range(2)},
}
