"""A server that speaks HTTP/2 by hand, with the library h2, and a client of one connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, TypeVar

import h2.config
import h2.connection
import h2.events
import pytest
from h2.settings import SettingCodes

from zero_runtime.rpc.client.backend import CallFailed
from zero_runtime.rpc.client.http2 import backend as module
from zero_runtime.rpc.client.http2.backend import Http2Backend
from zero_runtime.rpc.client.http2.dialing import Dialing

HEAD = ((":status", "200"), ("content-type", "application/grpc"))
OK = (("grpc-status", "0"),)
PATH = "/test.Wire/Say"
Event = TypeVar("Event", bound=h2.events.Event)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that are lost are soon made again."""
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.05)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a test, for half a minute at most, that leaves no task behind."""

    async def watched() -> None:
        await asyncio.wait_for(work, 30)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(watched())


def framed(payload: bytes, packed: int = 0) -> bytes:
    """A message of gRPC."""
    return bytes((packed,)) + len(payload).to_bytes(4, "big") + payload


class Wire:
    """One connection of a server, which does what it is told and nothing else."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        config = h2.config.H2Configuration(
            client_side=False, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config)
        self.reader, self.writer = reader, writer
        self.events: list[h2.events.Event] = []

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def raw(self, data: bytes) -> None:
        """Sends bytes past the library."""
        self.flush()
        self.writer.write(data)

    async def next(self, kind: type[Event]) -> Event:
        """The next event of a kind; what comes before it stays in `events`. Raises EOFError when there is
        none."""
        while True:
            for event in self.events:
                if isinstance(event, kind):
                    self.events.remove(event)
                    return event
            await self.read()

    async def read(self) -> None:
        data = await self.reader.read(65536)
        if not data:
            raise EOFError(f"the connection was closed after {self.events}")
        self.events += self.h2.receive_data(data)
        self.flush()

    async def call(self) -> int:
        """Waits for a call; returns its stream."""
        found = (await self.next(h2.events.RequestReceived)).stream_id
        assert found is not None
        return found

    def answer(
        self,
        stream: int,
        *content: bytes,
        head: Sequence[tuple[str, str]] = HEAD,
        trailers: Sequence[tuple[str, str]] = OK,
    ) -> None:
        self.h2.send_headers(stream, head)
        for each in content:
            self.h2.send_data(stream, each)
        self.h2.send_headers(stream, trailers, end_stream=True)
        self.flush()

    async def ended(self) -> int:
        """Why the client ends the connection: the error of its GOAWAY."""
        code = (await self.next(h2.events.ConnectionTerminated)).error_code
        assert code is not None
        return int(code)


Behave = Callable[[Wire], Awaitable[None]]


@asynccontextmanager
async def wired(*behave: Behave, settings: Mapping[SettingCodes, int] | None = None) -> AsyncIterator[str]:
    """A server that treats its connections like this, the last way those that follow; its address."""
    count = 0
    tasks: set[asyncio.Task[None]] = set()
    failures: list[BaseException] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        play = behave[min(count, len(behave) - 1)]
        count += 1
        wire = Wire(reader, writer)
        wire.h2.initiate_connection()
        if settings:
            wire.h2.update_settings({int(code): value for code, value in settings.items()})
        wire.flush()
        try:
            await play(wire)
            with suppress(EOFError, ConnectionError):
                while True:
                    await wire.read()
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        except BaseException as failure:
            failures.append(failure)
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
    assert not failures, failures


@asynccontextmanager
async def connected(address: str, dialing: Dialing | None = None) -> AsyncIterator[Http2Backend]:
    """A client with a connection."""
    changed = asyncio.Event()
    found = Http2Backend(address, changed.set, dialing or Dialing())
    async with AsyncExitStack() as stack:
        stack.push_async_callback(found.close, 0)
        while not found.check():
            changed.clear()
            await changed.wait()
        yield found


async def say(client: Http2Backend, payload: bytes = b"x", timeout: float | None = 5) -> bytes:
    return await client.call(PATH, payload, None, timeout)


async def failure(call: Awaitable[object]) -> CallFailed:
    """How a call fails."""
    with pytest.raises(CallFailed) as caught:
        await call
    return caught.value
