"""gRPC served by its own implementation, ``grpc.aio``.

For ``rpc_server="grpcio"``; no other server imports it.
"""

from __future__ import annotations

from collections.abc import Mapping

from zero_runtime.rpc.server import server
from zero_runtime.rpc.server.grpcio import GrpcioTransport
from zero_runtime.rpc.server.pipeline import Handler
from zero_runtime.rpc.server.transport import Transport


class Server(server.Server):
    """The gRPC service that ``conf`` describes; see `zero_runtime.rpc.Server`."""

    def _carrier(self, handlers: Mapping[str, Handler]) -> Transport:
        return GrpcioTransport(self._conf, handlers)
