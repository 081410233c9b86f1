"""The client's way to the servers of a target."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType

from google.protobuf.message import DecodeError
from grpc.aio import AioRpcError

from zero_runtime.config import RpcClientConf
from zero_runtime.deadline import time_left
from zero_runtime.discovery import Resolver, resolver_for
from zero_runtime.errors import Internal, Unavailable
from zero_runtime.rpc.backend import FAILED, READY, Backend
from zero_runtime.rpc.service import RequestT, ResponseT
from zero_runtime.rpc.status import zero_error

_log = logging.getLogger("zero.rpc")

_RETRY_RESOLVING = 1.0
"""Seconds after which a resolver that failed is tried again."""


def connect(conf: RpcClientConf) -> Channel:
    """A channel as configured. It waits for no server, so services start in any order.

    Raises `zero_runtime.discovery.TargetError` when the target is written wrongly.
    """
    return Channel(resolver_for(conf), conf.timeout / 1000 or None)


class Channel:
    """Spreads calls in turn over the connected servers of a target.

    An async context manager: connections exist inside of it only.
    """

    def __init__(self, resolver: Resolver, timeout: float | None) -> None:
        self._resolver = resolver
        self._timeout = timeout
        self._backends: dict[str, Backend] = {}
        self._order: tuple[Backend, ...] = ()
        self._turn = 0
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Channel:
        self._spawn(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(backend.close(grace=None) for backend in self._backends.values()))

    def unary(
        self, path: str, request: type[RequestT], response: type[ResponseT]
    ) -> Callable[[RequestT, float | None], Awaitable[ResponseT]]:
        """A function that calls the method ``path`` (``/user.User/Login``).

        Its second argument is the call's timeout in seconds; None means the channel's. It raises `ZeroError`.
        """

        async def call(message: RequestT, timeout: float | None) -> ResponseT:
            clock = asyncio.get_running_loop().time
            limit = time_left(self._timeout if timeout is None else timeout)
            deadline = None if limit is None else clock() + limit
            backend = self._next() or await self._wait(deadline, limit)
            left = None if deadline is None else max(deadline - clock(), 0.0)
            try:
                payload = await backend.call(path, message.SerializeToString(), left)
            except AioRpcError as error:
                failure = zero_error(error)
                if isinstance(failure, Unavailable) and backend.state is FAILED:
                    failure = Unavailable(f"{self._resolver.target}: {failure.message}")
                raise failure from error
            try:
                return response.FromString(payload)
            except DecodeError as error:
                raise Internal(f"the answer of {path} is not a `{response.DESCRIPTOR.full_name}`") from error

        return call

    def _next(self) -> Backend | None:
        """The next connected server in turn."""
        for _ in self._order:
            self._turn = (self._turn + 1) % len(self._order)
            backend = self._order[self._turn]
            if backend.state is READY:
                return backend
        return None

    async def _wait(self, deadline: float | None, limit: float | None) -> Backend:
        """Waits for a connection. When all addresses have failed it returns one, to say why."""
        try:
            async with asyncio.timeout_at(deadline):
                while (backend := self._next()) is None:
                    self._update(self._resolver.addresses())
                    if self._order and all(backend.state is FAILED for backend in self._order):
                        return self._order[0]
                    await self._changed.wait()
                return backend
        except TimeoutError:
            addresses = ", ".join(self._backends)
            reason = f"no connection to {addresses}" if addresses else self._resolver.nothing_found
            raise Unavailable(f"{self._resolver.target}: {reason} (waited {limit:g} s)") from None
        except OSError as error:
            raise Unavailable(f"{self._resolver.target}: cannot look for servers: {error}") from error

    async def _follow(self) -> None:
        while True:
            try:
                async for addresses in self._resolver.watch():
                    self._update(addresses)
                return
            except Exception:
                _log.exception("%s: cannot look for servers", self._resolver.target)
                await asyncio.sleep(_RETRY_RESOLVING)

    def _update(self, addresses: tuple[str, ...]) -> None:
        if self._backends.keys() == set(addresses):
            return
        for address in self._backends.keys() - set(addresses):
            self._spawn(self._backends.pop(address).close())
        for address in addresses:
            if address not in self._backends:
                self._backends[address] = Backend(address, self._wake)
        self._order = tuple(self._backends.values())
        self._wake()

    def _wake(self) -> None:
        """Lets waiting calls look again."""
        self._changed.set()
        self._changed.clear()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
