"""What carries calls to their handlers: the seam between the server and gRPC over HTTP/2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from zero_runtime.config import RpcServerConf
from zero_runtime.rpc.server.pipeline import Handler


class Transport(Protocol):
    """Listens, and answers calls with what their handlers say.

    When the head of a call has arrived it calls `Handler.begin`, then in a task of the call's own
    `Handler.unary` or `Handler.stream`; if the caller leaves before that task runs, `Handler.abandon`. It
    cancels the task when the caller leaves and when the server stops. Calls of paths without a handler are
    UNIMPLEMENTED.
    """

    def __init__(self, conf: RpcServerConf, handlers: Mapping[str, Handler]) -> None: ...

    async def start(self) -> int:
        """Listens on ``ListenOn``, in TLS if a certificate is configured; returns the port.

        Raises OSError when it cannot listen there, InvalidValue when a certificate is of no use.
        """

    async def stop(self, grace: float) -> None:
        """Takes no new calls, lets those in flight finish, cancels them after ``grace`` seconds."""
