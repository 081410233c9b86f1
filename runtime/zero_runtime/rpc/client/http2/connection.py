"""One connection to a server: calls out, frames in."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING

from zero_runtime.errors import Internal, ResourceExhausted
from zero_runtime.rpc.client.backend import CallFailed
from zero_runtime.rpc.client.http2.answers import HEAD_LIMIT, Answers, out_of_time, reset
from zero_runtime.rpc.client.http2.exchange import Exchange
from zero_runtime.rpc.client.http2.link import CONNECTION_WINDOW, Link
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_SIZE,
    GOAWAY,
    HEADER,
    HEADER_SIZE,
    HEADERS,
    PADDED,
    PING,
    PRIORITISED,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Broken,
    Error,
)

if TYPE_CHECKING:
    from zero_runtime.rpc.client.http2.dialing import Dialing

_BLOCK_LIMIT = 65536
"""Bytes that a block of header fields may have in all its frames."""

_MESSAGE = Struct(">HBBBIBI")
"""The header of a frame of DATA and the prefix of the message in it."""


class Connection(Link):
    """The calls to one server, and their frames."""

    def __init__(self, dialing: Dialing, authority: str) -> None:
        super().__init__(dialing, authority)
        self._rest = b""
        """The beginning of a frame that has not come as a whole."""
        self._answers = Answers()
        self._next = 1
        """The stream that is opened next."""
        self._room = CONNECTION_WINDOW
        """Bytes that the server may send before it is told that there is room for more."""
        self._block: tuple[int, bytearray, bool] | None = None
        """A block of header fields of which more is to come: its stream, and whether that ends with it."""
        self._rare: dict[int, Callable[[int, int, bytes], None]] = {
            RST_STREAM: self._on_rst_stream,
            WINDOW_UPDATE: self._on_window_update,
            CONTINUATION: self._on_continuation,
        }
        self._common: dict[int, Callable[[int, bytes], None]] = {
            SETTINGS: self._on_settings,
            PING: self._on_ping,
            GOAWAY: self._on_goaway,
        }

    def open(self, exchange: Exchange) -> None:
        """Begins a call, at once or when the server allows for another one."""
        if self.left.done():
            exchange.close(self._unseen())
            return
        if exchange.until is not None:
            self.watch(exchange.until)
        if self._waiting or len(self._streams) >= self._most:
            self._waiting[exchange] = None
        else:
            self._open(exchange)

    def finish(self, exchange: Exchange, failure: CallFailed | None) -> None:
        """The server has ended the stream of a call."""
        self._streams.pop(exchange.id, None)
        if not exchange.sent:
            self.write(frames.rst_stream(exchange.id, Error.NO_ERROR))
        exchange.close(failure)
        self._settle_down()

    def abandon(self, exchange: Exchange, failure: CallFailed, code: Error = Error.CANCEL) -> None:
        """A call is of no more use to us."""
        if self._streams.pop(exchange.id, None) is not None:
            self.write(frames.rst_stream(exchange.id, code))
        else:
            self._waiting.pop(exchange, None)
        exchange.close(failure)
        self._settle_down()

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._read_at = self.loop.time()
        if self._rest:
            data = self._rest + data
        try:
            self._rest = data[self._read(data) :]
        except Broken as broken:
            self._rest = b""
            self._break(broken)

    def _open(self, exchange: Exchange) -> None:
        stream = exchange.id = self._next
        self._next += 2
        self._streams[stream] = exchange
        sender = self.sender
        exchange.window = sender.initial
        until = exchange.until
        block = self._heads.block(
            exchange.path, exchange.metadata, None if until is None else until - self.loop.time()
        )
        size = len(block)
        payload = exchange.payload
        if payload is not None and size <= FRAME_SIZE and sender.fits(exchange, len(payload) + 5):
            length = len(payload)
            framed = length + 5
            sender.window -= framed
            exchange.window -= framed
            exchange.sent = True
            self.write(
                b"%b%b%b%b"
                % (
                    HEADER.pack(size >> 8, size & 0xFF, HEADERS, END_HEADERS, stream),
                    block,
                    _MESSAGE.pack(framed >> 8, framed & 0xFF, DATA, END_STREAM, stream, 0, length),
                    payload,
                )
            )
        else:
            self.write(_head(stream, block))
        exchange.begin()
        if self._next > frames.LARGEST_STREAM:
            self.leave()

    def _admit(self) -> None:
        while self._waiting and len(self._streams) < self._most and not self.left.done():
            self._open(self._waiting.popitem(last=False)[0])

    def _settle_down(self) -> None:
        if self._waiting:
            self._admit()
        elif not self._streams and self.left.done():
            self._close_if_done()

    def _read(self, data: bytes) -> int:
        """Reads the frames in ``data``; returns where the first one begins that is not complete."""
        position, end = 0, len(data)
        while end - position >= HEADER_SIZE and not self._over:
            upper, lower, kind, flags, stream = HEADER.unpack_from(data, position)
            size = upper << 8 | lower
            if not self.greeted.done() and kind != SETTINGS:
                raise Broken(Error.PROTOCOL_ERROR, "the server does not speak HTTP/2")
            if size > FRAME_SIZE:
                raise Broken(Error.FRAME_SIZE_ERROR, f"a frame of {size} bytes")
            start = position + HEADER_SIZE
            stop = start + size
            if stop > end:
                break
            position = stop
            stream &= frames.LARGEST_STREAM
            if self._block is not None and (kind != CONTINUATION or stream != self._block[0]):
                raise Broken(Error.PROTOCOL_ERROR, "a block of header fields was interrupted")
            if kind == DATA:
                self._on_data(flags, stream, data, start, stop)
            elif kind == HEADERS:
                self._on_headers(flags, stream, data, start, stop)
            else:
                self._on_other(kind, flags, stream, data[start:stop])
        return position

    def _on_data(self, flags: int, stream: int, data: bytes, start: int, stop: int) -> None:
        size = stop - start
        self._room -= size
        if self._room < CONNECTION_WINDOW // 2:
            self.write(frames.window_update(0, CONNECTION_WINDOW - self._room))
            self._room = CONNECTION_WINDOW
        if flags & PADDED:
            start, stop = frames.unpadded(data, start, stop)
        exchange = self._streams.get(stream)
        if exchange is None:
            self._check(stream)  # of a call that was cancelled
            return
        if size:
            exchange.receive(data[start:stop], size)
        elif not flags & END_STREAM:
            self._spend_idle_frame()
        if flags & END_STREAM and not exchange.closed:
            exchange.end()

    def _on_headers(self, flags: int, stream: int, data: bytes, start: int, stop: int) -> None:
        if flags & PADDED:
            start, stop = frames.unpadded(data, start, stop)
        if flags & PRIORITISED:
            start += 5
            if start > stop:
                raise Broken(Error.FRAME_SIZE_ERROR, "HEADERS that are cut off")
        ends = bool(flags & END_STREAM)
        if flags & END_HEADERS:
            self._on_block(stream, data[start:stop], ends=ends)
        else:
            self._block = stream, bytearray(data[start:stop]), ends

    def _on_continuation(self, flags: int, stream: int, payload: bytes) -> None:
        if self._block is None:
            raise Broken(Error.PROTOCOL_ERROR, "CONTINUATION of nothing")
        _, block, ends = self._block
        block += payload
        if not payload:
            self._spend_idle_frame()
        if len(block) > _BLOCK_LIMIT:
            raise Broken(Error.ENHANCE_YOUR_CALM, "a block of header fields without end")
        if flags & END_HEADERS:
            self._block = None
            self._on_block(stream, bytes(block), ends=ends)

    def _on_block(self, stream: int, block: bytes, *, ends: bool) -> None:
        said = self._answers.read(block)
        exchange = self._streams.get(stream)
        if exchange is None:
            self._check(stream)
        elif said is None:
            error = ResourceExhausted(f"the metadata of an answer may have at most {HEAD_LIMIT} bytes")
            self.abandon(exchange, CallFailed(error, told=False))
        else:
            exchange.fields(said, ends=ends)

    def _on_other(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind in self._common:
            if stream:
                raise Broken(Error.PROTOCOL_ERROR, f"a frame of type {kind} on stream {stream}")
            self._common[kind](flags, payload)
        elif kind in self._rare:
            self._rare[kind](flags, stream, payload)
        elif kind == PUSH_PROMISE:
            raise Broken(Error.PROTOCOL_ERROR, "PUSH_PROMISE, which was not allowed")
        else:
            if kind == PRIORITY and not stream:
                raise Broken(Error.PROTOCOL_ERROR, "PRIORITY of nothing")
            self._spend_idle_frame()

    def _on_rst_stream(self, flags: int, stream: int, payload: bytes) -> None:
        code = frames.number(payload, "RST_STREAM")
        exchange = self._streams.pop(stream, None)
        if exchange is None:
            self._check(stream)
            return
        # A server that looks at the deadline itself may be sooner than our alarm.
        exchange.close(out_of_time() if code == Error.CANCEL and exchange.is_late else reset(code))
        self._settle_down()

    def _on_window_update(self, flags: int, stream: int, payload: bytes) -> None:
        size = frames.number(payload, "WINDOW_UPDATE") & frames.LARGEST_WINDOW
        if not stream:
            if not size:
                raise Broken(Error.PROTOCOL_ERROR, "a window that grows by nothing")
            self.sender.grant(size)
            return
        exchange = self._streams.get(stream)
        if exchange is None:
            self._check(stream)
        elif not size or not self.sender.grant_to(exchange, size):
            code = Error.FLOW_CONTROL_ERROR if size else Error.PROTOCOL_ERROR
            error = Internal("the server has given the call a window that cannot be")
            self.abandon(exchange, CallFailed(error, told=False), code)

    def _check(self, stream: int) -> None:
        """Whether a stream that is not open has been open. Raises Broken."""
        if not stream % 2 or stream >= self._next:
            raise Broken(Error.PROTOCOL_ERROR, f"stream {stream} has not been opened")


def _head(stream: int, block: bytes) -> bytes:
    """The frames of a block of any size."""
    if len(block) <= FRAME_SIZE:
        return frames.frame(HEADERS, END_HEADERS, stream, block)
    pieces = [block[start : start + FRAME_SIZE] for start in range(0, len(block), FRAME_SIZE)]
    last = len(pieces) - 1
    return b"".join(
        frames.frame(CONTINUATION if number else HEADERS, END_HEADERS if number == last else 0, stream, piece)
        for number, piece in enumerate(pieces)
    )
