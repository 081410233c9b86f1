"""One address of a target and the connection to it, over grpc.aio."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import grpc
import grpc.aio

from zero_runtime.deadline import cancelled_from_outside
from zero_runtime.errors import DeadlineExceeded
from zero_runtime.rpc.client.backend import Backend, CallFailed, StreamCall
from zero_runtime.rpc.client.dialing import Connection
from zero_runtime.rpc.client.options import Metadata
from zero_runtime.rpc.status import DETAILS, error_of_wire

_READY = grpc.ChannelConnectivity.READY
_FAILED = grpc.ChannelConnectivity.TRANSIENT_FAILURE

T = TypeVar("T")

# What gRPC itself says of calls that no server gave a status to; the tests hold it to these words.
_UNCONNECTED = re.compile(
    "failed to connect to all addresses|connections to all backends failing|DNS resolution failed"
)
_BROKEN = re.compile(r"Stream removed|Received http2 header|CLIENT: Sent message larger than max")
_NOT_TAKEN = re.compile(
    r"Stream removed \((GOAWAY received|RST_STREAM \(Received RST_STREAM with error code 7\))"
)

_MADE_UP = "Internal error from Core"
_PATIENCE = (0.0, 0.001, 0.01, 0.1)
"""Seconds between the looks at whether the status has come that an error of a write stands for."""


class GrpcioBackend(Backend):
    """Stays connected to one address and tells whenever the state of the connection has changed."""

    def __init__(self, address: str, changed: Callable[[], None], connection: Connection) -> None:
        super().__init__(address)
        self._channel = connection.channel(address)
        self._calls: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}
        self._following = asyncio.get_running_loop().create_task(self._follow(changed))

    def check(self) -> bool:
        self.ready = self._channel.get_state() is _READY
        return self.ready

    @property
    def failed(self) -> bool:
        return self._channel.get_state() is _FAILED

    async def call(
        self, path: str, payload: bytes, metadata: Metadata | None, timeout: float | None
    ) -> bytes:
        method = self._calls.get(path)
        if method is None:
            method = self._calls[path] = self._channel.unary_unary(path)
        try:
            answer: bytes = await method(payload, timeout=timeout, metadata=metadata)
            return answer
        except grpc.aio.AioRpcError as error:
            raise self.failure(error) from None
        except asyncio.CancelledError:
            if cancelled_from_outside():
                raise
            raise CallFailed(self.left, told=False) from None

    def open(self, path: str, metadata: Metadata | None, timeout: float | None) -> StreamCall:
        call = self._channel.stream_stream(path)(timeout=timeout, metadata=metadata)
        return GrpcioCall(call, self)

    def _stop_connecting(self) -> None:
        self._following.cancel()

    async def _close(self) -> None:
        await self._channel.close(None)

    async def _follow(self, changed: Callable[[], None]) -> None:
        while True:
            state = self._channel.get_state(try_to_connect=True)
            self.ready = state is _READY
            changed()
            await self._channel.wait_for_state_change(state)

    def failure(self, error: grpc.aio.AioRpcError) -> CallFailed:
        """What the end of a call means."""
        code, message, trailers = error.code(), error.details() or "", error.trailing_metadata()
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and message == "Deadline Exceeded" and not trailers:
            return CallFailed(DeadlineExceeded(message), told=False)
        # A server may pass on what its own client told it, so words alone are not enough.
        unconnected = _UNCONNECTED.match(message) is not None and not self.check()
        return CallFailed(
            error_of_wire(code.value[0], message, trailers.get(DETAILS) if trailers else None),
            told=not unconnected and _BROKEN.match(message) is None,
            unseen=unconnected or _NOT_TAKEN.match(message) is not None,
        )


class GrpcioCall(StreamCall):
    """A call under way, of which any number of messages go both ways."""

    def __init__(self, call: grpc.aio.StreamStreamCall[bytes, bytes], backend: GrpcioBackend) -> None:
        self._call = call
        self._backend = backend
        self._status: grpc.aio.AioRpcError | None = None
        """What the server has said in the end, if it has; OK too."""
        call.add_done_callback(self._ended)

    async def connected(self) -> bool:
        return await self._send(self._call.wait_for_connection())

    async def read(self) -> bytes | None:
        try:
            message: Any = await self._call.read()
        except grpc.aio.AioRpcError as error:
            error = await self._settled(error)
            if error.code() is grpc.StatusCode.OK:
                return None
            raise self._backend.failure(error) from None
        except asyncio.CancelledError:
            if cancelled_from_outside():
                raise
            raise CallFailed(self._backend.left, told=False) from None
        return None if message is grpc.aio.EOF else message

    async def write(self, message: bytes) -> bool:
        return await self._send(self._call.write(message))

    async def done_writing(self) -> None:
        await self._send(self._call.done_writing())

    def cancel(self) -> None:
        self._call.cancel()

    def _ended(self, call: grpc.aio.Call) -> None:
        """Keeps the status that the call has now, before a write that fails puts another in its place."""
        if self._status is None and (text := _value(call.details())) != _MADE_UP:
            code, trailers = _value(call.code()), _value(call.trailing_metadata())
            self._status = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, text)

    async def _settled(self, error: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError:
        """What the server has said: where a write meets the end of the call, gRPC has INTERNAL for it."""
        for pause in _PATIENCE:
            self._ended(self._call)
            if self._status is not None:
                return self._status
            await asyncio.sleep(pause)
        return error

    async def _send(self, sending: Any) -> bool:
        try:
            await sending
        except (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
            return False  # whoever reads learns why
        except asyncio.CancelledError:
            if cancelled_from_outside():
                raise
            return False
        return True


def _value(ready: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        ready.send(None)
    except StopIteration as result:
        value: T = result.value
        return value
    raise RuntimeError("the coroutine waits")
