"""Services as generated code describes them: names, kinds, messages and logic, of no transport."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)


class Kind(enum.Enum):
    """How many messages go each way; the names are gRPC's, the request's side first."""

    UNARY_UNARY = (False, False)
    UNARY_STREAM = (False, True)
    STREAM_UNARY = (True, False)
    STREAM_STREAM = (True, True)

    @property
    def request_streams(self) -> bool:
        """Whether the caller sends any number of messages; otherwise it is one."""
        return self.value[0]

    @property
    def response_streams(self) -> bool:
        """Whether the server sends any number of messages; otherwise it is one."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Method:
    """A method bound to its logic."""

    name: str
    """As in the contract: ``Login``."""

    kind: Kind

    handler: Callable[..., Any]
    """The logic, which `kind` tells how to call."""

    request: type[Message]
    response: type[Message]


@dataclass(frozen=True, slots=True)
class Service:
    """A service bound to its logic."""

    name: str
    """Full name in protobuf: ``user.User``."""

    methods: tuple[Method, ...]


def unary_unary(
    name: str,
    handler: Callable[[RequestT], Awaitable[ResponseT]],
    request: type[RequestT],
    response: type[ResponseT],
) -> Method:
    """A method with one request and one response."""
    return Method(name, Kind.UNARY_UNARY, handler, request, response)


def unary_stream(
    name: str,
    handler: Callable[[RequestT], AsyncIterator[ResponseT]],
    request: type[RequestT],
    response: type[ResponseT],
) -> Method:
    """A method with one request and any number of responses."""
    return Method(name, Kind.UNARY_STREAM, handler, request, response)


def stream_unary(
    name: str,
    handler: Callable[[AsyncIterator[RequestT]], Awaitable[ResponseT]],
    request: type[RequestT],
    response: type[ResponseT],
) -> Method:
    """A method with any number of requests and one response."""
    return Method(name, Kind.STREAM_UNARY, handler, request, response)


def stream_stream(
    name: str,
    handler: Callable[[AsyncIterator[RequestT]], AsyncIterator[ResponseT]],
    request: type[RequestT],
    response: type[ResponseT],
) -> Method:
    """A method with any number of requests and responses, in any order."""
    return Method(name, Kind.STREAM_STREAM, handler, request, response)
