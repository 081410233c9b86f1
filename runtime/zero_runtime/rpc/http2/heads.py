"""The heads of requests: what call a block of header fields asks for."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from zero_runtime.errors import Internal, ResourceExhausted, Unimplemented, ZeroError
from zero_runtime.rpc.http2.fields import Decoder, Field
from zero_runtime.rpc.server.call import Metadata
from zero_runtime.rpc.server.pipeline import Handler

K = TypeVar("K")
V = TypeVar("V")

HEAD_LIMIT = 16384
"""Bytes that the fields of a head may have in total; grpc-core's hard limit."""

ENCODINGS = ("identity", "gzip", "deflate")

_KNOWN_HEADS = 256
"""How many heads one connection has remembered for it."""

_KNOWN_SIZE = 1024
"""Bytes that a block may have to be remembered."""

_VARYING = frozenset((b"grpc-timeout", b"traceparent", b"tracestate"))
"""Fields that differ from one call of a method to the next."""

_PSEUDO = frozenset((b":method", b":scheme", b":path", b":authority"))
_NEEDED = (b":method", b":scheme", b":path")
_CONNECTION = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))
"""Fields of HTTP/1 that HTTP/2 does not have (RFC 9113, section 8.2.2)."""

_OWN = frozenset((b"content-type", b"te", b"content-length"))
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-z]+")
_UNFIT = re.compile(rb"[\0\r\n]")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_TIMEOUT = re.compile(rb"([0-9]{1,8})([HMSmun])")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_CONTENT = b"application/grpc"


class Malformed(Exception):
    """The head of a request is none of HTTP/2."""


class Refusal(msgspec.Struct, frozen=True):
    """The answer to a request that is no call of a method here."""

    error: ZeroError
    status: int = 200
    """Of HTTP, for peers that do not speak gRPC."""


class Head(msgspec.Struct, frozen=True):
    """What a head says."""

    handler: Handler
    metadata: Metadata
    timeout: float | None
    """Seconds."""
    encoding: str
    length: int | None
    """Bytes that follow, from those few who say it."""


class Heads:
    """Reads the heads of the requests of one connection.

    A client that calls a method again sends, most of the time, the same bytes again, which mean the same as
    long as the table of its encoder has not changed.
    """

    def __init__(self, handlers: Mapping[bytes, Handler]) -> None:
        self._handlers = handlers
        self._decoder = Decoder(HEAD_LIMIT)
        self._blocks: dict[bytes, Head] = {}
        self._heads: dict[tuple[Field, ...], Head | Refusal] = {}

    def read(self, block: bytes) -> Head | Refusal:
        """Raises Malformed, and Broken when the connection is of no more use."""
        head = self._blocks.get(block)
        if head is not None:
            return head
        fields = self._decode(block)
        if fields is None:
            return Refusal(ResourceExhausted(f"the metadata of the call may have at most {HEAD_LIMIT} bytes"))
        found = self._find(fields, keep=len(block) <= _KNOWN_SIZE)
        if isinstance(found, Head) and not self._decoder.changed and len(block) <= _KNOWN_SIZE:
            _keep(self._blocks, block, found)
        return found

    def read_trailers(self, block: bytes) -> None:
        """Reads what comes after a request: nothing that gRPC has a meaning for. Raises as `read`."""
        for name, _ in self._decode(block) or ():
            if name[:1] == b":" or not _NAME.fullmatch(name):
                raise Malformed

    def _decode(self, block: bytes) -> list[Field] | None:
        fields = self._decoder.decode(block)
        if self._decoder.changed:
            self._blocks.clear()
        return fields

    def _find(self, fields: Iterable[Field], *, keep: bool) -> Head | Refusal:
        """What fields say, most of which may be known. Those of ``keep`` are known from now on."""
        same: list[Field] = []
        varying: list[Field] = []
        for field in fields:
            if field[0] in _VARYING:
                varying.append(field)
            elif varying and field[0][:1] == b":":
                raise Malformed
            else:
                same.append(field)
        key = tuple(same)
        head = self._heads.get(key)
        if head is None:
            head = _head(same, self._handlers)
            if keep:
                _keep(self._heads, key, head)
        return _completed(head, varying) if varying and isinstance(head, Head) else head


