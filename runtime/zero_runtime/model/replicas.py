"""Servers that hold the same as the primary, a little later: reads are spread over them."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
from collections.abc import Sequence
from typing import Literal

from zero_runtime.errors import Unavailable
from zero_runtime.model.server import Server

_log = logging.getLogger("zero.model")

_AGAIN = (1.0, 2.0, 5.0, 10.0)
"""Seconds after which one that is away is asked again, the last of them for ever."""


class Replicas:
    """The replicas. Those that are away are left out, and asked again behind the backs of those who read."""

    def __init__(self, servers: Sequence[Server], policy: Literal["round-robin", "random"]) -> None:
        self._servers = servers
        self._present = [*servers]
        self._random = policy == "random"
        self._turn = 0
        self._calls: dict[Server, asyncio.Task[None]] = {}

    def pick(self) -> Server | None:
        """One that is there, if any is."""
        present = self._present
        if not present:
            return None
        if self._random:
            return random.choice(present)
        self._turn = turn = (self._turn + 1) % len(present)
        return present[turn]

    def leave_out(self, server: Server, error: Unavailable) -> None:
        """Asks others until this one, which has answered so, is well again."""
        if server in self._present:
            self._present.remove(server)
            _log.warning("replica %s is left out: %s", server, error.message)
            self._calls[server] = asyncio.create_task(
                self._call(server),
                context=contextvars.Context(),  # not in the time of the request that has found out
            )

    async def open(self) -> None:
        """Connects to all of them, so that those that are away are known before anybody reads."""
        await asyncio.gather(*map(self._try, self._servers))

    async def close(self) -> None:
        """Asks none any more, and closes them."""
        for call in self._calls.values():
            call.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        for server in self._servers:
            await server.pool.close()

    async def _try(self, server: Server) -> None:
        try:
            await server.pool.warm()
        except Unavailable as error:
            self.leave_out(server, error)

    async def _call(self, server: Server) -> None:
        """Comes back when the server answers."""
        attempt = 0
        while True:
            await asyncio.sleep(_AGAIN[min(attempt, len(_AGAIN) - 1)])
            attempt += 1
            try:
                await server.pool.warm()
            except Unavailable:
                continue
            break
        del self._calls[server]
        self._present.append(server)
        _log.info("replica %s is back", server)
