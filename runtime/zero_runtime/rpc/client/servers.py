"""The servers of a target, as far as the client stays connected to them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection

from zero_runtime.discovery import Resolver
from zero_runtime.errors import Cancelled, Unavailable
from zero_runtime.rpc.client.backend import Backend
from zero_runtime.rpc.client.balancer import Balancer
from zero_runtime.rpc.client.balancer.subset import subset

_log = logging.getLogger("zero.rpc")

_RETRY_RESOLVING = 1.0
"""Seconds after which a resolver that failed is tried again."""

Connect = Callable[[str, Callable[[], None]], Backend]
"""Connects to an address; what is given along is called whenever the state of the connection has changed."""


class Servers:
    """Follows the resolver of a target, connects to a subset of what it finds, and chooses among those."""

    def __init__(
        self, resolver: Resolver, balancer: Balancer[Backend], connect: Connect, *, size: int
    ) -> None:
        """``size`` is that of the subset; 0 takes all."""
        self.target = resolver.target
        self._resolver = resolver
        self._balancer = balancer
        self._connect = connect
        self._size = size
        self._seed = secrets.token_bytes(16)
        self._backends: dict[str, Backend] = {}
        self._found: tuple[str, ...] = ()
        self._leaving: dict[Backend, asyncio.Task[None]] = {}
        self._following: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._open = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._backends)

    def start(self) -> None:
        """Looks for servers from now on."""
        self._open = True
        self._following = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """Leaves all servers. Calls that are under way or wait for a server end with `Cancelled`."""
        tasks = tuple(self._leaving.values())
        if self._following is not None:
            self._following.cancel()
            tasks += (self._following,)
        backends = (*self._backends.values(), *self._leaving)
        self._open = False
        self._found = ()
        self._backends.clear()
        self._balancer.update(())
        self._wake()
        # Those that are leaving as well: a task that is cancelled before it has begun closes nothing.
        await asyncio.gather(*(backend.close(grace=0) for backend in backends))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def pick(self, hash_key: str, tried: Collection[Backend] = ()) -> Backend | None:
        """A server that is connected and was not tried, as the balancer chooses; None when there is none."""
        while (backend := self._balancer.pick(hash_key, tried)) is not None and not backend.check():
            pass
        return backend

    async def wait(self, hash_key: str, limit: float | None, *, under_way: bool = False) -> Backend:
        """Waits for a connection. When all addresses have failed it returns one of them, to say why.

        Raises Unavailable after ``limit`` seconds, Cancelled when the client is closed, RuntimeError when it
        is not open for a call that is not ``under_way``.
        """
        try:
            async with asyncio.timeout(limit):
                while (backend := self.pick(hash_key)) is None:
                    if not self._open:
                        if under_way:
                            raise Cancelled(f"{self.target}: the channel was closed")
                        raise RuntimeError(
                            f"{self.target}: a call outside of the `async with` of its channel"
                        )
                    self._update(self._resolver.addresses())
                    backends = self._backends.values()
                    if backends and all(backend.failed for backend in backends):
                        return next(iter(backends))
                    await self._changed.wait()
                    under_way = True
                return backend
        except TimeoutError:
            addresses = ", ".join(self._backends)
            reason = f"no connection to {addresses}" if addresses else self._resolver.nothing_found
            raise Unavailable(f"{self.target}: {reason} (waited {limit:.3g} s)") from None
        except OSError as error:
            raise Unavailable(f"{self.target}: cannot look for servers: {error}") from error

    async def _follow(self) -> None:
        while True:
            try:
                async for addresses in self._resolver.watch():
                    self._update(addresses)
                return
            except Exception:
                _log.exception("%s: cannot look for servers", self.target)
                await asyncio.sleep(_RETRY_RESOLVING)

    def _update(self, found: tuple[str, ...]) -> None:
        if found == self._found:  # every waiting call looks; choosing among thousands takes milliseconds
            return
        addresses = subset(found, self._size, self._seed)
        self._found = found
        if self._backends.keys() == set(addresses):
            return
        for address in self._backends.keys() - set(addresses):
            self._leave(self._backends.pop(address))
        for address in addresses:
            if address not in self._backends:
                self._backends[address] = self._connect(address, self._connection_changed)
        self._balancer.update(tuple(self._backends.values()))
        self._wake()

    def _leave(self, backend: Backend) -> None:
        """Closes the connection when its calls have ended."""
        task = self._leaving[backend] = asyncio.get_running_loop().create_task(backend.close())
        task.add_done_callback(lambda _: self._leaving.pop(backend))

    def _connection_changed(self) -> None:
        if any(backend.failed for backend in self._backends.values()):
            self._resolver.look_again()
        self._wake()

    def _wake(self) -> None:
        """Lets waiting calls look again."""
        self._changed.set()
        self._changed.clear()
