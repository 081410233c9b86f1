"""Flow control of what we send: DATA waits here for the windows of its stream and of the connection."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from zero_runtime.rpc.http2 import frames
from zero_runtime.rpc.http2.frames import DATA, Broken, Error


class Outlet(Protocol):
    """A stream that sends. `Sender` alone writes these attributes, but for the beginning."""

    id: int
    window: int
    """Bytes that its receiver takes now; below 0 when the receiver has changed its mind."""
    pending: memoryview | None
    """What is left of the message that is being sent."""
    flushed: asyncio.Future[None] | None
    """Done when nothing is pending any more."""


class Sender:
    """Sends the messages of all streams of a connection, in turns of a frame each."""

    def __init__(self, write: Callable[[bytes], None], loop: asyncio.AbstractEventLoop) -> None:
        self._write = write
        self._loop = loop
        self._queue: OrderedDict[Outlet, None] = OrderedDict()
        """Who waits for its turn, and not for its own window; the next one first."""
        self.window = frames.WINDOW
        """Bytes that the peer takes now on all streams together."""
        self.initial = frames.WINDOW
        """The window of a stream that opens."""
        self.frame_size = frames.FRAME_SIZE
        self.paused = False
        """Whether the socket takes nothing at present."""

    def fits(self, outlet: Outlet, size: int) -> bool:
        """Whether so many bytes can go out at once, in one frame."""
        return size <= self.window and size <= outlet.window and size <= self.frame_size and not self.paused

    def send(self, outlet: Outlet, message: bytes) -> asyncio.Future[None] | None:
        """Sends what can be sent; returns what to wait for when some of it cannot yet."""
        size = len(message)
        if self.fits(outlet, size):
            self.window -= size
            outlet.window -= size
            self._write(frames.frame(DATA, 0, outlet.id, message))
            return None
        outlet.pending = memoryview(message)
        self._enqueue(outlet)
        self.pump()
        if outlet.pending is None:
            return None
        outlet.flushed = self._loop.create_future()
        return outlet.flushed

    def pump(self) -> None:
        """Sends as much as windows and socket take."""
        queue = self._queue
        while queue and self.window > 0 and not self.paused:
            outlet, _ = queue.popitem(last=False)
            pending = outlet.pending
            if pending is None or outlet.window <= 0:
                continue
            piece = pending[: min(self.window, outlet.window, self.frame_size)]
            size = len(piece)
            self.window -= size
            outlet.window -= size
            if size < len(pending):
                outlet.pending = pending[size:]
                self._enqueue(outlet)
            else:
                outlet.pending = None
            self._write(frames.frame(DATA, 0, outlet.id, bytes(piece)))
            if outlet.pending is None and outlet.flushed is not None and not outlet.flushed.done():
                outlet.flushed.set_result(None)

    def grant(self, size: int) -> None:
        """The peer takes more on the connection. Raises Broken."""
        self.window += size
        if self.window > frames.LARGEST_WINDOW:
            raise Broken(Error.FLOW_CONTROL_ERROR, "the window of the connection is too large")
        self.pump()

    def grant_to(self, outlet: Outlet, size: int) -> bool:
        """The peer takes more on one stream; returns False when that is more than there can be."""
        outlet.window += size
        if outlet.window > frames.LARGEST_WINDOW:
            return False
        self._enqueue(outlet)
        self.pump()
        return True

    def resize(self, initial: int, outlets: Iterable[Outlet]) -> None:
        """The peer has changed the window that streams begin with, and so that of all. Raises Broken.

        It is to be told that we know, and only then comes `pump`.
        """
        change = initial - self.initial
        self.initial = initial
        for outlet in outlets:
            outlet.window += change
            if outlet.window > frames.LARGEST_WINDOW:
                raise Broken(Error.FLOW_CONTROL_ERROR, "the window of a stream is too large")
            self._enqueue(outlet)

    def drop(self, outlet: Outlet) -> bool:
        """Sends no more of what is pending; returns whether a part of that message has been sent."""
        self._queue.pop(outlet, None)
        pending, outlet.pending = outlet.pending, None
        return pending is not None and len(pending) < memoryview(pending.obj).nbytes

    def _enqueue(self, outlet: Outlet) -> None:
        if outlet.pending is not None and outlet.window > 0:
            self._queue.setdefault(outlet)
