"""What the gateway says no with, before logic hears of a request."""

from __future__ import annotations

from collections.abc import Sequence

from zero_runtime.errors import FieldError, HttpError, InvalidArgument, Unauthenticated
from zero_runtime.explain import Wrong, dotted


class Refusal(HttpError):
    """A request is refused for a reason of HTTP's own, which is told whatever its status."""

    def __init__(
        self, status: int, message: str, *, headers: Sequence[tuple[bytes, bytes]] = (), text: str = ""
    ) -> None:
        """``text`` is go-zero's body for it, sent in place of ``message`` where errors are plain text."""
        super().__init__(status, message, headers=headers)
        self.text = text


class TokenRequired(Unauthenticated):
    """The request carries no token."""


class InvalidToken(Unauthenticated):
    """The request carries a token, and the token is no good."""


class BadRequest(InvalidArgument):
    """A request does not fit the type that its handler takes."""

    def __init__(self, wrongs: Sequence[Wrong]) -> None:
        """``wrongs`` is all that is wrong, in the order of binding; there is something in it."""
        fields = [FieldError(dotted(wrong.path), wrong.message) for wrong in wrongs]
        super().__init__(_summary(fields), fields=fields)
        self.wrongs = tuple(wrongs)


def _summary(fields: Sequence[FieldError]) -> str:
    if len(fields) > 1:
        return f"{len(fields)} fields are wrong"
    return f"{fields[0].field}: {fields[0].message}".removeprefix(": ")
