from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.servers.certificates import Authority, Certificate
from tests.servers.echo import run
from zero_runtime import errors, rpc
from zero_runtime.config import InvalidValue, RpcClientConf
from zero_runtime.config.durations import Duration
from zero_runtime.rpc.client import dialing
from zero_runtime.rpc.client.conftest import Peer, client, serving
from zero_runtime.rpc.client.http2 import dialing as http2_dialing

pytestmark = pytest.mark.usefixtures("transport")


def credentials(certificate: Certificate, callers: Path | None = None) -> grpc.ServerCredentials:
    pair = (certificate.key.read_bytes(), certificate.certificate.read_bytes())
    return grpc.ssl_server_credentials(
        [pair], callers and callers.read_bytes(), require_client_auth=callers is not None
    )


def test_tls(tmp_path: Path) -> None:
    async def test() -> None:
        authority = Authority(tmp_path)
        peer = Peer()
        async with serving(peer, credentials=credentials(authority.issue("server"))):
            async with client(peer, ca_cert_file=str(authority.file)) as calls:
                assert await calls.say() == "x"
                assert [each.value async for each in calls.count("1")] == ["1"]
            other = Authority(tmp_path, "other")
            untrusted: tuple[dict[str, Any], ...] = ({"ca_cert_file": str(other.file)}, {"tls": True})
            for conf in untrusted:
                async with client(peer, **conf) as calls:
                    with pytest.raises(errors.Unavailable, match="CERTIFICATE_VERIFY_FAILED|certificate"):
                        await calls.say()
            async with client(peer) as calls:
                with pytest.raises(errors.Unavailable):
                    await calls.say()

    run(test())


def test_the_name_that_a_certificate_must_be_for(tmp_path: Path) -> None:
    async def test() -> None:
        authority = Authority(tmp_path)
        peer = Peer()
        named = authority.issue("server", ("user-rpc.prod",))
        async with serving(peer, credentials=credentials(named)):
            conf: dict[str, Any] = {"ca_cert_file": str(authority.file)}
            async with client(peer, **conf, server_name="user-rpc.prod") as calls:
                assert await calls.say() == "x"
            async with client(peer, **conf) as calls:
                with pytest.raises(errors.Unavailable, match="127.0.0.1"):
                    await calls.say()

    run(test())


def test_mutual_tls(tmp_path: Path) -> None:
    async def test() -> None:
        authority = Authority(tmp_path)
        peer, caller = Peer(), authority.issue("caller")
        conf: dict[str, Any] = {"ca_cert_file": str(authority.file)}
        async with serving(peer, credentials=credentials(authority.issue("server"), authority.file)):
            shown: dict[str, Any] = {"cert_file": str(caller.certificate), "key_file": str(caller.key)}
            async with client(peer, **conf, **shown) as calls:
                assert await calls.say() == "x"
            async with client(peer, **conf) as calls:
                with pytest.raises(errors.Unavailable):
                    await calls.say()

    run(test())


def test_files_that_are_of_no_use(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    nothing = str(tmp_path / "nothing.pem")
    (tmp_path / "text.pem").write_text("no certificate")
    text = str(tmp_path / "text.pem")
    certificate, key = str(one.certificate), str(one.key)
    for conf, message in (
        ({"ca_cert_file": nothing}, f"CACertFile: {nothing}: no such file"),
        ({"ca_cert_file": text}, f"CACertFile: {text}: expected certificates in PEM"),
        ({"cert_file": nothing, "key_file": key}, f"CertFile: {nothing}: no such file"),
        ({"cert_file": certificate, "key_file": nothing}, f"KeyFile: {nothing}: no such file"),
        ({"cert_file": certificate, "key_file": str(other.key)}, "CertFile and KeyFile: key values mismatch"),
        (
            {"cert_file": text, "key_file": key},
            "CertFile and KeyFile: expected a certificate and its key, in PEM",
        ),
    ):
        with pytest.raises(InvalidValue, match=message):
            rpc.connect(RpcClientConf(target="a:1", **conf))  # type: ignore[arg-type]


def test_a_server_that_vanished_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its packets are swallowed, as by a machine that lost its power."""

    async def test() -> None:
        peer = Peer()
        peer.delay = 60
        vanished = asyncio.Event()
        for module in (dialing, http2_dialing):
            monkeypatch.setattr(module, "_PING_TIMEOUT", 0.3)

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65536):
                if not vanished.is_set():
                    writer.write(data)
            writer.close()

        async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            beyond = await asyncio.open_connection(*peer.address.split(":"))
            await asyncio.gather(pass_on(reader, beyond[1]), pass_on(beyond[0], writer))

        async with serving(peer), await asyncio.start_server(connect, "127.0.0.1", 0) as between:
            address = "127.0.0.1:%d" % between.sockets[0].getsockname()[1]
            async with client(address, keepalive_time=Duration(0.5)) as calls:
                waiting = asyncio.ensure_future(anext(calls.count()))
                await asyncio.sleep(0.2)
                vanished.set()
                with pytest.raises(errors.Unavailable, match="ping timeout"):
                    await asyncio.wait_for(waiting, 5)

    run(test())
