"""Errors on the wire: a gRPC status, with the wrong fields of a request as ``google.rpc.BadRequest``.

That is gRPC's richer error model (https://grpc.io/docs/guides/error/), which clients of every language and
tools such as grpcurl understand. Of no transport: how a message is encoded in a trailer is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status

from zero_runtime.errors import Code, FieldError, ZeroError

FAILURES = frozenset(
    (
        Code.DEADLINE_EXCEEDED,
        Code.UNIMPLEMENTED,
        Code.INTERNAL,
        Code.UNAVAILABLE,
        Code.DATA_LOSS,
        Code.RESOURCE_EXHAUSTED,
    )
)
"""What counts against a server for the breakers on both sides; go-zero's choice
(https://github.com/zeromicro/go-zero/blob/master/zrpc/internal/codes/accept.go)."""

DETAILS = "grpc-status-details-bin"
"""The trailer that carries the details."""

# A peer may refuse more than 8 KiB of trailers (gRPC's soft limit). A message travels there twice, once
# percent-encoded at up to three bytes per byte, and the details in base64.
MESSAGE_LIMIT = 1024
DETAILS_LIMIT = 2048


class WireStatus(NamedTuple):
    """What the trailers of a call say."""

    code: int
    message: str
    details: bytes | None
    """Value of the trailer `DETAILS`, a ``google.rpc.Status``; None for no such trailer."""


def wire_status(error: ZeroError) -> WireStatus:
    """How an error crosses. A long message is cut, and of wrong fields those are told that fit."""
    encoded = error.message.encode(errors="replace")  # logic may quote what is no Unicode
    message = encoded[:MESSAGE_LIMIT].decode(errors="ignore")
    if len(encoded) > MESSAGE_LIMIT:
        message += "…"
    if not error.fields:
        return WireStatus(error.code.value, message, None)
    status = Status(code=error.code.value, message=message)
    status.details.add().Pack(BadRequest(field_violations=_fitting(error.fields)))
    return WireStatus(error.code.value, message, status.SerializeToString())


def error_of_wire(code: int, message: str, details: bytes | None = None) -> ZeroError:
    """The error that the peer raised. A code that gRPC does not have is UNKNOWN; details of other makes are
    ignored."""
    try:
        known = Code(code)
    except ValueError:
        known = Code.UNKNOWN
    return ZeroError.of(known, message, fields=_fields(details))


def _fitting(fields: Iterable[FieldError]) -> Iterator[BadRequest.FieldViolation]:
    room = DETAILS_LIMIT
    for field in fields:
        violation = BadRequest.FieldViolation(field=_sent(field.field), description=_sent(field.message))
        room -= violation.ByteSize() + 2
        if room < 0:
            return
        yield violation


def _sent(text: str) -> str:
    return text.encode(errors="replace").decode()


def _fields(details: bytes | None) -> tuple[FieldError, ...]:
    if not details:
        return ()
    try:
        bad = BadRequest()
        if not any(detail.Unpack(bad) for detail in Status.FromString(details).details):
            return ()
    except DecodeError:
        return ()
    return tuple(FieldError(violation.field, violation.description) for violation in bad.field_violations)
