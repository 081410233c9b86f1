"""gRPC over HTTP/2: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.

HTTP/2 (RFC 9113) as far as gRPC uses it, made for calls of one request and one response: the heads of
requests are recognised by their bytes, answers are put together from constants and go out in one write.
This is the server; frames, fields, flow and messages serve the client (`zero_runtime.rpc.client.http2`) too.
"""
