"""A connection as a whole: its beginning and its end, its settings, pings and window."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any, cast

from zero_runtime.errors import Unavailable
from zero_runtime.rpc.http2 import frames, intake
from zero_runtime.rpc.http2.answers import FORGET
from zero_runtime.rpc.http2.call import WINDOW, Call
from zero_runtime.rpc.http2.floods import IDLE_FRAMES, Budget
from zero_runtime.rpc.http2.flow import Sender
from zero_runtime.rpc.http2.frames import ACK, FRAME_SIZE, PING, SETTINGS, Broken, Error, Setting
from zero_runtime.rpc.http2.heads import HEAD_LIMIT
from zero_runtime.rpc.http2.keepalive import Keepalive
from zero_runtime.rpc.http2.serving import Serving

MOST_CALLS = 1024
"""Calls that one connection may have at a time; a client keeps further ones back."""

GREETING = 10.0
"""Seconds that a client has until it has said that it speaks HTTP/2."""

_GOODBYE = b"zero-bye"
"""What the ping says that follows the announcement of the end."""

_GOODBYE_TIMEOUT = 5.0
"""Seconds that its answer may take."""

_LINGER = 1.0
"""Seconds between the last word to a client that broke the protocol and the end: closing at once might lose
it."""

_OURS = frames.settings(
    {
        Setting.MAX_CONCURRENT_STREAMS: MOST_CALLS,
        Setting.INITIAL_WINDOW_SIZE: WINDOW,
        Setting.MAX_HEADER_LIST_SIZE: HEAD_LIMIT,
    }
) + frames.window_update(0, intake.WINDOW - frames.WINDOW)

_log = logging.getLogger("zero.rpc")


class Link(asyncio.Protocol):
    """What `Connection` is without its calls' frames."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.loop = asyncio.get_running_loop()
        self.sender = Sender(self.write, self.loop)
        self.intake = intake.Intake(self._grant)
        self.read_at = self.loop.time()
        """When something came, on the loop's clock."""
        self.quiet_since: float | None = self.read_at
        """When the last call ended, on the loop's clock; None while there are calls."""
        self.unled = True
        """Whether no header block has gone out."""
        self.peer = ""
        """Address and port of the client."""
        self._transport: asyncio.Transport
        self._calls: dict[int, Call] = {}
        self._last = 0
        """The last stream that the client has opened."""
        self._greeted = False
        """Whether the client has said that it speaks HTTP/2, and sent its settings."""
        self._over = False
        """Whether what comes is not read any more."""
        self._draining = False
        self._refuses = False
        """Whether the client has been told which call is the last one."""
        self._keepalive: Keepalive
        self._timer: asyncio.TimerHandle | None = None
        """Of what the client has to do now: to greet, to notice the goodbye, to read the last word."""
        self._idle_frames = Budget(IDLE_FRAMES, self.loop.time)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)
        self.peer = _peer(transport.get_extra_info("peername"))
        self._keepalive = Keepalive(self.serving.keepalive, self, self.loop)
        self.serving.connections.add(self)
        if self.serving.tls and not _speaks_http2(transport.get_extra_info("ssl_object")):
            self._over = True
            transport.close()
            return
        self._timer = self.loop.call_later(GREETING, transport.abort)
        transport.write(_OURS)
        if self.serving.stopping:
            self.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self._keepalive.stop()
        self._stop_timer()
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.cancel()
        self.serving.connections.discard(self)
        if not self.serving.connections:
            self.serving.empty.set()

    def pause_writing(self) -> None:
        """The client does not read: so nothing more is read from it that would make us write."""
        self.sender.paused = True
        if not self._over:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self.sender.paused = False
        if not self._over:
            self._transport.resume_reading()
        self.sender.pump()

    def write(self, data: bytes) -> None:
        """Sends frames of calls."""
        self._keepalive.wrote = True
        self._transport.write(data)

    def lead(self) -> bytes:
        """What the next header block has to begin with."""
        if self.unled:
            self.unled = False
            return FORGET
        return b""

    def _grant(self, size: int) -> None:
        if not self._over:
            self._transport.write(frames.window_update(0, size))

    def ping(self, payload: bytes) -> None:
        self._transport.write(frames.frame(PING, 0, 0, payload))

    def drain(self) -> None:
        """Takes no new calls and closes the connection after the last one.

        In two steps, so that no call is lost that is on its way, be it the client's first words: an
        announcement, and when its reception has been confirmed, which call was the last one.
        """
        if self._draining or self._over:
            return
        self._draining = True
        self._transport.write(frames.goaway(frames.LARGEST_STREAM, Error.NO_ERROR))
        self.ping(_GOODBYE)
        self._stop_timer()
        self._timer = self.loop.call_later(_GOODBYE_TIMEOUT, self._settle)

    def give_up(self, reason: str) -> list[asyncio.Task[None]]:
        """Ends all calls and closes the connection; returns the tasks that have been cancelled."""
        if self._over:
            return []
        calls = list(self._calls.values())
        tasks = [task for call in calls if (task := call.give_up(Unavailable(reason))) is not None]
        if not self._over:
            self._transport.write(frames.goaway(self._last, Error.NO_ERROR))
            self.close()
        return tasks

    def close(self) -> None:
        """Closes the connection once all that was written has been sent."""
        self._over = True
        self._transport.close()

    def abort(self) -> None:
        """Closes the connection without a word."""
        self._over = True
        self._transport.abort()

    def _break(self, broken: Broken) -> None:
        """Tells the client what it has done wrong, and closes."""
        _log.info("the connection of %s is closed: %s", self.peer, broken)
        self._over = True
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.cancel()
        self._transport.write(frames.goaway(self._last, broken.code, broken.reason))
        self._stop_timer()
        self._timer = self.loop.call_later(_LINGER, self._transport.close)

    def _settle(self) -> None:
        """The client knows of the end: the calls that it has made by now are the last ones."""
        self._stop_timer()
        if not self._over and not self._refuses:
            self._refuses = True
            self._transport.write(frames.goaway(self._last, Error.NO_ERROR))
            self._close_if_done()

    def _close_if_done(self) -> None:
        if self._refuses and not self._calls:
            self.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _spend_idle_frame(self) -> None:
        if not self._idle_frames.spend():
            raise Broken(Error.ENHANCE_YOUR_CALM, "too many frames that say nothing")

    def _on_settings(self, flags: int, payload: bytes) -> None:
        if flags & ACK:
            if payload:
                raise Broken(Error.FRAME_SIZE_ERROR, "an acknowledgement with content")
            return
        self._spend_idle_frame()
        # The last word on each alone: a new window goes through all calls, a frame has room for thousands.
        for number, value in dict(frames.settings_of(payload)).items():
            self._set(number, value)
        self._transport.write(frames.frame(SETTINGS, ACK, 0))
        self.sender.pump()

    def _set(self, number: int, value: int) -> None:
        # The size of the table of our encoder says nothing to us, see `answers.FORGET`; nor do the limits of
        # streams that we open, which are none, and of header fields, of which we send few.
        if number == Setting.ENABLE_PUSH:
            if value > 1:
                raise Broken(Error.PROTOCOL_ERROR, f"ENABLE_PUSH {value}")
        elif number == Setting.INITIAL_WINDOW_SIZE:
            if value > frames.LARGEST_WINDOW:
                raise Broken(Error.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE {value}")
            self.sender.resize(value, self._calls.values())
        elif number == Setting.MAX_FRAME_SIZE:
            if not FRAME_SIZE <= value <= frames.LARGEST_FRAME_SIZE:
                raise Broken(Error.PROTOCOL_ERROR, f"MAX_FRAME_SIZE {value}")
            self.sender.frame_size = value

    def _on_ping(self, flags: int, payload: bytes) -> None:
        if len(payload) != 8:
            raise Broken(Error.FRAME_SIZE_ERROR, f"a ping of {len(payload)} bytes")
        if flags & ACK:
            if payload == _GOODBYE and self._draining:
                self._settle()
        elif self._keepalive.pinged():
            self._transport.write(frames.frame(PING, ACK, 0, payload))
        else:
            raise Broken(Error.ENHANCE_YOUR_CALM, "too_many_pings")  # the words that gRPC's clients know

    def _on_goaway(self, flags: int, payload: bytes) -> None:
        """The client will open no more streams; it closes the connection when it has its answers."""
        if len(payload) < 8:
            raise Broken(Error.FRAME_SIZE_ERROR, "GOAWAY that is cut off")


def _peer(address: Any) -> str:
    if isinstance(address, tuple):
        host, port = address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return address if isinstance(address, str) else ""


def _speaks_http2(tls: ssl.SSLObject | None) -> bool:
    return tls is not None and tls.selected_alpn_protocol() == "h2"
