"""When a connection is asked whether its client is still there, and when it ends without a fault."""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from zero_runtime.config.rpc import KeepaliveConf

QUESTION = b"zero-ask"
"""What the pings say that ask whether a client is there."""

_STRIKES = 2
"""How often a client may ping too soon; grpc-go's and grpc-core's number."""

_JITTER = 0.1
"""Part of its age by which the end of a connection is moved at random, so that not all come again at once;
gRPC's."""


class Kept(Protocol):
    """A connection."""

    read_at: float
    """When something came, on the loop's clock."""
    quiet_since: float | None
    """When the last call ended; None while there are calls."""

    def ping(self, payload: bytes) -> None: ...

    def drain(self) -> None:
        """Takes no new calls and closes itself after the last one."""

    def give_up(self, reason: str) -> object:
        """Ends all calls and closes itself."""

    def abort(self) -> None:
        """Closes itself without a word."""


class Keepalive:
    """The timers of one connection, and the count of its client's pings."""

    def __init__(self, conf: KeepaliveConf, kept: Kept, loop: asyncio.AbstractEventLoop) -> None:
        self._conf = conf
        self._kept = kept
        self._loop = loop
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pinged_at: float | None = None
        self._strikes = 0
        self.wrote = False
        """Whether answers have gone out since the client's last ping."""
        if conf.time:
            self._set("silence", conf.time, self._look_for_silence)
        if conf.max_connection_idle:
            self._set("idle", conf.max_connection_idle, self._look_whether_idle)
        if conf.max_connection_age:
            self._set("age", conf.max_connection_age * random.uniform(1 - _JITTER, 1 + _JITTER), self._age)

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def pinged(self) -> bool:
        """The client has sent a ping; returns False when it does so too often.

        Pings that follow an answer are free: clients measure with them how much a connection carries.
        """
        now = self._loop.time()
        last, self._pinged_at = self._pinged_at, now
        if self.wrote:
            self.wrote = False
            self._strikes = 0
        elif last is not None and now - last < self._conf.min_time:
            self._strikes += 1
        return self._strikes <= _STRIKES

    def _look_for_silence(self) -> None:
        left = self._kept.read_at + self._conf.time - self._loop.time()
        if left > 0:
            self._set("silence", left, self._look_for_silence)
            return
        self._kept.ping(QUESTION)
        self._set("silence", self._conf.timeout or self._conf.time, self._hang_up, self._loop.time())

    def _hang_up(self, asked: float) -> None:
        if self._kept.read_at < asked:
            self._kept.abort()
        else:
            self._look_for_silence()

    def _look_whether_idle(self) -> None:
        since = self._kept.quiet_since
        idle = self._conf.max_connection_idle
        left = idle if since is None else since + idle - self._loop.time()
        if left > 0:
            self._set("idle", left, self._look_whether_idle)
        else:
            self._kept.drain()

    def _age(self) -> None:
        self._kept.drain()
        if self._conf.max_connection_age_grace:
            self._set(
                "age", self._conf.max_connection_age_grace, self._kept.give_up, "the connection is too old"
            )

    def _set(self, name: str, delay: float, then: object, *arguments: object) -> None:
        self._timers[name] = self._loop.call_later(delay, then, *arguments)  # type: ignore[arg-type]
