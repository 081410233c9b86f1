"""gRPC's own implementation as a transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

import grpc
import grpc.aio

from zero_runtime.config import RpcServerConf
from zero_runtime.errors import Cancelled, ZeroError
from zero_runtime.rpc.server.call import Metadata, ServedCall
from zero_runtime.rpc.server.listening import listen
from zero_runtime.rpc.server.pipeline import Handler
from zero_runtime.rpc.server.tls import credentials
from zero_runtime.rpc.service import Kind
from zero_runtime.rpc.status import DETAILS, wire_status

if TYPE_CHECKING:
    _Context: TypeAlias = grpc.aio.ServicerContext[bytes, bytes]

_STATUSES = {status.value[0]: status for status in grpc.StatusCode}
_NEVER = 2**31 - 1


class GrpcioTransport:
    """Serves with ``grpc.aio``. See `Transport`.

    When it stops under load a few calls in ten thousand end as CANCELLED: gRPC drops those whose heads have
    come in, but which it has not handed to a handler yet, and has no way to say GOAWAY first.
    """

    def __init__(self, conf: RpcServerConf, handlers: Mapping[str, Handler]) -> None:
        self._conf = conf
        self._handlers = handlers

    async def start(self) -> int:
        conf = self._conf
        host, _, port = conf.listen_on.rpartition(":")
        secrets = credentials(conf)
        for listener in listen(
            conf.listen_on
        ):  # the socket API knows why an address cannot be had; gRPC does not
            listener.close()
        self._server = server = grpc.aio.server(options=_options(conf))
        server.add_generic_rpc_handlers((_Methods(self._handlers),))
        address = f"{host or '[::]'}:{port}"
        try:
            if secrets is None:
                bound: int = server.add_insecure_port(address)
            else:
                bound = server.add_secure_port(
                    address,
                    grpc.ssl_server_credentials(
                        [(secrets.key, secrets.certificate)], secrets.callers, secrets.callers is not None
                    ),
                )
        except RuntimeError as error:
            raise OSError(f"cannot listen on {conf.listen_on}: {error}") from error
        await server.start()
        return bound

    async def stop(self, grace: float) -> None:
        await self._server.stop(grace)


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc]  # gRPC's stubs leave its base open
    """Finds the handler of a call."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._methods = {path: _method(handler) for path, handler in handlers.items()}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return self._methods.get(details.method)


def _method(handler: Handler) -> grpc.RpcMethodHandler[bytes, bytes]:
    """What gRPC calls. On the wire all kinds but the first are alike."""

    async def unary(payload: bytes, context: _Context) -> bytes:
        try:
            return await handler.unary(_begin(handler, context), payload)
        except ZeroError as error:
            _fail(context, error)
            return b""  # gRPC sends no message with a status other than OK

    async def stream(requests: AsyncIterator[bytes], context: _Context) -> None:
        async def write(payload: bytes) -> None:
            try:
                await context.write(payload)
            except grpc.aio.InternalError:  # gRPC says so before it cancels the task
                raise Cancelled("the caller has left") from None

        try:
            await handler.stream(_begin(handler, context), requests, write)
        except ZeroError as error:
            _fail(context, error)

    if handler.kind is Kind.UNARY_UNARY:
        return grpc.unary_unary_rpc_method_handler(unary)
    return grpc.stream_stream_rpc_method_handler(stream)


def _begin(handler: Handler, context: _Context) -> ServedCall:
    metadata: Metadata = tuple(
        (name, value) for name, value in context.invocation_metadata() or () if not name.startswith("grpc-")
    )
    return handler.begin(metadata, context.time_remaining(), _peer(context.peer()))


def _peer(written: str) -> str:
    """``ipv4:127.0.0.1:52114`` and ``ipv6:%5B::1%5D:52114`` without what they begin with."""
    _, _, address = unquote(written).partition(":")
    return address


def _fail(context: _Context, error: ZeroError) -> None:
    code, message, details = wire_status(error)
    context.set_code(_STATUSES[code])
    context.set_details(message)
    if details is not None:
        context.set_trailing_metadata(((DETAILS, details),))


def _options(conf: RpcServerConf) -> list[tuple[str, int]]:
    """Channel arguments: https://grpc.github.io/grpc/core/group__grpc__arg__keys.html."""
    keepalive = conf.keepalive
    return [
        # A second server on the same port is an error, not a silent sharer of its calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", conf.max_recv_msg_size or -1),
        ("grpc.keepalive_time_ms", _milliseconds(keepalive.time)),
        ("grpc.keepalive_timeout_ms", _milliseconds(keepalive.timeout)),
        # In spite of its name the one above does not end the wait: without this one it takes a minute.
        ("grpc.http2.ping_timeout_ms", _milliseconds(keepalive.timeout)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _milliseconds(keepalive.min_time)),
        ("grpc.max_connection_idle_ms", _milliseconds(keepalive.max_connection_idle)),
        ("grpc.max_connection_age_ms", _milliseconds(keepalive.max_connection_age)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(keepalive.max_connection_age_grace)),
    ]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000) or _NEVER
