"""Servers as their configuration describes them."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from zero_runtime import rest
from zero_runtime.config import InvalidValue, RestConf
from zero_runtime.rest import granian
from zero_runtime.rest.conftest import Serve
from zero_runtime.rest.serving_test import run

SERVERS = [rest.Server, granian.Server]


async def echo(request: rest.Request) -> rest.Response:
    return rest.Response(200, request.body)


ROUTES = (rest.Route("GET", "/", echo), rest.Route("POST", "/echo", echo))


KEY = ec.generate_private_key(ec.SECP256R1())


def written(key: ec.EllipticCurvePrivateKey, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A certificate for 127.0.0.1 and its key, as the configuration names them."""
    folder = tmp_path_factory.mktemp("certificate")
    cert_file, key_file = folder / "tls.crt", folder / "tls.key"
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, KEY.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    cert_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(written(KEY, serialization.NoEncryption()))
    return {"cert_file": str(cert_file), "key_file": str(key_file)}


def conf(**options: Any) -> RestConf:
    return RestConf(**{"name": "test", "host": "127.0.0.1", "port": 0, **options})


def test_tls(serve_by_network: Serve, certificate: dict[str, str]) -> None:
    async def test() -> None:
        async with serve_by_network(ROUTES, **certificate) as served:
            url = served.client.base_url
            assert url.scheme == "https"
            trust = ssl.create_default_context(cafile=certificate["cert_file"])
            async with httpx.AsyncClient(base_url=url, verify=trust) as client:
                for body in (b"x", b"y" * 500_000):
                    assert (await client.post("/echo", content=body)).content == body
            with pytest.raises(httpx.TransportError):
                await httpx.AsyncClient().get(f"http://{url.host}:{url.port}/")

    run(test)


@pytest.mark.parametrize("server", SERVERS)
def test_certificates_that_are_of_no_use(server: Any, certificate: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("not a key")
    locked = tmp_path / "locked"
    locked.write_bytes(written(KEY, serialization.BestAvailableEncryption(b"x123")))
    for files, message in (
        ({"cert_file": "/none", "key_file": "/none"}, "CertFile: /none: no such file or directory"),
        ({**certificate, "key_file": "/none"}, "KeyFile: /none: no such file or directory"),
        ({**certificate, "key_file": str(other)}, "CertFile and KeyFile: "),
        ({**certificate, "key_file": str(locked)}, "CertFile and KeyFile: .* without a password"),
    ):
        with pytest.raises(InvalidValue, match=f"^{message}"):
            server(conf(**files), ROUTES)


@pytest.mark.parametrize("server", SERVERS)
def test_addresses_that_cannot_be_had(server: Any) -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(OSError, match=f"^cannot listen on 127.0.0.1:{port}: address already in use$"):
                await server(conf(port=port), ROUTES).start()
        with pytest.raises(OSError, match=r"cannot listen on no\.such\.host\.invalid:0: "):
            await server(conf(host="no.such.host.invalid"), ROUTES).start()

    run(test)


def test_ipv6(serve_by_network: Serve) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")

    async def test() -> None:
        async with serve_by_network(ROUTES, host="::1") as served:
            assert str(served.client.base_url).startswith("http://[::1]:")
            assert (await served.client.get("/")).status_code == 200

    run(test)


def test_no_timeout_and_no_limit_when_they_are_zero(serve_by_network: Serve) -> None:
    async def test() -> None:
        async with serve_by_network(ROUTES, timeout=0, max_bytes=0, max_conns=0) as served:
            assert len((await served.client.post("/echo", content=b"x" * 2_000_000)).content) == 2_000_000

    run(test)


@pytest.mark.parametrize("server", SERVERS)
def test_routes_that_clash_are_refused(server: Any) -> None:
    with pytest.raises(ValueError, match="GET /a and /a answer the same requests"):
        server(conf(), [rest.Route("GET", "/a", echo), rest.Route("GET", "/a", echo)])


@pytest.mark.parametrize("server", SERVERS)
def test_development_shows_what_is_served(server: Any) -> None:
    async def test() -> None:
        def openapi() -> bytes:
            return b'{"openapi": "3.1.0"}'

        async def own(request: rest.Request) -> rest.Response:
            return rest.Response(200, b"own")

        routes = (*ROUTES, rest.Route("GET", "/docs", own))
        for mode, given, answers in (
            ("dev", ROUTES, (openapi(), b"<!doctype html>")),
            ("dev", routes, (openapi(), b"own")),
            ("pro", ROUTES, (b"", b"")),
        ):
            serving = server(conf(mode=mode), given, openapi)
            url = await serving.start()
            async with httpx.AsyncClient(base_url=url) as client:
                for path, answer in zip(("/openapi.json", "/docs"), answers, strict=True):
                    got = await client.get(path)
                    assert got.status_code == (200 if answer else 404)
                    assert got.content[: len(answer)].lower() == answer
            await serving.stop(0)

    run(test)
