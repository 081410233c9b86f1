from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from zero_runtime.discovery import local_registry
from zero_runtime.rpc.server.conftest import Serve, Served, failure, run

SERVING, NOT_SERVING, UNKNOWN = 1, 2, 3


def stub(served: Served) -> Any:
    return health_pb2_grpc.HealthStub(served.caller.channel)


def asked(service: str) -> Any:
    return health_pb2.HealthCheckRequest(service=service)


def test_health_tells_of_services_and_leaving(serve: Serve) -> None:
    async def test() -> None:
        async with serve(register="local") as served:
            health = stub(served)
            assert local_registry().addresses("talk-rpc") == (served.address,)
            for name in ("", "test.Talk"):
                assert (await health.Check(asked(name))).status == SERVING
            found = await failure(health.Check(asked("test.Other")))
            assert found.code() is grpc.StatusCode.NOT_FOUND
            told = await health.List(health_pb2.HealthListRequest())
            assert {name: each.status for name, each in told.statuses.items()} == {"": 1, "test.Talk": 1}
            served.server.wrap_up()
            for name in ("", "test.Talk"):
                assert (await health.Check(asked(name))).status == NOT_SERVING
            assert await served.caller.say("x") == "x"
            await asyncio.sleep(0.1)
            assert local_registry().addresses("talk-rpc") == ()

    run(test())


def test_those_who_watch_are_told_and_do_not_hold_up_the_end(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with serve() as served:
            health = stub(served)
            known, strange = aiter(health.Watch(asked(""))), aiter(health.Watch(asked("test.Other")))
            assert (await anext(known)).status == SERVING
            assert (await anext(strange)).status == UNKNOWN
            served.server.wrap_up()
            assert (await anext(known)).status == NOT_SERVING
            await asyncio.wait_for(served.server.stop(20), 5)
            for watch in (known, strange):
                with pytest.raises(StopAsyncIteration):
                    await anext(watch)

    run(test())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_health_answers_a_server_that_is_full(serve: Serve) -> None:
    async def test() -> None:
        async with serve(max_conns=1) as served:
            call = served.caller.chat()
            await call.write("x")
            assert await call.read() == "X"
            assert (await failure(served.caller.say("x"))).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert (await stub(served).Check(asked(""))).status == SERVING
            await call.done_writing()

    run(test())


def test_it_can_be_switched_off(serve: Serve) -> None:
    async def test() -> None:
        async with serve(health=False) as served:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub(served).Check(asked(""))
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED

    run(test())
