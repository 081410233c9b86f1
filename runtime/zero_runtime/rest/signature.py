"""Signed requests: ``signature: true`` of a contract, as go-zero's clients sign them.

Such a request has the header ``X-Content-Security: key=…; secret=…; signature=…``:

* ``key`` is the fingerprint of a public RSA key, the name of one of ``Signature.PrivateKeys``;
* ``secret``, encrypted with that key (PKCS #1 v1.5, then base64), is ``key=…; time=…; type=…``: the client's own
  key in base64, when it signed, in seconds since the epoch, and whether the bodies are encrypted (1) or not (0);
* ``signature`` is the HMAC-SHA256 with the client's key, in base64, of the lines time, method, path, query string and
  SHA-256 of the body in hexadecimal.

An encrypted body is AES in ECB mode under the client's key, padded by PKCS #7, in base64; the response to it is
encrypted in the same way. What go-zero's scheme does not give is not given here either: a request can be sent again
while its time is within ``Expiry``, and ECB shows which blocks are equal. Errors are not encrypted. go-zero's header
``X-Request-Uri``, by which the sender says that another path was signed than the one asked for, is not looked at.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from zero_runtime.config import InvalidValue, SignatureConf
from zero_runtime.errors import Internal
from zero_runtime.rest.message import Endpoint, Request, Response, Stream
from zero_runtime.rest.refusal import Refusal

_SIGNED_METHODS = frozenset(("DELETE", "GET", "POST", "PUT"))

_MAX_BLOCKS = 4
"""RSA blocks of a secret: decrypting one costs as much as many whole requests."""

_MAX_ENCRYPTED_STREAM = 8 << 20
"""Bytes of a streamed response that are put together to be encrypted, the most that go-zero takes of a body."""


class _Mismatch(Exception):
    """The request is not signed, or not as it should be."""


class _Secret(NamedTuple):
    """What the client tells of its signature."""

    key: bytes
    time: bytes
    encrypted: bool


class Signature:
    """Verifies the signatures of requests, and decrypts bodies; a `Middleware`.

    Requests whose signature is missing or wrong are refused with 403 if ``Strict``; otherwise they pass, as in
    go-zero. Only DELETE, GET, POST and PUT are looked at. ``clock`` gives seconds since the epoch.
    """

    def __init__(self, conf: SignatureConf, *, clock: Callable[[], float] = time.time) -> None:
        """Raises `config.InvalidValue` when a key cannot be read, or all are refused and none would pass."""
        if conf.strict and not conf.private_keys:
            raise InvalidValue("Signature.PrivateKeys: at least one is required when Strict is true")
        self._strict = conf.strict
        self._tolerance = conf.expiry
        self._clock = clock
        self._keys = {
            key.fingerprint.encode(): _private_key(key.key_file, f"Signature.PrivateKeys[{index}].KeyFile")
            for index, key in enumerate(conf.private_keys)
        }

    async def __call__(self, request: Request, proceed: Endpoint) -> Response:
        """Lets a signed request pass; an encrypted one decrypted, and its response encrypted."""
        if request.method not in _SIGNED_METHODS or not self._keys:
            return await proceed(request)
        try:
            secret = self._verified(request)
        except _Mismatch:
            # One text for all that can be wrong: whoever guesses is told nothing.
            if self._strict:
                raise Refusal(403, "the signature of the request is not valid") from None
            return await proceed(request)
        if not (secret.encrypted and request.body):
            return await proceed(request)
        request.body = _decrypted(secret.key, request.body)
        return await _encrypted(secret.key, await proceed(request))

    def _verified(self, request: Request) -> _Secret:
        header = _attributes(request.header(b"x-content-security") or b"")
        key = self._keys.get(header.get(b"key", b""))
        signature = header.get(b"signature", b"")
        if key is None:
            raise _Mismatch
        secret = _secret(key, header.get(b"secret", b""))
        try:
            signed_at = int(secret.time)
        except ValueError:
            raise _Mismatch from None
        content = b"\n".join(
            (
                secret.time,
                request.method.encode(),
                request.path.encode(errors="surrogateescape"),
                request.query,
                hashlib.sha256(request.body).hexdigest().encode(),
            )
        )
        expected = b64encode(hmac.digest(secret.key, content, "sha256"))
        if not hmac.compare_digest(signature, expected):
            raise _Mismatch
        if abs(int(self._clock()) - signed_at) > self._tolerance:
            raise _Mismatch
        return secret


def _attributes(text: bytes) -> dict[bytes, bytes]:
    """``a=1; b=2`` as a mapping; what has no ``=`` is left out."""
    pairs = (part.partition(b"=") for part in text.split(b";"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _secret(key: RSAPrivateKey, text: bytes) -> _Secret:
    size = key.key_size // 8
    try:
        blocks = b64decode(text, validate=True)
        if not 0 < len(blocks) <= _MAX_BLOCKS * size:
            raise _Mismatch
        content = b"".join(
            key.decrypt(blocks[at : at + size], PKCS1v15()) for at in range(0, len(blocks), size)
        )
        said = _attributes(content)
        kind = int(said[b"type"])
        return _Secret(b64decode(said[b"key"], validate=True), said[b"time"], kind == 1)
    except (ValueError, KeyError):  # of base64, of RSA, of int
        raise _Mismatch from None


def _decrypted(key: bytes, body: bytes) -> bytes:
    try:
        cipher = _cipher(key).decryptor()
        unpadder = PKCS7(algorithms.AES.block_size).unpadder()
        padded = cipher.update(b64decode(body, validate=True)) + cipher.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise Refusal(400, "the request body cannot be decrypted") from None


async def _encrypted(key: bytes, response: Response) -> Response:
    body = await _whole(response) if isinstance(response, Stream) else response.body
    if not body:
        return response
    cipher = _cipher(key).encryptor()
    padder = PKCS7(algorithms.AES.block_size).padder()
    padded = padder.update(body) + padder.finalize()
    encrypted = b64encode(cipher.update(padded) + cipher.finalize())
    return Response(response.status, encrypted, response.headers)


async def _whole(response: Stream) -> bytes:
    body = bytearray()
    try:
        async for chunk in response.chunks:
            body += chunk
            if len(body) > _MAX_ENCRYPTED_STREAM:
                raise Internal(f"a response of more than {_MAX_ENCRYPTED_STREAM} bytes cannot be encrypted")
    finally:
        await response.aclose()
    return bytes(body)


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    """Raises ValueError when the key has no length of AES."""
    return Cipher(algorithms.AES(key), modes.ECB())


def _private_key(file: str, name: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(Path(file).read_bytes(), password=None)
    except OSError as error:
        raise InvalidValue(
            f"{name}: {file} cannot be read: {(error.strerror or str(error)).lower()}"
        ) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidValue(f"{name}: {file} has no private key in PEM without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidValue(f"{name}: the key in {file} is not an RSA key")
    return key
