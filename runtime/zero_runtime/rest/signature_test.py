from __future__ import annotations

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from zero_runtime import rest
from zero_runtime.config import InvalidValue, PrivateKeyConf, SignatureConf
from zero_runtime.config.durations import Duration
from zero_runtime.errors import ZeroError
from zero_runtime.rest import signature as module
from zero_runtime.rest.message import Stream

NOW = 1_700_000_000
FINGERPRINT = "F1 Mh0=="
CLIENT_KEY = b"q4t7w!z%C*F-JaNdRgUjXn2r5u8x/A?D"
RSA_KEY = generate_private_key(65537, 1024)  # the size in go-zero's own tests, and quick
OTHER_KEY = generate_private_key(65537, 1024)


def pem(key: RSAPrivateKey | ec.EllipticCurvePrivateKey, kind: PrivateFormat) -> bytes:
    return key.private_bytes(Encoding.PEM, kind, NoEncryption())


class Client:
    """Signs as go-zero's clients do."""

    def __init__(self) -> None:
        self.fingerprint = FINGERPRINT
        self.public = RSA_KEY.public_key()
        self.key = CLIENT_KEY
        self.time: object = NOW
        self.type: object = 0

    def secret(self) -> bytes:
        """In blocks as large as the key can take."""
        content = (
            f"version=v1; type={self.type}; key={b64encode(self.key).decode()}; time={self.time}".encode()
        )
        size = self.public.key_size // 8 - 11
        blocks = (content[at : at + size] for at in range(0, len(content), size))
        return b64encode(b"".join(self.public.encrypt(block, PKCS1v15()) for block in blocks))

    def signature(self, method: str, path: str, query: str, body: bytes) -> bytes:
        lines = (str(self.time), method, path, query, hashlib.sha256(body).hexdigest())
        return b64encode(hmac.digest(self.key, "\n".join(lines).encode(), "sha256"))

    def header(self, method: str, path: str, query: str = "", body: bytes = b"") -> bytes:
        return b"key=%b; secret=%b; signature=%b" % (
            self.fingerprint.encode(),
            self.secret(),
            self.signature(method, path, query, body),
        )

    def request(
        self, method: str = "POST", path: str = "/a/b", query: str = "c=1&d=%20", body: bytes = b"hello"
    ) -> rest.Request:
        header = self.header(method, path, query, body)
        return request(method, path, query, body, header)

    def encrypt(self, text: bytes) -> bytes:
        cipher = Cipher(algorithms.AES(self.key), modes.ECB()).encryptor()
        count = 16 - len(text) % 16
        return b64encode(cipher.update(text + bytes([count]) * count) + cipher.finalize())

    def decrypt(self, body: bytes) -> bytes:
        cipher = Cipher(algorithms.AES(self.key), modes.ECB()).decryptor()
        padded = cipher.update(b64decode(body)) + cipher.finalize()
        return padded[: -padded[-1]]


def request(method: str, path: str, query: str, body: bytes, header: bytes | None) -> rest.Request:
    headers = [] if header is None else [(b"x-content-security", header)]
    return rest.Request(method, path, query=query.encode(), headers=headers, body=body)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "private.pem"
    file.write_bytes(pem(RSA_KEY, PrivateFormat.TraditionalOpenSSL))
    return file


def signature(
    key_file: Path, *, strict: bool = True, now: float = NOW, expiry: float = 3600
) -> module.Signature:
    keys = [PrivateKeyConf(fingerprint=FINGERPRINT, key_file=str(key_file))]
    conf = SignatureConf(strict=strict, expiry=Duration(expiry), private_keys=keys)
    return module.Signature(conf, clock=lambda: now)


@pytest.fixture(scope="module")
def strict(key_file: Path) -> module.Signature:
    return signature(key_file)


@pytest.fixture(scope="module")
def lax(key_file: Path) -> module.Signature:
    return signature(key_file, strict=False)


async def echo(request: rest.Request) -> rest.Response:
    return rest.Response(200, b"you said: " + request.body, ((b"x-echo", b"1"),))


def run(verify: module.Signature, sent: rest.Request, endpoint: rest.Endpoint = echo) -> rest.Response:
    return asyncio.run(verify(sent, endpoint))


def is_refused(verify: module.Signature, sent: rest.Request) -> bool:
    with pytest.raises(ZeroError, match=r"the signature of the request is not valid$") as refusal:
        run(verify, sent)
    return refusal.value.status == 403


@pytest.mark.parametrize("method", ["DELETE", "GET", "POST", "PUT"])
def test_signed_requests_pass(strict: module.Signature, client: Client, method: str) -> None:
    assert run(strict, client.request(method)).body == b"you said: hello"
    assert run(strict, client.request(method, body=b"", query="")).body == b"you said: "


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH"])
def test_other_methods_are_not_looked_at(strict: module.Signature, method: str) -> None:
    assert run(strict, request(method, "/", "", b"hello", None)).body == b"you said: hello"


@pytest.mark.parametrize("signed", ["method", "path", "query", "body"])
def test_everything_is_signed(
    strict: module.Signature, lax: module.Signature, client: Client, signed: str
) -> None:
    sent = client.request()
    other = {"method": "PUT", "path": "/a", "query": b"c=2", "body": b"HELLO"}[signed]
    setattr(sent, signed, other)
    assert is_refused(strict, sent)
    assert run(lax, sent).body == b"you said: " + sent.body


