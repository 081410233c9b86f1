"""gRPC servers and clients, with one error type on both sides."""

from zero_runtime.rpc.channel import Channel, connect
from zero_runtime.rpc.server import Server
from zero_runtime.rpc.service import Method, Service, unary

__all__ = ["Channel", "Method", "Server", "Service", "connect", "unary"]
