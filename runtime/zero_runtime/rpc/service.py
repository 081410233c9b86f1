"""Services as generated code describes them: names and functions from bytes to bytes, of no transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from zero_runtime.errors import InvalidArgument

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


@dataclass(frozen=True, slots=True)
class Method:
    """A method bound to its logic."""

    name: str
    """As in the contract: ``Login``."""

    call: Callable[[bytes], Awaitable[bytes]]
    """Takes a serialized request and returns the serialized response."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service bound to its logic."""

    name: str
    """Full name in protobuf: ``user.User``."""

    methods: tuple[Method, ...]


def unary(
    name: str,
    handler: Callable[[RequestT], Awaitable[ResponseT]],
    request: type[RequestT],
    response: type[ResponseT],
) -> Method:
    """A method with one request and one response."""

    async def call(payload: bytes) -> bytes:
        try:
            message = request.FromString(payload)
        except DecodeError as error:
            raise InvalidArgument(f"the request is not a `{request.DESCRIPTOR.full_name}`") from error
        answer = await handler(message)
        if not isinstance(answer, response):
            found = type(answer).__name__
            raise TypeError(f"the logic returned a {found}, not a `{response.DESCRIPTOR.full_name}`")
        return answer.SerializeToString()

    return Method(name, call)