def _keep(known: dict[K, V], key: K, value: V) -> None:
    if len(known) >= _KNOWN_HEADS:
        known.clear()
    known[key] = value


def _completed(head: Head, varying: Iterable[Field]) -> Head | Refusal:
    """A head with those of its fields that vary. Raises Malformed."""
    timeout: float | None = None
    metadata = list(head.metadata)
    for name, value in varying:
        if _UNFIT.search(value):
            raise Malformed
        if name == b"grpc-timeout":
            try:
                timeout = _timeout(value)
            except ValueError as error:
                return Refusal(Internal(str(error)))
        else:
            metadata.append((name.decode("ascii"), value.decode("latin-1")))
    return Head(head.handler, tuple(metadata), timeout, head.encoding, head.length)


def _head(fields: Iterable[Field], handlers: Mapping[bytes, Handler]) -> Head | Refusal:
    """What the header fields of a request say, but for those that vary. Raises Malformed."""
    own: dict[bytes, bytes] = {}
    rest: list[Field] = []
    regular = False
    for field in fields:
        name, value = field
        if name[:1] == b":":
            if regular or name not in _PSEUDO or name in own:
                raise Malformed
            own[name] = value
            continue
        regular = True
        if not _NAME.fullmatch(name) or _UNFIT.search(value) or name in _CONNECTION:
            raise Malformed
        if name in _OWN or name[:5] == b"grpc-":
            own[name] = value
        else:
            rest.append(field)
    if not all(own.get(name) for name in _NEEDED) or own.get(b"te", b"trailers") != b"trailers":
        raise Malformed
    length = own.get(b"content-length")
    if length is not None and not _LENGTH.fullmatch(length):
        raise Malformed
    refusal = _unfit(own)
    if refusal is not None:
        return refusal
    path = own[b":path"]
    handler = handlers.get(path)
    if handler is None:
        return Refusal(Unimplemented(f"there is no method {path.decode('latin-1')} here"))
    try:
        metadata = tuple(pair for name, value in rest for pair in _metadata(name, value))
    except ValueError as error:
        return Refusal(Internal(str(error)))
    encoding = own.get(b"grpc-encoding", b"identity").decode("latin-1")
    if encoding not in ENCODINGS:
        accepted = ", ".join(ENCODINGS)
        return Refusal(Unimplemented(f"requests compressed by {encoding!r} are not taken: {accepted} are"))
    return Head(handler, metadata, None, encoding, None if length is None else int(length))


def _unfit(own: Mapping[bytes, bytes]) -> Refusal | None:
    """Why a request is none of gRPC."""
    method = own[b":method"]
    if method != b"POST":
        return Refusal(Internal(f"calls of gRPC are POST requests, this is {method.decode('latin-1')}"), 405)
    content = own.get(b"content-type", b"")
    if not content.startswith(_CONTENT) or content[len(_CONTENT) :][:1] not in (b"", b"+", b";"):
        found = content.decode("latin-1") or "nothing"
        return Refusal(
            Internal(f"calls of gRPC have the content-type application/grpc, this has {found}"), 415
        )
    if b"te" not in own:
        return Refusal(Internal("the call has no `te: trailers`: something on the way may drop trailers"))
    return None


def _timeout(value: bytes) -> float:
    """Seconds. Raises ValueError."""
    match = _TIMEOUT.fullmatch(value)
    if match is None:
        raise ValueError(f"{value.decode('latin-1')!r} is no grpc-timeout")
    return int(match[1]) * _SECONDS[match[2]]


def _metadata(name: bytes, value: bytes) -> list[tuple[str, str | bytes]]:
    """A field as logic sees it. Raises ValueError."""
    key = name.decode("ascii")
    if not key.endswith("-bin"):
        return [(key, value.decode("latin-1"))]
    try:
        # Padding may be left out, and several values share a field.
        return [
            (key, base64.b64decode(part + b"=" * (-len(part) % 4), validate=True))
            for part in (each.strip() for each in value.split(b","))
        ]
    except binascii.Error:
        raise ValueError(f"the value of {key} is not base64") from None
