"""Flow control of what a connection receives on all its streams together."""

from __future__ import annotations

from collections.abc import Callable

from zero_runtime.rpc.http2.frames import Broken, Error

WINDOW = 1024 * 1024
"""Bytes of requests that may be under way on all streams together."""

MOST_UNREAD = 64 * 1024 * 1024
"""Bytes of requests that may be here unread before the client has to wait."""


class Intake:
    """Grants the window of a connection, most of the time as soon as something has come.

    So a call that nobody reads holds up none but itself: its own window ends far sooner. Only when hundreds
    of calls are unread at a time, all of them wait until some have been read or are over. Requests that are
    not complete do not count: nobody could read them, and waiting would have no end.
    """

    def __init__(self, grant: Callable[[int], None]) -> None:
        """``grant`` tells the client how many bytes more it may send."""
        self._grant = grant
        self._room = WINDOW
        """Bytes that the client may send before it is told that there is room for more."""
        self.unread = 0
        """Bytes of whole requests that are here."""

    def take(self, size: int) -> None:
        """So many bytes have come. Raises Broken when that is more than was granted."""
        self._room -= size
        if self._room < WINDOW // 2:
            if self._room < 0:
                raise Broken(Error.FLOW_CONTROL_ERROR, "more than the window of the connection")
            self._make_room()

    def hold(self, change: int) -> None:
        """So many bytes more, or fewer, are here unread."""
        self.unread += change
        if change < 0 and self._room < WINDOW // 2:
            self._make_room()

    def _make_room(self) -> None:
        if self.unread <= MOST_UNREAD:
            self._grant(WINDOW - self._room)
            self._room = WINDOW
