"""The client of gRPC services: finds their servers, stays with them and shares calls out among them."""

from zero_runtime.rpc.client.channel import Channel, connect
from zero_runtime.rpc.client.options import CallOptions
from zero_runtime.rpc.client.streams import Stream

__all__ = ["CallOptions", "Channel", "Stream", "connect"]
