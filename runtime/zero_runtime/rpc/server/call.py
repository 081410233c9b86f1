"""The call that is being served, as logic and the stages around it see it."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from zero_runtime.observability.rpc import Observed
    from zero_runtime.resilience import Entry

Metadata = Sequence[tuple[str, str | bytes]]
"""What came with a call: names in lower case; the values of names that end in ``-bin`` are bytes, others
text. gRPC's own headers (``grpc-…``, ``content-type``, ``te``) are not among them."""


class ServedCall(msgspec.Struct, eq=False, gc=False):
    """A call that has been admitted; made by `Handler.begin`."""

    path: str
    """``/user.User/Login``."""

    metadata: Metadata
    peer: str
    """Who calls: ``127.0.0.1:52114``, ``[::1]:52114``."""

    timeout: float | None = None
    """How long its caller gives it from its head on, in seconds; None for no limit."""

    until: float | None = None
    """When it ends, on the loop's clock; None for no limit."""

    observed: Observed | None = None
    entry: Entry | None = None

    def value(self, name: str) -> str | bytes | None:
        """The first value of that name in the metadata; None when there is none."""
        for key, value in self.metadata:
            if key == name:
                return value
        return None


served_call: ContextVar[ServedCall | None] = ContextVar("served_call", default=None)


def current_call() -> ServedCall | None:
    """The call that the present task serves: its metadata, peer and path. None outside of calls."""
    return served_call.get()


def host(peer: str) -> str:
    """The host of a peer, without its port."""
    return peer.rpartition(":")[0].strip("[]")
