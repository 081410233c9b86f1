"""A connection to a server as a whole: its beginning and its end, its settings, pings and time limits."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from zero_runtime.errors import Unavailable
from zero_runtime.rpc.client.backend import CallFailed
from zero_runtime.rpc.client.http2.answers import HEAD_LIMIT
from zero_runtime.rpc.client.http2.exchange import ROUNDING, WINDOW, Exchange
from zero_runtime.rpc.client.http2.heads import Heads
from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.floods import IDLE_FRAMES, Budget
from zero_runtime.rpc.http2.flow import Sender
from zero_runtime.rpc.http2.frames import ACK, FRAME_SIZE, PING, PREFACE, SETTINGS, Broken, Error, Setting

if TYPE_CHECKING:
    from zero_runtime.rpc.client.http2.dialing import Dialing

CONNECTION_WINDOW = 1024 * 1024
"""Bytes of answers that may be under way on all streams together."""

_QUESTION = b"zero-ask"
"""What the pings say that ask whether a server is there."""

_GREETING = (
    PREFACE
    + frames.settings(
        {
            Setting.ENABLE_PUSH: 0,
            Setting.INITIAL_WINDOW_SIZE: WINDOW,
            Setting.MAX_HEADER_LIST_SIZE: HEAD_LIMIT,
        }
    )
    + frames.window_update(0, CONNECTION_WINDOW - frames.WINDOW)
)


class Link(asyncio.Protocol):
    """What `Connection` is without its calls' frames."""

    def __init__(self, dialing: Dialing, authority: str) -> None:
        self.dialing = dialing
        self.loop = asyncio.get_running_loop()
        self.sender = Sender(self.write, self.loop)
        self.greeted: asyncio.Future[None] = self.loop.create_future()
        """Done when the server has said that it speaks HTTP/2, or the connection has ended before."""
        self.left: asyncio.Future[None] = self.loop.create_future()
        """Done when there can be no further calls."""
        self.lost: asyncio.Future[None] = self.loop.create_future()
        """Done when the connection has ended."""
        self.reason = ""
        """Why it has ended, if that is known."""
        self.too_many_pings = False
        """Whether the server has complained of that."""
        self._transport: asyncio.Transport
        self._heads = Heads(authority, tls=dialing.tls is not None)
        self._streams: dict[int, Exchange] = {}
        self._waiting: OrderedDict[Exchange, None] = OrderedDict()
        """Calls for which there is no stream yet."""
        self._most = frames.LARGEST_STREAM
        """Streams that the server allows at a time."""
        self._over = False
        """Whether what comes is not read any more."""
        self._wrote = False
        """Whether frames of calls have gone out since the server's last ping."""
        self._read_at = self.loop.time()
        self._asker: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        """Rings when the first of all calls may be over."""
        self._rings_at = 0.0
        self._idle_frames = Budget(IDLE_FRAMES, self.loop.time)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() != "h2":
            self._break(
                Broken(Error.INADEQUATE_SECURITY, "the server does not offer HTTP/2 in TLS (ALPN h2)")
            )
            return
        transport.write(_GREETING)
        if self.dialing.keepalive:
            self._asker = self.loop.call_later(self.dialing.keepalive, self._look_for_silence)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self.reason = self.reason or (
            reason_of(exc) if exc is not None else "the server has closed the connection"
        )
        if self._asker is not None:
            self._asker.cancel()
        self.fail(CallFailed(Unavailable(self.reason), told=False))
        if self._alarm is not None:
            self._alarm.cancel()
        for future in (self.greeted, self.left, self.lost):
            if not future.done():
                future.set_result(None)

    def pause_writing(self) -> None:
        self.sender.paused = True

    def resume_writing(self) -> None:
        self.sender.paused = False
        self.sender.pump()

    def write(self, data: bytes) -> None:
        """Sends frames of calls."""
        self._wrote = True
        self._transport.write(data)

    @property
    def is_open(self) -> bool:
        """Whether there can be further calls."""
        return not self.left.done() and self.greeted.done()

    @property
    def is_busy(self) -> bool:
        """Whether there are calls."""
        return bool(self._streams or self._waiting)

    def leave(self) -> None:
        """No more calls; those whose streams are open go on, and when they are over it ends."""
        if not self.left.done():
            self.left.set_result(None)
        waiting = tuple(self._waiting)
        self._waiting.clear()
        for exchange in waiting:
            exchange.close(self._unseen())
        self._close_if_done()

    def close(self, failure: CallFailed) -> None:
        """Ends all calls and the connection."""
        if self._over:
            return
        self._over = True
        self.leave()
        self.fail(failure)
        self._hang_up(Error.NO_ERROR)

    def abort(self) -> None:
        """Ends the connection without a word."""
        self._over = True
        self._transport.abort()

    def fail(self, failure: CallFailed) -> None:
        """Ends all calls. Those that have no stream yet are unseen."""
        self.leave()
        streams, self._streams = self._streams, {}
        for exchange in streams.values():
            exchange.close(failure)

    def watch(self, until: float) -> None:
        """Looks at the calls at ``until`` at the latest."""
        alarm = self._alarm
        if alarm is not None:
            if self._rings_at <= until + ROUNDING:
                return
            alarm.cancel()
        self._rings_at = until
        self._alarm = self.loop.call_at(until, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = self.loop.time() + ROUNDING
        exchanges = (*self._streams.values(), *self._waiting)
        for exchange in exchanges:
            if exchange.until is not None and exchange.until <= now and not exchange.closed:
                exchange.expire()
        left = [each.until for each in exchanges if each.until is not None and not each.closed]
        if left:
            self.watch(min(left))

    def _unseen(self) -> CallFailed:
        return CallFailed(
            Unavailable(self.reason or "the server takes no more calls"), told=False, unseen=True
        )

    def _close_if_done(self) -> None:
        if self.left.done() and not self._streams and not self._over:
            self._over = True
            self._hang_up(Error.NO_ERROR)

    def _hang_up(self, code: Error, reason: str = "") -> None:
        """Says good-bye. A server that does not read is left without."""
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.write(frames.goaway(0, code, reason))
            self._transport.close()

    def _break(self, broken: Broken) -> None:
        """Tells the server what it has done wrong, and closes."""
        self._over = True
        self.reason = f"the connection is of no use: {broken.reason}"
        self._hang_up(broken.code, broken.reason)
        self.fail(CallFailed(Unavailable(self.reason), told=False))

    def _look_for_silence(self) -> None:
        """Asks whether the server is there if calls wait and it has said nothing for long."""
        time = self.dialing.keepalive
        left = self._read_at + time - self.loop.time()
        if left > ROUNDING or not self.is_busy:
            self._asker = self.loop.call_later(left if left > ROUNDING else time, self._look_for_silence)
            return
        self._transport.write(frames.frame(PING, 0, 0, _QUESTION))
        self._asker = self.loop.call_later(self.dialing.ping_timeout, self._give_up, self.loop.time())

    def _give_up(self, asked: float) -> None:
        if self._read_at < asked:
            self.reason = "ping timeout: the server has said nothing for too long"
            self.abort()
            self.leave()
        else:
            self._look_for_silence()

    def _spend_idle_frame(self) -> None:
        if not self._idle_frames.spend():
            raise Broken(Error.ENHANCE_YOUR_CALM, "too many frames that say nothing")

    def _admit(self) -> None:
        """Begins calls that wait, as far as the server allows."""
        raise NotImplementedError

    def _on_settings(self, flags: int, payload: bytes) -> None:
        if flags & ACK:
            if payload:
                raise Broken(Error.FRAME_SIZE_ERROR, "an acknowledgement with content")
            return
        self._spend_idle_frame()
        for number, value in frames.settings_of(payload):
            self._set(number, value)
        self._transport.write(frames.frame(SETTINGS, ACK, 0))
        if not self.greeted.done():
            self.greeted.set_result(None)
        self.sender.pump()
        self._admit()

    def _set(self, number: int, value: int) -> None:
        if number == Setting.HEADER_TABLE_SIZE:
            self._heads.resize(value)
        elif number == Setting.ENABLE_PUSH:
            if value:
                raise Broken(Error.PROTOCOL_ERROR, f"ENABLE_PUSH {value} of a server")
        elif number == Setting.MAX_CONCURRENT_STREAMS:
            self._most = value
        elif number == Setting.INITIAL_WINDOW_SIZE:
            if value > frames.LARGEST_WINDOW:
                raise Broken(Error.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE {value}")
            self.sender.resize(value, self._streams.values())
        elif number == Setting.MAX_FRAME_SIZE:
            if not FRAME_SIZE <= value <= frames.LARGEST_FRAME_SIZE:
                raise Broken(Error.PROTOCOL_ERROR, f"MAX_FRAME_SIZE {value}")
            self.sender.frame_size = value

    def _on_ping(self, flags: int, payload: bytes) -> None:
        if len(payload) != 8:
            raise Broken(Error.FRAME_SIZE_ERROR, f"a ping of {len(payload)} bytes")
        if flags & ACK:
            return
        if not self._wrote:  # otherwise it is free: servers measure with them how much a connection carries
            self._spend_idle_frame()
        self._wrote = False
        self._transport.write(frames.frame(PING, ACK, 0, payload))

    def _on_goaway(self, flags: int, payload: bytes) -> None:
        """The server takes no more calls. Those after the last that it names it has not seen."""
        if len(payload) < 8:
            raise Broken(Error.FRAME_SIZE_ERROR, "GOAWAY that is cut off")
        last = int.from_bytes(payload[:4], "big") & frames.LARGEST_STREAM
        code, words = int.from_bytes(payload[4:8], "big"), payload[8:].decode(errors="replace")
        self.too_many_pings = code == Error.ENHANCE_YOUR_CALM and words == "too_many_pings"
        if code:
            self.reason = f"the server has ended the connection: error {code}{words and f', {words}'}"
        self.leave()
        for exchange in [each for each in self._streams.values() if each.id > last]:
            del self._streams[exchange.id]
            exchange.close(self._unseen())
        self._close_if_done()


def reason_of(error: BaseException) -> str:
    """What an error of a socket says, the same on every event loop."""
    if isinstance(error, ssl.SSLError | socket.gaierror | UnicodeError) or not isinstance(error, OSError):
        return str(error) or type(error).__name__
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
