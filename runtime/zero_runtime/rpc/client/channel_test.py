"""How a client finds servers and stays with them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.servers.echo import Say, client, run, serving
from tests.servers.process import free_port
from zero_runtime import errors

pytestmark = pytest.mark.usefixtures("transport")


def test_a_client_waits_for_the_first_server() -> None:
    async def test() -> None:
        async with client("local:///echo-rpc") as say:
            call = asyncio.ensure_future(say("early"))
            await asyncio.sleep(0.2)
            async with serving(register="local"):
                assert await call == "early"

    run(test())


def test_a_client_that_finds_no_server_says_where_it_looked(state: Path) -> None:
    async def test() -> None:
        async with client("local:///echo-rpc", timeout=300) as say:
            with pytest.raises(errors.Unavailable) as caught:
                await say("x")
            folder = state / "registry" / "echo-rpc"
            expected = f"local:///echo-rpc: no living server has an entry in {folder} (waited 0.3 s)"
            assert caught.value.message == expected

    run(test())


def test_a_client_follows_a_server_to_another_port() -> None:
    async def test() -> None:
        async with client("local:///echo-rpc") as say:
            for _ in range(3):
                async with serving(register="local"):
                    assert await say("x") == "x"

    run(test())


def test_no_call_is_lost_when_one_of_two_servers_leaves_gracefully() -> None:
    async def test() -> None:
        lost: list[Exception] = []

        async def caller(say: Say) -> None:
            for _ in range(150):
                try:
                    await say("x")
                except errors.ZeroError as error:
                    lost.append(error)
                await asyncio.sleep(0.005)

        async with (
            client("local:///echo-rpc") as say,
            serving(register="local"),
            serving(register="local") as (leaving, _),
        ):
            calls = asyncio.gather(*(caller(say) for _ in range(4)))
            await asyncio.sleep(0.1)
            leaving.wrap_up()
            await asyncio.sleep(0.6)  # a client looks at the registry every half second
            await leaving.stop(5)
            await calls
        assert lost == []

    run(test())


def test_a_registry_that_cannot_be_read_is_no_defect_of_the_caller(state: Path) -> None:
    async def test() -> None:
        registry = state / "registry"
        registry.mkdir()
        (registry / "echo-rpc").touch()
        async with client("local:///echo-rpc") as say:
            with pytest.raises(errors.Unavailable, match="cannot look for servers: .*Not a directory"):
                await say("x")

    run(test())


def test_addresses_that_all_fail_are_reported_at_once() -> None:
    async def test() -> None:
        address = f"127.0.0.1:{free_port()}"
        async with client(address, timeout=20_000) as say:
            started = time.monotonic()
            with pytest.raises(errors.Unavailable, match=rf"UNAVAILABLE: {address}: .*[Cc]onnection refused"):
                await say("x")
            assert time.monotonic() - started < 5

    run(test())


def test_a_fixed_address_is_connected_again_when_its_server_is_back() -> None:
    async def test() -> None:
        address = f"127.0.0.1:{free_port()}"
        async with client(address) as say:
            async with serving(listen_on=address):
                assert await say("x") == "x"
            with pytest.raises(errors.Unavailable):
                await say("x")
            async with serving(listen_on=address):
                while True:
                    try:
                        assert await say("x") == "x"
                        break
                    except errors.Unavailable:
                        await asyncio.sleep(0.05)

    run(test())


def test_targets_of_grpc_itself() -> None:
    async def test() -> None:
        async with serving() as (_, address):
            port = address.rpartition(":")[2]
            for target in (f"dns:///localhost:{port}", f"ipv4:{address}"):
                async with client(target) as say:
                    assert await say("x") == "x"

    run(test())


def test_closing_a_channel_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        before = asyncio.all_tasks()
        async with serving() as (_, address):
            async with client(f"direct:///{address},127.0.0.1:{free_port()}") as say:
                assert await say("x") == "x"
            await asyncio.sleep(0.05)
        assert [task for task in asyncio.all_tasks() - before if "grpc" not in repr(task)] == []

    run(test())
    assert [record for record in caplog.records if "Task" in record.getMessage()] == []
