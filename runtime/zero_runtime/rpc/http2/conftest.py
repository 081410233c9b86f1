"""A service with two methods, and a client that speaks HTTP/2 by hand, with the library h2."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import h2.config
import h2.connection
import h2.events
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from zero_runtime import rpc
from zero_runtime.config import RpcServerConf
from zero_runtime.rpc.http2 import link

HEAD = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test.Wire/Say"),
    (":authority", "test"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)
Say = Callable[[BytesValue], Awaitable[BytesValue]]
Stream = Callable[[AsyncIterator[BytesValue]], AsyncIterator[BytesValue]]
Event = TypeVar("Event", bound=h2.events.Event)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that are broken are closed soon."""
    monkeypatch.setattr(link, "_LINGER", 0.05)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a test, for half a minute at most."""
    asyncio.run(asyncio.wait_for(work, 30))


def framed(payload: bytes) -> bytes:
    """A message of gRPC: a `BytesValue` with this value."""
    message = BytesValue(value=payload).SerializeToString()
    return b"\0" + len(message).to_bytes(4, "big") + message


def head_of(path: str, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (*((name, path if name == ":path" else value) for name, value in HEAD), *more)


async def echo(request: BytesValue) -> BytesValue:
    return request


async def echoes(requests: AsyncIterator[BytesValue]) -> AsyncIterator[BytesValue]:
    async for request in requests:
        yield request


def wire(say: Say = echo, stream: Stream = echoes) -> rpc.Service:
    return rpc.Service(
        "test.Wire",
        (
            rpc.unary_unary("Say", say, BytesValue, BytesValue),
            rpc.stream_stream("Stream", stream, BytesValue, BytesValue),
        ),
    )


@asynccontextmanager
async def served(
    say: Say = echo, stream: Stream = echoes, **conf: Any
) -> AsyncIterator[tuple[rpc.Server, str]]:
    """A server and its address."""
    given = {"name": "wire-rpc", "listen_on": "127.0.0.1:0", "cpu_threshold": 0, **conf}
    server = rpc.Server(RpcServerConf(**given), (wire(say, stream),))
    address = await server.start()
    try:
        yield server, address
    finally:
        await server.stop(0)


class Peer:
    """A client of one connection, which does what it is told and nothing else."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # It shall be able to send what is wrong.
        config = h2.config.H2Configuration(
            validate_outbound_headers=False, normalize_outbound_headers=False, validate_inbound_headers=True
        )
        self.h2 = h2.connection.H2Connection(config)
        self.reader, self.writer = reader, writer
        self.events: list[h2.events.Event] = []
        self.closed = False

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def raw(self, data: bytes) -> None:
        """Sends bytes past the library."""
        self.flush()
        self.writer.write(data)

    def call(self, payload: bytes = b"x", head: Any = HEAD, *, end: bool = True) -> int:
        """Begins a call with one message; returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, head)
        self.h2.send_data(stream, framed(payload), end_stream=end)
        self.flush()
        return stream

    async def next(self, kind: type[Event], stream: int | None = None) -> Event:
        """The next event of a kind; what comes before it stays in `events`. Raises EOFError when there is
        none."""
        while True:
            for event in self.events:
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    self.events.remove(event)
                    return event
            await self.read()

    async def read(self) -> None:
        data = await self.reader.read(65536)
        if not data:
            self.closed = True
            raise EOFError(f"the connection was closed after {self.events}")
        self.events += self.h2.receive_data(data)
        self.flush()

    async def status(self, stream: int) -> dict[str, str]:
        """The trailers of a call."""
        while True:
            ended = await self.next(h2.events.StreamEnded, stream)
            mine = [event for event in self.events if getattr(event, "stream_id", None) == ended.stream_id]
            for event in mine:
                if isinstance(event, h2.events.TrailersReceived | h2.events.ResponseReceived):
                    last = event
            self.events = [event for event in self.events if event not in mine]
            return {_text(name): _text(value) for name, value in last.headers or ()}

    async def body(self, stream: int) -> bytes:
        """The content of an answer up to its end, taken as it comes."""
        content = b""
        while True:
            for event in list(self.events):
                if getattr(event, "stream_id", None) != stream:
                    continue
                self.events.remove(event)
                if isinstance(event, h2.events.DataReceived):
                    content += event.data or b""
                    self.h2.acknowledge_received_data(event.flow_controlled_length or 0, stream)
                    self.flush()
                elif isinstance(event, h2.events.StreamEnded):
                    return content
            await self.read()

    async def ended(self, code: int) -> None:
        """The server ends the connection for this reason."""
        assert (await self.next(h2.events.ConnectionTerminated)).error_code == code
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


@asynccontextmanager
async def peer(address: str, *, receive_buffer: int | None = None) -> AsyncIterator[Peer]:
    """A client that has said what clients say first."""
    host, _, port = address.rpartition(":")
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=sock)
    found = Peer(reader, writer)
    try:
        found.h2.initiate_connection()
        found.flush()
        yield found
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
