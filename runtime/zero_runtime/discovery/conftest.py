"""Running tests of discovery, and watching a resolver in them as a channel does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from zero_runtime.discovery import Resolver


def run(test: Awaitable[None]) -> None:
    """Runs a test, which must leave no task behind."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test
        async with asyncio.timeout(2):  # gRPC's own tasks end a moment after the call
            while asyncio.all_tasks() != {asyncio.current_task()}:
                await asyncio.sleep(0.01)

    asyncio.run(bounded())


class Followed:
    """A resolver that somebody watches."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.seen: list[tuple[str, ...]] = []
        """All that it has yielded."""

        self._changed = asyncio.Condition()

    async def until(self, *addresses: str, timeout: float = 10.0) -> None:
        """Waits until these are the addresses."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: self.seen[-1:] == [addresses])
        assert self.resolver.addresses() == addresses

    async def follow(self) -> None:
        async for addresses in self.resolver.watch():
            async with self._changed:
                self.seen.append(addresses)
                self._changed.notify_all()


@asynccontextmanager
async def followed(resolver: Resolver) -> AsyncIterator[Followed]:
    """Watches a resolver within the block. What breaks the watch, if anything does, is raised at its end."""
    made = Followed(resolver)
    task = asyncio.create_task(made.follow())
    try:
        yield made
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    if not task.cancelled():
        task.result()
