"""Where servers listen, and what they say of it."""

from __future__ import annotations

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.servers.echo import client, echo, run, serving
from zero_runtime import rpc
from zero_runtime.config import InvalidValue, RpcServerConf
from zero_runtime.rpc import grpcio

pytestmark = pytest.mark.parametrize("kind", [rpc.Server, grpcio.Server], ids=["http2", "grpcio"])


def test_a_taken_port_is_named(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        async with serving(kind=kind) as (_, address):
            with pytest.raises(OSError, match=f"^cannot listen on {address}: address already in use$"):
                async with serving(listen_on=address, kind=kind):
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
def test_an_address_that_cannot_be_had_is_named(kind: type[rpc.Server], listen_on: str, reason: str) -> None:
    async def test() -> None:
        with pytest.raises(OSError, match=f"^cannot listen on {listen_on}: .*{reason}"):
            async with serving(listen_on=listen_on, kind=kind):
                pass

    run(test())


@pytest.mark.parametrize("listen_on", [":0", "0.0.0.0:0", "localhost:0"])
def test_the_reported_address_is_reachable(kind: type[rpc.Server], listen_on: str) -> None:
    async def test() -> None:
        async with serving(listen_on=listen_on, kind=kind) as (_, address), client(address) as say:
            host, _, port = address.rpartition(":")
            assert host in ("127.0.0.1", "localhost") and int(port) > 0
            assert await say("x") == "x"

    run(test())


def test_a_name_that_fits_no_registry_leaves_nothing_behind(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        service = rpc.Service("test.Echo", ())
        conf = RpcServerConf(name="a/b", listen_on="127.0.0.1:0", register="local")
        server = kind(conf, (service,))
        with pytest.raises(InvalidValue, match="`a/b` is not the name of a service"):
            await server.start()
        await server.stop(0)

    run(test())


def test_services_that_share_a_name_are_refused(kind: type[rpc.Server]) -> None:
    async def test() -> None:
        service = rpc.Service("test.Echo", (rpc.unary_unary("Say", echo, StringValue, StringValue),))
        server = kind(RpcServerConf(name="x", listen_on="127.0.0.1:0"), (service, service))
        with pytest.raises(ValueError, match="^/test.Echo/Say is served twice$"):
            await server.start()

    run(test())
