"""TLS and mutual TLS, whatever the transport."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest

from tests.servers.certificates import Authority
from zero_runtime.config import InvalidValue
from zero_runtime.rpc.server.conftest import Serve, failure, run


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def serving(authority: Authority) -> dict[str, str]:
    """The settings of a server that the authority has certified."""
    own = authority.issue("server")
    return {"cert_file": str(own.certificate), "key_file": str(own.key)}


def calling(authority: Authority, shown: Authority | None = None) -> grpc.ChannelCredentials:
    """A client that trusts the authority, and shows a certificate signed by another one."""
    if shown is None:
        return grpc.ssl_channel_credentials(authority.file.read_bytes())
    own = shown.issue("client")
    return grpc.ssl_channel_credentials(
        authority.file.read_bytes(), own.key.read_bytes(), own.certificate.read_bytes()
    )


def test_tls(serve: Serve, authority: Authority) -> None:
    large = "x" * 2_000_000

    async def test() -> None:
        async with serve(secrets=calling(authority), **serving(authority)) as served:
            for text in ("x", large):
                assert await served.caller.say(text) == text
            async with grpc.aio.insecure_channel(served.address) as plain:
                found = await failure(plain.unary_unary("/test.Talk/Say")(b"", timeout=3))
                assert found.code() in (
                    grpc.StatusCode.UNAVAILABLE,
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                )
            assert await served.caller.say("still served") == "still served"

    run(test())


def test_mutual_tls(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    strangers = Authority(tmp_path, "strangers")
    settings = {**serving(authority), "ca_cert_file": str(authority.file)}

    async def test() -> None:
        async with serve(secrets=calling(authority, authority), **settings) as served:
            assert await served.caller.say("x") == "x"
            for shown in (None, strangers):
                async with grpc.aio.secure_channel(served.address, calling(authority, shown)) as other:
                    found = await failure(other.unary_unary("/test.Talk/Say")(b"", timeout=3))
                    assert found.code() is grpc.StatusCode.UNAVAILABLE

    run(test())


@pytest.mark.parametrize(
    ("key", "found", "wrong"),
    [
        ("cert_file", None, "CertFile: {file}: no such file or directory"),
        ("key_file", None, "KeyFile: {file}: no such file or directory"),
        ("ca_cert_file", None, "CACertFile: {file}: no such file or directory"),
        ("cert_file", "junk", "CertFile and KeyFile: "),
        ("key_file", "junk", "CertFile and KeyFile: "),
        ("ca_cert_file", "junk", "CACertFile: {file}: "),
    ],
)
def test_files_of_no_use_are_named(
    serve: Serve, authority: Authority, tmp_path: Path, key: str, found: str | None, wrong: str
) -> None:
    file = tmp_path / "given.pem"
    if found is not None:
        file.write_text(found)
    settings = {**serving(authority), key: str(file)}

    async def test() -> None:
        with pytest.raises(InvalidValue, match=f"^{re.escape(wrong.format(file=file))}"):
            async with serve(**settings):
                pass

    run(test())


def test_a_key_of_another_certificate_is_refused(serve: Serve, authority: Authority) -> None:
    settings = {**serving(authority), "key_file": str(authority.issue("other").key)}

    async def test() -> None:
        with pytest.raises(InvalidValue, match="^CertFile and KeyFile: key values mismatch"):
            async with serve(**settings):
                pass

    run(test())
