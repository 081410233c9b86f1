"""Errors as ``application/problem+json`` (RFC 9457), with the wrong fields of a request in ``errors``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import msgspec

from zero_runtime.errors import FieldError, HttpError, ZeroError
from zero_runtime.rest.message import Response
from zero_runtime.rest.plain import as_text
from zero_runtime.rest.refusal import InvalidToken, Refusal

MEDIA_TYPE = b"application/problem+json"

Render = Callable[[ZeroError], Response]
"""What makes the response to a request that failed."""

_TITLES = {413: "Content Too Large"}  # its name since RFC 9110; the standard library has it from 3.13 on


class Problem(msgspec.Struct):
    """The members of RFC 9457 that are used here, and the wrong fields."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str | msgspec.UnsetType = msgspec.UNSET
    errors: tuple[FieldError, ...] | msgspec.UnsetType = msgspec.UNSET


_encode = msgspec.json.Encoder().encode


def as_problem(error: ZeroError) -> Response:
    """The response to a request that failed with ``error``; from status 500 on it tells nothing of it but
    what the gateway itself has to say."""
    headers = [(b"content-type", MEDIA_TYPE)]
    if error.status == 401:
        headers.append((b"www-authenticate", _challenge(error)))
    if isinstance(error, HttpError):
        headers += error.headers
    return Response(error.status, problem_body(error), headers)


def problem_body(error: ZeroError) -> bytes:
    """The JSON text that tells of an error."""
    problem = Problem(title=_title(error.status), status=error.status)
    if error.status < 500 or isinstance(error, Refusal):
        problem.detail = error.message or msgspec.UNSET
        problem.errors = error.fields or msgspec.UNSET
    return _encode(problem)


RENDERERS: Mapping[str, Render] = MappingProxyType({"problem": as_problem, "text": as_text})
"""By their names in the configuration."""


def _title(status: int) -> str:
    try:
        return _TITLES.get(status) or HTTPStatus(status).phrase
    except ValueError:  # a status that is nobody's
        return "Error"


def _challenge(error: ZeroError) -> bytes:
    """RFC 6750 §3: ``error`` is given only to those who sent a token."""
    return b'Bearer error="invalid_token"' if isinstance(error, InvalidToken) else b"Bearer"
