"""The one error type of a service, whatever its transport.

Logic raises a subclass of `ZeroError`. It crosses a gRPC call unharmed and becomes an HTTP problem at the
edge: an `AlreadyExists` raised behind three services is a 409 with its message in front of them.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec


class Code(enum.IntEnum):
    """The status codes of gRPC."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http(self) -> int:
        """The HTTP status that stands for it; the mapping is go-zero's."""
        return _HTTP[self]


_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 408,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}

_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.CANCELLED,
    409: Code.ALREADY_EXISTS,
    429: Code.RESOURCE_EXHAUSTED,
    500: Code.UNKNOWN,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}
"""The way back: of the codes that share a status, the one that is raised most."""


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: str
    """Dotted path of the field in its wire names: ``address.lines[0]``; empty for the request as a whole."""

    message: str
    """What is wrong, for the caller's eyes: ``is required``."""


class ZeroError(Exception):
    """A failure the caller is told about: a code, a message and, for a wrong request, its wrong fields.

    The message is for the caller. Where the code stands for an HTTP status of 500 and above it stays inside:
    the HTTP edge logs it and sends the title of the status alone.
    """

    code: Code = Code.UNKNOWN
    message: str
    fields: tuple[FieldError, ...]

    def __init__(self, message: str = "", *, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fields = tuple(fields)

    @staticmethod
    def of(code: Code, message: str = "", *, fields: Sequence[FieldError] = ()) -> ZeroError:
        """An error of the subclass for ``code``; `Unknown` for ``Code.OK``, which is no failure."""
        return _CLASSES.get(code, Unknown)(message, fields=fields)

    @property
    def status(self) -> int:
        """The HTTP status that the error becomes at the edge."""
        return self.code.http

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}" if self.message else self.code.name


class HttpError(ZeroError):
    """A failure with an HTTP status that no code stands for: ``HttpError(410, "the offer has ended")``.

    ``headers`` go out with it, names in lower case. Over gRPC it is the error of the nearest code.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        fields: Sequence[FieldError] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Raises ValueError when ``status`` is that of no error."""
        if not 400 <= status < 600:
            raise ValueError(f"{status} is not the status of an error")
        super().__init__(message, fields=fields)
        self.code = _CODES.get(status, Code.FAILED_PRECONDITION if status < 500 else Code.UNKNOWN)
        self.headers = tuple(headers)
        self._status = status

    @property
    def status(self) -> int:
        return self._status

    def __str__(self) -> str:
        return f"{self._status}: {self.message}" if self.message else str(self._status)


def error_of(status: int, message: str = "", *, fields: Sequence[FieldError] = ()) -> ZeroError:
    """The error that the HTTP status of an answer stands for; an `HttpError` where no code does."""
    if status in _CODES:
        return ZeroError.of(_CODES[status], message, fields=fields)
    return HttpError(status, message, fields=fields)


class Cancelled(ZeroError):
    """The caller gave the call up."""

    code = Code.CANCELLED


class Unknown(ZeroError):
    """A failure nobody described."""

    code = Code.UNKNOWN


class InvalidArgument(ZeroError):
    """The request is wrong whatever the state of the system; ``fields`` names what is wrong with it."""

    code = Code.INVALID_ARGUMENT


class DeadlineExceeded(ZeroError):
    """Time ran out; whether the call took effect is not known."""

    code = Code.DEADLINE_EXCEEDED


class NotFound(ZeroError):
    """What was asked for does not exist."""

    code = Code.NOT_FOUND


class AlreadyExists(ZeroError):
    """What was to be created exists."""

    code = Code.ALREADY_EXISTS


class PermissionDenied(ZeroError):
    """The caller is known and may not do this."""

    code = Code.PERMISSION_DENIED


class ResourceExhausted(ZeroError):
    """A quota or limit is used up."""

    code = Code.RESOURCE_EXHAUSTED


class FailedPrecondition(ZeroError):
    """The system is not in the state the call needs; a retry alone does not help."""

    code = Code.FAILED_PRECONDITION


class Aborted(ZeroError):
    """The call lost against a concurrent one; a retry of the whole operation may succeed."""

    code = Code.ABORTED


class OutOfRange(ZeroError):
    """The call went past the end of what there is."""

    code = Code.OUT_OF_RANGE


class Unimplemented(ZeroError):
    """The operation is not offered here."""

    code = Code.UNIMPLEMENTED


class Internal(ZeroError):
    """Something this service relies on is broken."""

    code = Code.INTERNAL


class Unavailable(ZeroError):
    """The service cannot answer now; a retry may succeed."""

    code = Code.UNAVAILABLE


class DataLoss(ZeroError):
    """Data is lost or corrupted beyond repair."""

    code = Code.DATA_LOSS


class Unauthenticated(ZeroError):
    """The caller did not prove who it is."""

    code = Code.UNAUTHENTICATED


_CLASSES: dict[Code, type[ZeroError]] = {
    error.code: error
    for error in (
        Cancelled,
        Unknown,
        InvalidArgument,
        DeadlineExceeded,
        NotFound,
        AlreadyExists,
        PermissionDenied,
        ResourceExhausted,
        FailedPrecondition,
        Aborted,
        OutOfRange,
        Unimplemented,
        Internal,
        Unavailable,
        DataLoss,
        Unauthenticated,
    )
}
