"""A server to be mistreated: it serves as generated main modules do, and behaves as it is told."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from typing import Literal

import msgspec
from google.protobuf.wrappers_pb2 import StringValue

from zero_runtime import config, rpc, service
from zero_runtime.errors import Unavailable


class Config(config.RpcServerConf, kw_only=True, frozen=True):
    """Configuration of a server to be mistreated."""

    transport: Literal["http2", "grpcio"] = "http2"


class Behaviour(msgspec.Struct, kw_only=True, frozen=True):
    """What a call does."""

    cpu: float = 0.0
    """Seconds of work in the event loop."""

    wait: float = 0.0
    """Seconds of waiting, as for a database."""

    fails: bool = False


class Target:
    """The logic: what answers says which process it was."""

    def __init__(self) -> None:
        self._behaviour = Behaviour()
        self._calls = 0

    async def answer(self, request: StringValue) -> StringValue:
        self._calls += 1
        behaviour = self._behaviour
        if behaviour.cpu:
            # Of its own thread's time: that others have the processor makes the work no less.
            end = time.thread_time() + behaviour.cpu
            while time.thread_time() < end:
                pass
        if behaviour.wait:
            await asyncio.sleep(behaviour.wait)
        if behaviour.fails:
            raise Unavailable("told to fail")
        return StringValue(value=str(os.getpid()))

    async def behave(self, request: StringValue) -> StringValue:
        """Changes what calls do; answers how many there were."""
        self._behaviour = msgspec.json.decode(request.value, type=Behaviour)
        return StringValue(value=str(self._calls))


async def wire(conf: Config, resources: AsyncExitStack) -> service.Server:
    target = Target()
    methods = (
        rpc.unary_unary("Answer", target.answer, StringValue, StringValue),
        rpc.unary_unary("Behave", target.behave, StringValue, StringValue),
    )
    services = (rpc.Service("test.Target", methods),)
    if conf.transport == "http2":
        return rpc.Server(conf, services)
    from zero_runtime.rpc import grpcio

    return grpcio.Server(conf, services)


if __name__ == "__main__":
    service.run(Config, wire)
