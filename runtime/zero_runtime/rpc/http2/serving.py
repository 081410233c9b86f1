"""What the connections of a server share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zero_runtime.config.rpc import KeepaliveConf
from zero_runtime.rpc.server.pipeline import Handler

if TYPE_CHECKING:
    from zero_runtime.rpc.http2.link import Link


@dataclass(slots=True, kw_only=True)
class Serving:
    """What is served, and on which connections."""

    handlers: Mapping[bytes, Handler]
    """By the paths of their methods."""
    keepalive: KeepaliveConf
    max_request: int
    """Bytes that a request may have; 0 is no limit."""
    tls: bool = False
    connections: set[Link] = field(default_factory=set)
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever there is no connection left."""
    stopping: bool = False
    """Whether no connections are taken any more; those that were taken just now may still come."""
    context: Context = field(default_factory=copy_context)
    """What every call begins with. The present context may be that of another call: one that had filled the
    socket, so that reading began again in its name."""
