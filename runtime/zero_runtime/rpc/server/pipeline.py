"""One call from its head to its status: everything of gRPC that is not the transport's.

What is around logic, the outermost first, in the order and by the names of zrpc: trace, recover, stat,
prometheus, limit of concurrent calls, breaker, shedding, timeout, auth, rate limits. It is put together once
per method, so that a call pays for what is on; the first ones work when the head of a call has arrived,
before there is a task for it: so refusing a call is cheap, and calls that wait count as being served.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError, Message

from zero_runtime.deadline import Alarms, cancelled_from_outside, served_until
from zero_runtime.errors import (
    Code,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    ResourceExhausted,
    Unavailable,
    Unknown,
    ZeroError,
)
from zero_runtime.observability.trace import enter
from zero_runtime.resilience import Rejected
from zero_runtime.rpc.server.call import Metadata, ServedCall, host, served_call
from zero_runtime.rpc.service import Method
from zero_runtime.rpc.status import FAILURES

if TYPE_CHECKING:
    from zero_runtime.observability.rpc import MethodObserver
    from zero_runtime.resilience import Guard
    from zero_runtime.rpc.server.auth import Auth

Write = Callable[[bytes], Awaitable[None]]
"""Sends a message to the caller; waits while the caller takes none."""

_log = logging.getLogger("zero.rpc")


class Handler:
    """Serves the calls of one method. For the transports; see `Transport` for how they use it."""

    __slots__ = (
        "_alarms",
        "_auth",
        "_guard",
        "_largest",
        "_limit",
        "_logic",
        "_loop",
        "_observer",
        "_recover",
        "_request",
        "_response",
        "_visits",
        "kind",
        "path",
    )

    def __init__(
        self,
        path: str,
        method: Method,
        alarms: Alarms,
        *,
        limit: float | None = None,
        largest: int = 0,
        observer: MethodObserver | None = None,
        guard: Guard | None = None,
        auth: Auth | None = None,
        recover: bool = True,
    ) -> None:
        """``limit`` is how long a call may take, in seconds; None for no limit but the callers'. ``largest``
        is how many bytes a response may have; 0 for no limit."""
        self.path = path
        self.kind = method.kind
        self._logic = method.handler
        self._request = method.request
        self._response = method.response
        self._alarms = alarms
        self._loop = alarms.loop
        self._limit = limit
        self._largest = largest
        self._observer = observer
        self._guard = guard
        self._auth = auth
        self._visits = auth is not None or (guard is not None and guard.limits)
        self._recover = recover

    @property
    def is_overloaded(self) -> bool:
        """Whether calls had better wait for their turn, so that the shedder sees how many there are."""
        return self._guard is not None and self._guard.is_overloaded

    def begin(self, metadata: Metadata, timeout: float | None, peer: str) -> ServedCall:
        """Admits a call whose head has arrived; ``timeout`` is its caller's, in seconds.

        Raises `ZeroError` when it is refused; the call has ended then. Never waits.
        """
        observer = self._observer
        observed = None if observer is None else observer.begin(metadata, peer)
        limit = self._limit
        if timeout is not None and (limit is None or timeout < limit):
            limit = timeout
        until = None if limit is None else self._loop.time() + limit
        call = ServedCall(self.path, metadata, peer, timeout, until, observed)
        if limit is not None and limit <= 0:
            self._end(call, Code.DEADLINE_EXCEEDED)
            raise _Expired(call.path)
        if self._guard is not None:
            try:
                call.entry = self._guard.enter()
            except Rejected as rejected:
                refusal = _refusal(rejected)
                self._end(call, refusal.code)
                raise refusal from None
        return call

    async def unary(self, call: ServedCall, payload: bytes, task: asyncio.Task[Any] | None = None) -> bytes:
        """The response to the one request of a UNARY_UNARY call. Raises `ZeroError`.

        ``task`` is the present one, for those who know it: Python 3.11 takes its time to find out.
        `asyncio.CancelledError` passes when the transport has cancelled the task.
        """
        until = call.until
        if until is not None:
            task = task or asyncio.current_task()
            assert task is not None, "calls are served in tasks"
            self._alarms.add(task, until)
        try:
            self._enter(call)
            if self._visits:
                await self._admit(call)
            answer = self._encoded(await self._logic(self._decoded(payload)))
        except BaseException as error:
            raise self._failure(call, error, self._stopped(task, until)) from None
        self._stopped(task, until)
        self._end(call, Code.OK)
        return answer

    async def stream(
        self,
        call: ServedCall,
        requests: AsyncIterator[bytes],
        write: Write,
        task: asyncio.Task[Any] | None = None,
    ) -> None:
        """Serves a call of the other three kinds: takes its requests, writes its responses. Raises as
        `unary`.

        ``requests`` raises what is wrong with them as `ZeroError`. The status of a call whose handler has
        returned is OK.
        """
        until = call.until
        if until is not None:
            task = task or asyncio.current_task()
            assert task is not None, "calls are served in tasks"
            self._alarms.add(task, until)
        try:
            self._enter(call)
            if self._visits:
                await self._admit(call)
            messages = _Messages(requests, self._decoded)
            given = messages if self.kind.request_streams else await _only(messages)
            if self.kind.response_streams:
                await self._write_all(self._logic(given), write)
            else:
                await write(self._encoded(await self._logic(given)))
        except BaseException as error:
            raise self._failure(call, error, self._stopped(task, until)) from None
        self._stopped(task, until)
        self._end(call, Code.OK)

    def abandon(self, call: ServedCall, error: ZeroError | None = None) -> None:
        """Ends a call before `unary` or `stream` has begun: because its caller has left, or with an error
        that the transport answers."""
        self._end(call, Code.CANCELLED if error is None else error.code)

    def overdue(self, call: ServedCall) -> ZeroError:
        """What a call is answered whose time is up."""
        limit = self._limit
        if limit is None or (call.timeout is not None and call.timeout < limit):
            return DeadlineExceeded(f"{call.path}: the deadline of its caller has passed")
        failure = DeadlineExceeded(f"{call.path} took longer than {limit:g} s")
        _log.error("%s", failure.message)
        return failure

    def _enter(self, call: ServedCall) -> None:
        """Tells the present task what it serves. Raises when the call has waited for too long."""
        served_call.set(call)
        until = call.until
        served_until.set(until)
        if call.observed is not None and call.observed.span is not None:
            enter(call.observed.span)
        if until is not None and until <= self._loop.time():
            raise _Expired(call.path)

    async def _admit(self, call: ServedCall) -> None:
        """The stages that may have to ask Redis."""
        caller = None if self._auth is None else await self._auth.check(call)
        if self._guard is not None and self._guard.limits:
            await self._guard.limit(caller or host(call.peer))

    async def _write_all(self, responses: AsyncIterator[Message], write: Write) -> None:
        try:
            async for response in responses:
                await write(self._encoded(response))
        finally:
            close = getattr(responses, "aclose", None)
            if close is not None:  # what logic cleans up must not wait for the garbage collector
                await close()

    def _decoded(self, payload: bytes) -> Message:
        try:
            return self._request.FromString(payload)
        except DecodeError:
            name = self._request.DESCRIPTOR.full_name
            raise InvalidArgument(f"the request is not a `{name}`") from None

    def _encoded(self, response: Message) -> bytes:
        if response.__class__ is not self._response:
            found, expected = type(response).__name__, self._response.DESCRIPTOR.full_name
            raise TypeError(f"the logic returned a {found}, not a `{expected}`")
        payload = response.SerializeToString()
        if 0 < self._largest < len(payload):
            raise ResourceExhausted(
                f"a response may have at most {self._largest} bytes, this has {len(payload)}"
            )
        return payload

    def _stopped(self, task: asyncio.Task[Any] | None, until: float | None) -> bool:
        """Stops the time of a call; returns whether it was up."""
        if until is None or task is None or self._alarms.discard(task, until):
            return False
        task.uncancel()
        return True

    def _failure(self, call: ServedCall, error: BaseException, late: bool) -> BaseException:
        """Ends a call that has failed; returns what its caller is told."""
        failure = self._described(call, error, late)
        if isinstance(failure, ZeroError):
            code = failure.code
        else:
            over = call.until is not None and call.until <= self._loop.time()
            code = Code.DEADLINE_EXCEEDED if over else Code.CANCELLED
        if call.entry is not None:
            call.entry.leave(_verdict(error, code))
        if call.observed is not None:
            call.observed.end(code)
        return failure

    def _described(self, call: ServedCall, error: BaseException, late: bool) -> BaseException:
        if isinstance(error, ZeroError):
            if error.code.http >= 500 and not isinstance(error, _Expired):
                _log.error("%s: %s", call.path, error, exc_info=error.__cause__)
            return error
        if isinstance(error, asyncio.CancelledError):
            if cancelled_from_outside():
                return error
            if late:
                return self.overdue(call)
        elif isinstance(error, Rejected):
            return _refusal(error)
        elif not isinstance(error, Exception):
            return error
        _log.error("%s failed", call.path, exc_info=error)
        if self._recover:
            return Internal("internal error")
        return Unknown(str(error) or type(error).__name__)

    def _end(self, call: ServedCall, code: Code) -> None:
        if call.entry is not None:
            call.entry.leave(_went_well(code))
        if call.observed is not None:
            call.observed.end(code)


def _went_well(code: Code) -> bool | None:
    """Whether a method did what it should; None when its caller left before that could be told."""
    return None if code is Code.CANCELLED else code not in FAILURES


def _verdict(error: BaseException, code: Code) -> bool | None:
    """The same of a method that raised ``error``, which is told as ``code``."""
    if isinstance(error, Rejected) and error.reason == "rate":
        return None  # that a caller has used up its rate tells nothing of the method
    if isinstance(error, Exception) and not isinstance(error, ZeroError | Rejected):
        return False
    return _went_well(code)


class _Messages:
    """The requests of a call, decoded as they come."""

    __slots__ = ("_decoded", "_next")

    def __init__(self, requests: AsyncIterator[bytes], decoded: Callable[[bytes], Message]) -> None:
        self._next = requests.__anext__
        self._decoded = decoded

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        return self._decoded(await self._next())


async def _only(messages: AsyncIterator[Message]) -> Message:
    """The one request of a call whose caller sends one."""
    async for message in messages:
        return message
    raise InvalidArgument("the call has no request")


class _Expired(DeadlineExceeded):
    """The time of a call was up before its turn came; not worth a line of the log in a server that is
    overloaded."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: its time was up before its turn came")


def _refusal(rejected: Rejected) -> ZeroError:
    if rejected.reason == "breaker":
        return Unavailable(str(rejected))
    return ResourceExhausted(str(rejected))