def client_with(**changes: Any) -> Client:
    client = Client()
    for name, value in changes.items():
        setattr(client, name, value)
    return client


@pytest.mark.parametrize(
    "client",
    [
        client_with(fingerprint="unknown"),
        client_with(public=OTHER_KEY.public_key()),
        client_with(time="soon"),
        client_with(time=""),
        client_with(time="9" * 200),
        client_with(type="a"),
        client_with(type=""),
        client_with(time="0" * 1000),  # more blocks than are decrypted
    ],
)
def test_secrets_that_are_no_good(strict: module.Signature, lax: module.Signature, client: Client) -> None:
    assert is_refused(strict, client.request())
    assert run(lax, client.request()).body == b"you said: hello"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", None),
        (b"secret=", b"secret=!"),
        (b"signature=", b"signature=A"),
        (b"signature", b"sign"),
        (b"secret", b"secrets"),
        (b"key", b"keys"),
        (b";", b","),
        (b"=", b""),
    ],
)
def test_headers_that_are_no_good(
    strict: module.Signature, client: Client, old: bytes, new: bytes | None
) -> None:
    header = client.header("GET", "/")
    changed = None if new is None else header.replace(old, new, 1)
    assert is_refused(strict, request("GET", "/", "", b"", changed))
    assert run(strict, request("GET", "/", "", b"", header)).status == 200


@given(st.binary(max_size=200))
def test_garbage_is_refused(strict: module.Signature, garbage: bytes) -> None:
    assert is_refused(strict, request("GET", "/", "", b"", garbage))
    named = b"key=%b; signature=x; secret=%b" % (FINGERPRINT.encode(), b64encode(garbage))
    assert is_refused(strict, request("GET", "/", "", b"", named))


@pytest.mark.parametrize(("age", "passes"), [(-61, False), (-60, True), (0, True), (60.9, True), (61, False)])
def test_expiry(key_file: Path, client: Client, age: float, passes: bool) -> None:
    verify = signature(key_file, now=NOW + age, expiry=60)
    if passes:
        assert run(verify, client.request()).status == 200
    else:
        assert is_refused(verify, client.request())


def test_encrypted_bodies(strict: module.Signature, client: Client) -> None:
    client.type = 1
    for text in (b"x", b"0123456789abcdef", b"x" * 5000):
        answer = run(strict, client.request(body=client.encrypt(text)))
        assert (answer.status, [*answer.headers]) == (200, [(b"x-echo", b"1")])
        assert client.decrypt(answer.body) == b"you said: " + text


def test_without_a_body_nothing_is_encrypted(strict: module.Signature, client: Client) -> None:
    client.type = 1
    assert run(strict, client.request("GET", body=b"")).body == b"you said: "

    async def nothing(request: rest.Request) -> rest.Response:
        return rest.empty_response()

    assert run(strict, client.request(body=client.encrypt(b"x")), nothing).body == b""


@pytest.mark.parametrize("body", [b"%", b"YQ==", b64encode(b"x" * 16), b64encode(b"x" * 17)])
def test_bodies_that_cannot_be_decrypted(strict: module.Signature, client: Client, body: bytes) -> None:
    client.type = 1
    with pytest.raises(ZeroError, match="cannot be decrypted") as refusal:
        run(strict, client.request(body=body))
    assert refusal.value.status == 400


def test_keys_that_are_none_of_aes(strict: module.Signature, client: Client) -> None:
    body = client.encrypt(b"x")
    client.type, client.key = 1, b"short"
    with pytest.raises(ZeroError, match="cannot be decrypted"):
        run(strict, client.request(body=body))
    client.type = 0
    assert run(strict, client.request()).status == 200


class Pieces:
    """A streamed response that tells whether it was let go of."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.closed = False

    async def answer(self, request: rest.Request) -> rest.Response:
        return Stream(200, chunks=self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(self.count):
                yield b"x" * 1000
        finally:
            self.closed = True


def test_streams_are_put_together_to_be_encrypted(strict: module.Signature, client: Client) -> None:
    client.type = 1
    few, many = Pieces(3), Pieces(9000)
    answer = run(strict, client.request(body=client.encrypt(b"x")), few.answer)
    assert client.decrypt(answer.body) == b"x" * 3000
    with pytest.raises(ZeroError, match="cannot be encrypted"):
        run(strict, client.request(body=client.encrypt(b"x")), many.answer)
    assert few.closed
    assert many.closed
    client.type = 0
    assert isinstance(run(strict, client.request(), few.answer), Stream)


def test_without_keys_everything_passes_unless_strict() -> None:
    assert run(module.Signature(SignatureConf()), request("GET", "/", "", b"", b"x")).status == 200
    with pytest.raises(InvalidValue, match=r"^Signature\.PrivateKeys: at least one is required"):
        module.Signature(SignatureConf(strict=True))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: no such file or directory"),
        (b"", "has no private key in PEM without a password"),
        (pem(RSA_KEY, PrivateFormat.PKCS8).replace(b"M", b"!", 1), "has no private key in PEM"),
        (pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8), "is not an RSA key"),
    ],
)
def test_key_files_that_are_no_good(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidValue, match=rf"^Signature\.PrivateKeys\[0\]\.KeyFile: .*{message}"):
        signature(file)


def test_keys_may_be_in_either_form(tmp_path: Path, client: Client) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem(RSA_KEY, PrivateFormat.PKCS8))
    assert run(signature(file), client.request()).status == 200
