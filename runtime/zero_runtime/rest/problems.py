"""Errors as ``application/problem+json`` (RFC 9457), with the wrong fields of a request in ``errors``."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from zero_runtime.errors import FieldError, Unauthenticated, ZeroError
from zero_runtime.rest.message import Response

_TITLES = {413: "Content Too Large"}  # its name since RFC 9110; the standard library has it from 3.13 on


class Refusal(Exception):
    """A request is refused for a reason of HTTP's own, which no `errors.Code` stands for."""

    def __init__(self, status: int, detail: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(detail)
        self.response = problem(status, detail, headers=headers)


class InvalidToken(Unauthenticated):
    """The request carries a token, and the token is no good."""


class _Problem(msgspec.Struct):
    type: str
    title: str
    status: int
    detail: str | msgspec.UnsetType = msgspec.UNSET
    errors: tuple[FieldError, ...] | msgspec.UnsetType = msgspec.UNSET


_encode = msgspec.json.Encoder().encode


def problem(
    status: int,
    detail: str = "",
    *,
    fields: tuple[FieldError, ...] = (),
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Response:
    """A response that says what went wrong."""
    title = _TITLES.get(status) or HTTPStatus(status).phrase
    body = _Problem("about:blank", title, status, detail or msgspec.UNSET, fields or msgspec.UNSET)
    return Response(status, _encode(body), ((b"content-type", b"application/problem+json"), *headers))


def problem_of(error: ZeroError) -> Response:
    """The response to a request that failed with ``error``; from status 500 on it tells nothing of it."""
    status = error.code.http
    if status >= 500:
        return problem(status)
    headers = ((b"www-authenticate", _challenge(error)),) if status == 401 else ()
    return problem(status, error.message, fields=error.fields, headers=headers)


def _challenge(error: ZeroError) -> bytes:
    """RFC 6750 §3: ``error`` is given only to those who sent a token."""
    return b'Bearer error="invalid_token"' if isinstance(error, InvalidToken) else b"Bearer"
