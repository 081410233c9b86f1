"""A network that fails: a TCP proxy in front of a server, which loses what tests tell it to lose."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress


class Proxy:
    """Carries what clients and a server of the loopback interface say, in the loop of the test."""

    def __init__(self, port: int, chance: random.Random) -> None:
        """``port`` is the server's; ``chance`` decides what is lost."""
        self.port = 0
        """Where clients connect to."""
        self.lost = 0.0
        """The share of requests at which the connection breaks: half of them have reached the server by
        then."""
        self.away = False
        """Whether connections are refused, as if nobody listened."""
        self.delay = 0.0
        """Seconds that what is said takes at most."""
        self.silent = False
        """Whether nothing is carried any more, and nobody is told."""
        self._target = port
        self._chance = chance
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Breaks all connections."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(
                self._carry(reader, back, lossy=True), self._carry(there, writer, lossy=False)
            )
        finally:
            for each in (writer, back):
                each.transport.abort()
                self._writers.discard(each)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, lossy: bool) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if self.silent:
                    continue
                if self.delay:
                    await asyncio.sleep(self._chance.uniform(0, self.delay))
                loses = lossy and self._chance.random() < self.lost
                if not loses or self._chance.random() < 0.5:
                    sink.write(data)
                    await sink.drain()
                if loses:
                    await asyncio.sleep(0.002)  # the server has read it, if it has reached it
                    self.cut()
        sink.transport.abort()
