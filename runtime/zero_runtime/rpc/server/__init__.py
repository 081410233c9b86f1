"""gRPC servers: calls from their heads to their statuses, over any transport."""

from zero_runtime.rpc.server.call import Metadata, ServedCall, current_call
from zero_runtime.rpc.server.server import Server

__all__ = ["Metadata", "ServedCall", "Server", "current_call"]
