"""Errors on the wire: a gRPC status, with the wrong fields of a request as ``google.rpc.BadRequest``.

That is gRPC's richer error model (https://grpc.io/docs/guides/error/), which clients of every language and
tools such as grpcurl understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from grpc.aio import AioRpcError, Metadata

from zero_runtime.errors import Code, FieldError, ZeroError

DETAILS = "grpc-status-details-bin"

# A peer may refuse more than 8 KiB of trailers (gRPC's soft limit). A message travels there twice, once
# percent-encoded at up to three bytes per byte, and the details in base64.
MESSAGE_LIMIT = 1024
DETAILS_LIMIT = 2048

_STATUSES = {status.value[0]: status for status in grpc.StatusCode}
_CODES = {_STATUSES[code.value]: code for code in Code}


def grpc_code(error: ZeroError) -> grpc.StatusCode:
    return _STATUSES[error.code.value]


def grpc_message(error: ZeroError) -> str:
    encoded = error.message.encode()
    if len(encoded) <= MESSAGE_LIMIT:
        return error.message
    return encoded[:MESSAGE_LIMIT].decode(errors="ignore") + "…"


def grpc_trailers(error: ZeroError) -> tuple[tuple[str, bytes], ...]:
    """The trailers that carry what code and message cannot: the wrong fields, as many as fit."""
    if not error.fields:
        return ()
    status = Status(code=error.code.value, message=grpc_message(error))
    status.details.add().Pack(BadRequest(field_violations=_fitting(error.fields)))
    return ((DETAILS, status.SerializeToString()),)


def zero_error(error: AioRpcError) -> ZeroError:
    """The error that the server raised, or the one that gRPC reports for itself."""
    return ZeroError.of(
        _CODES[error.code()], error.details() or "", fields=_fields(error.trailing_metadata())
    )


def _fitting(fields: Iterable[FieldError]) -> Iterator[BadRequest.FieldViolation]:
    room = DETAILS_LIMIT
    for field in fields:
        violation = BadRequest.FieldViolation(field=field.field, description=field.message)
        room -= violation.ByteSize() + 2
        if room < 0:
            return
        yield violation


def _fields(trailers: Metadata | None) -> tuple[FieldError, ...]:
    encoded = trailers.get(DETAILS) if trailers else None
    if not isinstance(encoded, bytes):
        return ()
    try:
        bad = BadRequest()
        if not any(detail.Unpack(bad) for detail in Status.FromString(encoded).details):
            return ()
    except DecodeError:
        return ()
    return tuple(FieldError(violation.field, violation.description) for violation in bad.field_violations)
