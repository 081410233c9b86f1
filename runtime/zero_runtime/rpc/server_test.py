"""The life of a server."""

from __future__ import annotations

import asyncio
import time

import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2

from tests.servers.echo import client, health, run, serving
from zero_runtime import errors
from zero_runtime.discovery import local_registry


def test_health_and_registry_tell_of_services_and_leaving() -> None:
    async def test() -> None:
        async with serving(register="local") as (server, address):
            assert local_registry().addresses("echo-rpc") == (address,)
            for name in ("", "test.Echo"):
                assert await health(address, name) == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await health(address, "test.Other")
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
            server.wrap_up()
            assert local_registry().addresses("echo-rpc") == ()
            for name in ("", "test.Echo"):
                assert await health(address, name) == health_pb2.HealthCheckResponse.NOT_SERVING

    run(test())


def test_calls_are_served_while_wrapping_up_and_finished_while_stopping() -> None:
    async def slow(request: StringValue) -> StringValue:
        await asyncio.sleep(0.3)
        return request

    async def test() -> None:
        async with serving(slow) as (server, address), client(address) as say:
            server.wrap_up()
            assert await say("while wrapping up") == "while wrapping up"
            call = asyncio.ensure_future(say("in flight"))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            await server.stop(5)
            assert time.monotonic() - started < 2
            assert await call == "in flight"
            with pytest.raises(errors.Unavailable):
                await say("too late")

    run(test())


def test_what_outlasts_the_grace_is_cancelled() -> None:
    async def dream(request: StringValue) -> StringValue:
        await asyncio.sleep(20)
        return request

    async def test() -> None:
        async with serving(dream, timeout=0) as (server, address), client(address, timeout=0) as say:
            call = asyncio.ensure_future(say("x"))
            await asyncio.sleep(0.1)
            await server.stop(0.2)
            with pytest.raises(errors.ZeroError):
                await call

    run(test())


def test_a_taken_port_is_named() -> None:
    async def test() -> None:
        async with serving() as (_, address):
            with pytest.raises(OSError, match=f"^cannot listen on {address}: address already in use$"):
                async with serving(listen_on=address):
                    pass

    run(test())


@pytest.mark.parametrize(
    ("listen_on", "reason"),
    [
        ("127.0.0.1:99999", "ports end at 65535"),
        ("nowhere.invalid:0", "not known"),
        ("192.0.2.1:0", "cannot assign requested address"),
    ],
)
def test_an_address_that_cannot_be_had_is_named(listen_on: str, reason: str) -> None:
    async def test() -> None:
        with pytest.raises(OSError, match=f"^cannot listen on {listen_on}: .*{reason}"):
            async with serving(listen_on=listen_on):
                pass

    run(test())


@pytest.mark.parametrize("listen_on", [":0", "0.0.0.0:0", "localhost:0"])
def test_the_reported_address_is_reachable(listen_on: str) -> None:
    async def test() -> None:
        async with serving(listen_on=listen_on) as (_, address), client(address) as say:
            host, _, port = address.rpartition(":")
            assert host in ("127.0.0.1", "localhost") and int(port) > 0
            assert await say("x") == "x"

    run(test())
