"""One connection: frames in, calls out."""

from __future__ import annotations

from collections.abc import Callable

from zero_runtime.errors import ZeroError
from zero_runtime.rpc.http2 import answers, frames
from zero_runtime.rpc.http2.call import Call, SingleCall, StreamedCall
from zero_runtime.rpc.http2.floods import BROKEN, GIVEN_UP, RAPID, Budget
from zero_runtime.rpc.http2.frames import (
    ACK,
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
    PREFACE,
    PRIORITISED,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Broken,
    Error,
)
from zero_runtime.rpc.http2.heads import Head, Heads, Malformed, Refusal
from zero_runtime.rpc.http2.link import MOST_CALLS, Link
from zero_runtime.rpc.http2.serving import Serving

_BLOCK_LIMIT = 65536
"""Bytes that a block of header fields may have in all its frames."""

_MOST_CONTINUATIONS = 16
_GAPS = 16
"""How many gaps between the numbers of streams are remembered; ordinary clients leave none."""

_REMEMBERED = 1024
"""How many streams that we have reset are remembered, for what their clients had sent by then."""


class Connection(Link):
    """The calls of one client, and their frames."""

    def __init__(self, serving: Serving) -> None:
        super().__init__(serving)
        self._rest = b""
        """The beginning of a frame that has not come as a whole."""
        self._prefaced = False
        self._heads = Heads(serving.handlers)
        self._block: _Block | None = None
        """A block of header fields of which more frames are to come."""
        self._incomplete: list[SingleCall] = []
        """Calls of the present reading whose requests are not complete yet, as far as is known."""
        self._reset: dict[int, None] = {}
        self._skipped: dict[int, int] = {}
        """Streams that were left out and so are closed (RFC 9113, section 5.1.1): the last ones by the first
        ones."""
        self._given_up = Budget(GIVEN_UP, self.loop.time)
        self._broken = Budget(BROKEN, self.loop.time)
        self._rare: dict[int, Callable[[int, int, bytes], None]] = {
            PRIORITY: self._on_priority,
            RST_STREAM: self._on_rst_stream,
            WINDOW_UPDATE: self._on_window_update,
        }
        self._common: dict[int, Callable[[int, bytes], None]] = {
            SETTINGS: self._on_settings,
            PING: self._on_ping,
            GOAWAY: self._on_goaway,
        }

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self.read_at = self.loop.time()
        if self._rest:
            data = self._rest + data
        try:
            self._rest = data[self._read(data) :]
        except Broken as broken:
            self._rest = b""
            self._break(broken)
        if self._incomplete:
            for call in self._incomplete:
                call.await_request()
            self._incomplete.clear()

    def finish(self, call: Call, *, cut: bool = False) -> None:
        """A call is over on our side: nothing more is sent on its stream. ``cut``: amid a message."""
        if self._calls.pop(call.id, None) is None:
            return
        if not call.ended:
            self._remember(call.id)
        if cut or not call.ended:
            code = Error.CANCEL if cut else Error.NO_ERROR
            self._transport.write(frames.rst_stream(call.id, code))
        self._settle_down()

    def reset(self, call: Call, code: Error) -> None:
        """The client has broken the protocol on the stream of a call."""
        self._calls.pop(call.id, None)
        call.cancel()
        self._reset_stream(call.id, code)
        self._settle_down()

    def _read(self, data: bytes) -> int:
        """Reads the frames in ``data``; returns where the first one begins that is not complete."""
        position, end = 0, len(data)
        if not self._prefaced:
            position = self._read_preface(data)
        while self._prefaced and end - position >= HEADER_SIZE and not self._over:
            upper, lower, kind, flags, stream = HEADER.unpack_from(data, position)
            size = upper << 8 | lower
            if size > FRAME_SIZE:
                raise Broken(Error.FRAME_SIZE_ERROR, f"a frame of {size} bytes")
            start = position + HEADER_SIZE
            stop = start + size
            if stop > end:
                break
            position = stop
            stream &= frames.LARGEST_STREAM
            if self._block is not None or not self._greeted:
                self._check_order(kind, flags, stream)
            if kind == DATA:
                self._on_data(flags, stream, data, start, stop)
            elif kind == HEADERS:
                self._on_headers(flags, stream, data[start:stop])
            else:
                self._on_other(kind, flags, stream, data[start:stop])
        return position

    def _read_preface(self, data: bytes) -> int:
        if not PREFACE.startswith(data[: len(PREFACE)]):
            raise Broken(Error.PROTOCOL_ERROR, "this is a gRPC server, which speaks HTTP/2")
        if len(data) < len(PREFACE):
            return 0
        self._prefaced = True
        return len(PREFACE)

    def _check_order(self, kind: int, flags: int, stream: int) -> None:
        """What may come only after something else."""
        if not self._greeted:
            if kind != SETTINGS or flags & ACK:
                raise Broken(Error.PROTOCOL_ERROR, "the settings of the client come first")
            self._greeted = True
            if not self._draining:
                self._stop_timer()
        elif self._block is not None and (kind != CONTINUATION or stream != self._block.stream):
            raise Broken(Error.PROTOCOL_ERROR, "a block of header fields was interrupted")

    def _on_data(self, flags: int, stream: int, data: bytes, start: int, stop: int) -> None:
        size = stop - start
        self.intake.take(size)
        if flags & PADDED:
            start, stop = frames.unpadded(data, start, stop)
        call = self._calls.get(stream)
        if call is None:
            self._on_stray(stream, ends=bool(flags & END_STREAM))
            return
        if call.ended:
            self.reset(call, Error.STREAM_CLOSED)
            return
        if size:
            call.receive(data[start:stop], size)
        elif not flags & END_STREAM:
            self._spend_idle_frame()
        if flags & END_STREAM and not call.closed:
            call.end()
        elif flags & END_STREAM:
            call.ended = True

    def _on_stray(self, stream: int, *, ends: bool) -> None:
        """Something that belongs to a call, and there is none."""
        if stream in self._reset:
            if ends:
                del self._reset[stream]
        elif not stream or stream > self._last or not stream % 2:
            raise Broken(Error.PROTOCOL_ERROR, f"stream {stream} has not been opened")
        else:
            self._reset_stream(stream, Error.STREAM_CLOSED)

    def _on_headers(self, flags: int, stream: int, payload: bytes) -> None:
        start, stop = 0, len(payload)
        if flags & PADDED:
            start, stop = frames.unpadded(payload, start, stop)
        depends = 0
        if flags & PRIORITISED:
            if stop - start < 5:
                raise Broken(Error.FRAME_SIZE_ERROR, "HEADERS that are cut off")
            depends = int.from_bytes(payload[start : start + 4], "big") & frames.LARGEST_STREAM
            start += 5
        if not stream % 2:
            raise Broken(Error.PROTOCOL_ERROR, f"HEADERS on stream {stream}")
        block = payload[start:stop]
        ends = bool(flags & END_STREAM)
        if flags & END_HEADERS:
            self._on_block(stream, block, ends=ends, malformed=depends == stream)
        else:
            self._block = _Block(stream, block, ends)

    def _on_continuation(self, flags: int, stream: int, payload: bytes) -> None:
        block = self._block
        if block is None:
            raise Broken(Error.PROTOCOL_ERROR, "CONTINUATION of nothing")
        block.content += payload
        block.frames += 1
        if len(block.content) > _BLOCK_LIMIT or block.frames > _MOST_CONTINUATIONS:
            raise Broken(Error.ENHANCE_YOUR_CALM, "a block of header fields without end")
        if flags & END_HEADERS:
            self._block = None
            self._on_block(stream, bytes(block.content), ends=block.ends, malformed=False)

    def _on_block(self, stream: int, block: bytes, *, ends: bool, malformed: bool) -> None:
        if stream <= self._last:
            self._on_trailers(stream, block, ends=ends)
            return
        if stream != self._last + 2 and self._last + 1 != stream:
            self._skip(self._last + 1, stream - 1)
        self._last = stream
        try:
            head = self._heads.read(block)
        except Malformed:
            malformed = True
        if malformed:
            self._reset_stream(stream, Error.PROTOCOL_ERROR, remember=not ends)
        elif self._refuses or len(self._calls) >= MOST_CALLS:
            self._reset_stream(stream, Error.REFUSED_STREAM, remember=not ends)
        elif isinstance(head, Refusal):
            self._refuse(stream, head.error, head.status, ends=ends)
        else:
            self._open(stream, head, ends=ends)

    def _open(self, stream: int, head: Head, *, ends: bool) -> None:
        handler = head.handler
        try:
            served = handler.begin(head.metadata, head.timeout, self.peer)
        except ZeroError as error:
            self._refuse(stream, error, 200, ends=ends)
            return
        self.quiet_since = None
        if handler.kind.request_streams:
            streamed = StreamedCall(self, stream, head, served)
            self._calls[stream] = streamed
            if ends:
                streamed.end()
            if not streamed.closed:
                streamed.start()
            return
        single = SingleCall(self, stream, head, served)
        self._calls[stream] = single
        if ends:
            single.end()
        else:
            self._incomplete.append(single)

    def _refuse(self, stream: int, error: ZeroError, status: int, *, ends: bool) -> None:
        """Answers what is not served."""
        self.write(answers.failed_at_once(stream, error, status, self.lead()))
        if not ends:
            self._remember(stream)
            self._transport.write(frames.rst_stream(stream, Error.NO_ERROR))

    def _on_trailers(self, stream: int, block: bytes, *, ends: bool) -> None:
        """Header fields of a stream that is not new."""
        malformed = False
        try:
            self._heads.read_trailers(block)
        except Malformed:
            malformed = True
        call = self._calls.get(stream)
        if call is not None and not call.ended:
            if malformed or not ends:
                self.reset(call, Error.PROTOCOL_ERROR)
            else:
                call.end()
        elif any(first <= stream <= last for first, last in self._skipped.items()):
            raise Broken(Error.PROTOCOL_ERROR, f"stream {stream} is opened after later ones")
        elif stream not in self._reset:
            raise Broken(Error.STREAM_CLOSED, f"HEADERS on stream {stream}, which is closed")

    def _on_other(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind in self._common:
            if stream:
                raise Broken(Error.PROTOCOL_ERROR, f"a frame of type {kind} on stream {stream}")
            self._common[kind](flags, payload)
        elif kind == CONTINUATION:
            self._on_continuation(flags, stream, payload)
        elif kind in self._rare:
            self._rare[kind](flags, stream, payload)
        elif kind == PUSH_PROMISE:
            raise Broken(Error.PROTOCOL_ERROR, "clients do not push")
        else:
            self._spend_idle_frame()

    def _on_priority(self, flags: int, stream: int, payload: bytes) -> None:
        """Priorities mean nothing any more (RFC 9113, section 5.3), but have to be right."""
        self._spend_idle_frame()
        if not stream:
            raise Broken(Error.PROTOCOL_ERROR, "PRIORITY of nothing")
        if len(payload) != 5:
            raise Broken(Error.FRAME_SIZE_ERROR, f"PRIORITY of {len(payload)} bytes")
        if int.from_bytes(payload[:4], "big") & frames.LARGEST_STREAM == stream:
            self._reset_whatever(stream, Error.PROTOCOL_ERROR)

    def _on_rst_stream(self, flags: int, stream: int, payload: bytes) -> None:
        frames.number(payload, "RST_STREAM")
        if not stream or stream > self._last:
            raise Broken(Error.PROTOCOL_ERROR, f"RST_STREAM of stream {stream}, which is idle")
        call = self._calls.pop(stream, None)
        if call is None:  # its answer is on its way
            self._reset.pop(stream, None)
            return
        call.cancel()
        if self.read_at - call.opened < RAPID and not self._given_up.spend():
            raise Broken(Error.ENHANCE_YOUR_CALM, "too many calls given up")
        self._settle_down()

    def _on_window_update(self, flags: int, stream: int, payload: bytes) -> None:
        size = frames.number(payload, "WINDOW_UPDATE") & frames.LARGEST_WINDOW
        if not stream:
            if not size:
                raise Broken(Error.PROTOCOL_ERROR, "a window that grows by nothing")
            self.sender.grant(size)
            return
        if stream > self._last:
            raise Broken(Error.PROTOCOL_ERROR, f"WINDOW_UPDATE of stream {stream}, which is idle")
        call = self._calls.get(stream)
        if not size:
            self._reset_whatever(stream, Error.PROTOCOL_ERROR)
        elif call is not None and not self.sender.grant_to(call, size):
            self.reset(call, Error.FLOW_CONTROL_ERROR)

    def _reset_whatever(self, stream: int, code: Error) -> None:
        call = self._calls.get(stream)
        if call is not None:
            self.reset(call, code)
        else:
            self._reset_stream(stream, code)

    def _reset_stream(self, stream: int, code: Error, *, remember: bool = True) -> None:
        if not self._broken.spend():
            raise Broken(Error.ENHANCE_YOUR_CALM, "too many broken calls")
        if remember:
            self._remember(stream)
        self._transport.write(frames.rst_stream(stream, code))

    def _settle_down(self) -> None:
        if not self._calls:
            self.quiet_since = self.loop.time()
            self._close_if_done()

    def _remember(self, stream: int) -> None:
        self._reset[stream] = None
        if len(self._reset) > _REMEMBERED:
            del self._reset[next(iter(self._reset))]

    def _skip(self, first: int, last: int) -> None:
        self._skipped[first] = last
        if len(self._skipped) > _GAPS:
            del self._skipped[next(iter(self._skipped))]


class _Block:
    """Header fields of which more frames are to come."""

    __slots__ = ("content", "ends", "frames", "stream")

    def __init__(self, stream: int, content: bytes, ends: bool) -> None:
        self.stream = stream
        self.content = bytearray(content)
        self.ends = ends
        self.frames = 1
