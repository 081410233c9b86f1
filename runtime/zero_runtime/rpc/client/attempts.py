"""One call on its way: the time it has, the servers it was tried at, and what is told of it in the end."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from zero_runtime.deadline import time_left
from zero_runtime.errors import Code, DeadlineExceeded, Unavailable, ZeroError
from zero_runtime.resilience.rejection import Rejected
from zero_runtime.rpc.client.backend import Backend, CallFailed
from zero_runtime.rpc.client.options import CallOptions, checked
from zero_runtime.rpc.status import FAILURES

if TYPE_CHECKING:
    from zero_runtime.rpc.client.calls import Calls

_EARLY = 0.05
"""Seconds by which gRPC's clock and ours may differ on when a deadline is over."""


class Attempts:
    """The attempts of one call.

    After `allow` each attempt is `begin` with a server from `pick` or `wait`, and one of `succeeded` and
    `failed`. Whatever is raised goes to `over`.
    """

    __slots__ = (
        "_allowed",
        "_backend",
        "_begun",
        "_calls",
        "_deadline",
        "_hash_key",
        "_last",
        "_limit",
        "_made",
        "_observed",
        "_reasons",
        "_since",
        "_streams",
        "_tried",
        "metadata",
    )

    def __init__(self, calls: Calls[Any], options: CallOptions, *, streams: bool) -> None:
        """``streams`` is for calls of which a server may say nothing for as long as it likes: they have no
        limit but that of the options, and tell nothing of its speed."""
        self._calls = calls
        self._streams = streams
        timeout = None if streams else calls.timeout
        metadata: tuple[tuple[str, str | bytes], ...] = calls.metadata
        self._hash_key = ""
        if options:
            timeout = options.get("timeout", timeout)
            metadata += checked(options.get("metadata", ()))
            self._hash_key = options.get("hash_key", "")
        observer = calls.observer
        self._observed = observed = None if observer is None else observer.begin()
        if observed is not None:
            metadata += observed.carried
        self.metadata = metadata
        self._limit = limit = time_left(timeout)
        self._deadline = None if limit is None else monotonic() + limit
        self._backend: Backend | None = None
        self._tried: tuple[Backend, ...] = ()
        self._reasons: tuple[str, ...] = ()
        self._allowed = False
        """Whether the breaker is to be told how it ends."""
        self._begun = False
        """Whether a stream has begun to answer."""
        self._last = False
        """Whether the attempt is bound to fail, and only made to learn why."""
        self._made = 0

    @property
    def left(self) -> float | None:
        """Seconds until the deadline; None when there is none."""
        return None if self._deadline is None else max(self._deadline - monotonic(), 0.0)

    def allow(self) -> None:
        """Raises `ZeroError` when no attempt shall be made."""
        calls = self._calls
        if self._limit is not None and self._limit <= 0:
            raise DeadlineExceeded(f"{calls.servers.target}: no time is left to call {calls.path}")
        if calls.breaker is not None:
            try:
                calls.breaker.allow()
            except Rejected as rejected:
                why = f"{calls.servers.target}: {calls.path} is not called: {rejected.message}"
                raise Unavailable(why) from None
            self._allowed = True
        calls.retry.budget.call()

    def pick(self) -> Backend | None:
        """A server for the next attempt; None when none is connected that was not tried."""
        return self._calls.servers.pick(self._hash_key, self._tried)

    async def wait(self) -> Backend:
        """Waits for a server, which may be one that was tried. Raises Unavailable when none comes in time."""
        left, timeout = self.left, self._calls.timeout
        limit = left if timeout is None else timeout if left is None else min(left, timeout)
        backend = await self._calls.servers.wait(self._hash_key, limit, under_way=self._made > 0)
        self._last = not backend.ready
        return backend

    def begin(self, backend: Backend) -> None:
        """The next attempt goes there."""
        self._backend = backend
        self._made += 1
        self._since = monotonic()
        backend.load.in_flight += 1

    def begun(self) -> None:
        """A stream has answered, which is all that counts: how long it lasts is up to those who hold it."""
        if not self._begun:
            self._begun = True
            self._sample(ok=True)
            self._mark(ok=True)

    def succeeded(self) -> None:
        """The attempt went well, and the call with it."""
        self._leave(ok=True)
        self._mark(ok=True)
        if self._observed is not None:
            self._observed.end(Code.OK)

    def failed(self, failure: CallFailed, *, final: bool = False) -> float:
        """Seconds before the next attempt; raises `ZeroError` if there is none, as after a ``final`` one."""
        backend = self._leave(ok=failure.error.code not in FAILURES)
        servers, retry = self._calls.servers, self._calls.retry
        told = failure.told
        if failure.error.code is Code.DEADLINE_EXCEEDED:
            # The server says so too, and may be the quicker one; or it means a deadline of its own.
            told = self._is_early()
        if not told:
            place = "" if backend.address == servers.target else f"{backend.address}: "
            self._reasons += (f"{place}{self._reason(failure)}",)
        if not (final or self._begun or self._last):
            pause = retry.pause(failure, self._made, idempotent=self._calls.idempotent)
            left = self.left
            if pause is not None and (left is None or pause < left):
                self._tried += (backend,)
                return pause
        if told:
            raise failure.error from None
        raise ZeroError.of(failure.error.code, f"{servers.target}: {'; '.join(self._reasons)}") from None

    def given_up(self) -> None:
        """The caller ends the call: whatever it raises is none of the server's faults."""
        self._allowed = False

    def over(self, error: BaseException) -> None:
        """The call has ended with an error, or was left."""
        refused = self._calls.breaker is not None and not self._allowed and not self._made
        if self._backend is not None:
            # That it would have taken longer is all that is known.
            if not self._streams and (monotonic() - self._since) * 1e9 > self._backend.load.latency:
                self._sample(ok=True)
            self._backend.load.in_flight -= 1
        code, message = Code.CANCELLED, ""
        if isinstance(error, ZeroError):
            code, message = error.code, error.message
            self._mark(ok=code not in FAILURES)
        elif isinstance(error, Exception):
            code, message = Code.UNKNOWN, str(error)
        if self._observed is not None:
            self._observed.end(code, message, refused=refused)

    def _leave(self, *, ok: bool) -> Backend:
        """The attempt is over."""
        if not self._begun:
            self._sample(ok=ok)
        backend = self._backend
        assert backend is not None
        backend.load.in_flight -= 1
        self._backend = None
        return backend

    def _sample(self, *, ok: bool) -> None:
        assert self._backend is not None
        now = monotonic()
        self._backend.load.sample(now, ok, None if self._streams else now - self._since)

    def _mark(self, *, ok: bool) -> None:
        """Tells the breaker, which was asked once and is told once."""
        if self._allowed:
            self._allowed = False
            breaker = self._calls.breaker
            assert breaker is not None
            breaker.mark(ok)

    def _is_early(self) -> bool:
        """Whether the deadline of the call is not over, so that one which has passed is somebody else's."""
        left = self.left
        return left is None or left > _EARLY

    def _reason(self, failure: CallFailed) -> str:
        error = failure.error
        if error.code is Code.DEADLINE_EXCEEDED:
            return f"no answer of {self._calls.path} within {self._limit:.3g} s"
        if self._last and (count := self._calls.servers.count) > 1:
            return f"{error.message} (and none of {count - 1} others can be reached)"
        return error.message
