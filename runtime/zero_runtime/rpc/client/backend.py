"""One address of a target and the connection to it, over any transport.

All that the rest of the client knows of a transport is here: payloads, metadata, timeouts, and `CallFailed`.
"""

from __future__ import annotations

import abc
import asyncio
from time import monotonic

from zero_runtime.errors import Cancelled, Unavailable, ZeroError
from zero_runtime.rpc.client.balancer.load import Load
from zero_runtime.rpc.client.options import Metadata

_DRAIN = 30.0
"""Seconds that calls in flight have when their server has left the target."""

_LOOK = 0.05
"""Seconds between two looks at whether they are over."""


class CallFailed(Exception):
    """A call ended with an error."""

    def __init__(self, error: ZeroError, *, told: bool, unseen: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.told = told
        """Whether the server sent the error; otherwise it was made up here."""
        self.unseen = unseen
        """Whether no logic of the server can have seen the call."""


class StreamCall(abc.ABC):
    """A call under way, of which any number of messages go both ways. For one reader and one writer."""

    __slots__ = ()

    @abc.abstractmethod
    async def connected(self) -> bool:
        """Waits until the head of the call is on its way; returns whether the call still goes on."""

    @abc.abstractmethod
    async def read(self) -> bytes | None:
        """The next message; None when the call has ended well. Raises CallFailed."""

    @abc.abstractmethod
    async def write(self, message: bytes) -> bool:
        """Sends a message as soon as the server takes it; returns whether the call still went on."""

    @abc.abstractmethod
    async def done_writing(self) -> None:
        """Tells the server that no further message comes."""

    @abc.abstractmethod
    def cancel(self) -> None:
        """Ends the call, here and at the server, unless it has ended."""


class Backend(abc.ABC):
    """Stays connected to one address and tells whenever the state of the connection has changed."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.load = Load()
        self.ready = False
        """Whether it was connected when that was last told or asked."""
        self.left: ZeroError = Cancelled("the call was left")
        """Why a call was cancelled that its caller had not cancelled."""

    @abc.abstractmethod
    def check(self) -> bool:
        """Whether it is connected as of now; asking costs a tenth of a microsecond."""

    @property
    @abc.abstractmethod
    def failed(self) -> bool:
        """Whether the last attempt to connect has failed. Calls fail at once then, and tell why."""

    @abc.abstractmethod
    async def call(
        self, path: str, payload: bytes, metadata: Metadata | None, timeout: float | None
    ) -> bytes:
        """Calls a method with one request and one response. Raises CallFailed."""

    @abc.abstractmethod
    def open(self, path: str, metadata: Metadata | None, timeout: float | None) -> StreamCall:
        """Begins a call of a method whose requests or responses are streams."""

    async def close(self, grace: float = _DRAIN) -> None:
        """Closes the connection when the calls in flight are over, at the latest after ``grace`` seconds.

        If that is cancelled it closes it at once.
        """
        self._stop_connecting()
        self.left = Unavailable("it has left") if grace else Cancelled("the channel was closed")
        end = monotonic() + grace
        try:
            while self.load.in_flight and monotonic() < end:
                await asyncio.sleep(_LOOK)
        finally:
            await self._close()

    @abc.abstractmethod
    def _stop_connecting(self) -> None:
        """The connection is not made again when it is lost."""

    @abc.abstractmethod
    async def _close(self) -> None:
        """Ends the calls in flight and closes the connection."""
