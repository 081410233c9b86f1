"""How connections come about, and what is told where none does."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from tests.servers.certificates import Authority
from tests.servers.process import free_port
from zero_runtime import rpc
from zero_runtime.config import RpcClientConf
from zero_runtime.rpc.client.conftest import Client, Peer, serving
from zero_runtime.rpc.client.http2 import dialing as module
from zero_runtime.rpc.client.http2.backend import Http2Backend
from zero_runtime.rpc.client.http2.conftest import Wire, connected, failure, framed, run, say, wired
from zero_runtime.rpc.client.http2.dialing import Dialing, Unconnected


async def echo(wire: Wire) -> None:
    while True:
        wire.answer(await wire.call(), framed(b"y"))


@pytest.mark.parametrize("scheme", ["unix:{}", "unix://{}", "unix-abstract:zero-test-{}"])
def test_sockets_of_this_machine(tmp_path: Path, scheme: str) -> None:
    target = scheme.format(tmp_path / "socket")

    async def test() -> None:
        peer = Peer()
        async with serving(peer, listen_on=target), rpc.connect(RpcClientConf(target=target)) as channel:
            assert await Client(channel).say() == "x"

    asyncio.run(asyncio.wait_for(test(), 10))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_hosts(host: str) -> None:
    async def test() -> None:
        async with wired(echo) as address:
            port = address.rpartition(":")[2]
            async with connected(f"{host}:{port}") as calls:
                assert await say(calls) == b"y"

    run(test())


def test_all_addresses_of_a_name_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        seen: list[str] = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(writer.get_extra_info("sockname")[0])
            writer.close()

        async def lookup(host: str, port: int, **_: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (1, 2, 3)]

        monkeypatch.setattr(loop, "getaddrinfo", lookup)
        async with await asyncio.start_server(note, "0.0.0.0", 0) as server:
            port = server.sockets[0].getsockname()[1]
            for turn in range(2):
                with pytest.raises(Unconnected):
                    await Dialing().connect(f"name:{port}", turn)
        assert seen == ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3", "127.0.0.1"]

    run(test())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak HTTP/2"),
        (b"", "closed the connection|Connection reset by peer"),
        (None, "has not said within 0.2 s that it speaks HTTP/2"),
    ],
)
def test_servers_of_something_else(
    said: bytes | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIMEOUT", 0.2)

    async def test() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if said is None:
                await reader.read()
            else:
                writer.write(said)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            with pytest.raises(Unconnected, match=expected):
                await Dialing().connect("127.0.0.1:%d" % server.sockets[0].getsockname()[1], 0)
            await asyncio.sleep(0.05)

    run(test())


def test_tls_without_http2(tmp_path: Path) -> None:
    async def test() -> None:
        authority = Authority(tmp_path)
        issued = authority.issue("server")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        trusting = ssl.create_default_context(cafile=str(authority.file))
        trusting.set_alpn_protocols(["h2"])

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            with pytest.raises(Unconnected, match="does not offer HTTP/2"):
                await Dialing(tls=trusting).connect("127.0.0.1:%d" % server.sockets[0].getsockname()[1], 0)
            await asyncio.sleep(0.05)

    run(test())


def test_a_host_that_there_is_not() -> None:
    async def test() -> None:
        with pytest.raises(Unconnected, match=r"the host nowhere\.invalid is not found: "):
            await Dialing().connect("nowhere.invalid:1", 0)

    run(test())


def test_addresses_need_no_thread() -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        busy = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            loop.set_default_executor(pool)
            work = loop.run_in_executor(None, busy.wait)
            try:
                async with wired(echo) as address, connected(address) as client:
                    assert await say(client) == b"y"
            finally:
                busy.set()
                await work

    run(test())


def test_what_nobody_expected_does_not_end_the_attempts(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        calls = Http2Backend("127.0.0.1:nonsense", lambda: None, Dialing())
        await asyncio.sleep(0.2)
        assert calls.failed
        failed = await failure(say(calls))
        assert failed.unseen and "nonsense" in failed.error.message
        await calls.close(0)

    run(test())
    assert len([record for record in caplog.records if "cannot connect" in record.message]) >= 2


def test_attempts_that_fail_become_rarer() -> None:
    async def test() -> None:
        address = f"127.0.0.1:{free_port()}"
        times: list[float] = []
        calls = Http2Backend(address, lambda: times.append(asyncio.get_running_loop().time()), Dialing())
        assert not calls.failed
        await asyncio.sleep(0.6)
        assert calls.failed and not calls.check()
        failed = await failure(say(calls))
        assert failed.unseen and failed.error.message == "Connection refused"
        pauses = [later - sooner for sooner, later in pairwise(times)]
        assert 3 <= len(pauses) <= 8
        assert pauses[0] < 0.08 < pauses[-1]
        await calls.close(0)

    run(test())


def test_a_client_that_closes_while_it_connects() -> None:
    async def test() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            calls = Http2Backend("127.0.0.1:%d" % server.sockets[0].getsockname()[1], print, Dialing())
            await asyncio.sleep(0.05)
            await calls.close(0)
            await asyncio.sleep(0.05)

    run(test())


def test_a_client_that_is_closed_while_it_looks_for_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancellation comes together with the answer, which must not swallow it."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        looking: asyncio.Future[list[object]] = loop.create_future()

        async def getaddrinfo(*_: object, **__: object) -> list[object]:
            return await looking

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        backend = Http2Backend("nowhere:1", lambda: None, Dialing())
        await asyncio.sleep(0)
        looking.set_result([(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))])
        await asyncio.sleep(0)
        await asyncio.wait_for(backend.close(grace=0), 5)

    asyncio.run(test())
