"""JSON Web Tokens: issued at login, verified wherever the contract says ``jwt``."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OctKey

from zero_runtime.config import JwtConf
from zero_runtime.errors import Unauthenticated
from zero_runtime.rest.message import Request
from zero_runtime.rest.problems import InvalidToken

Claims = Mapping[str, Any]
"""What a verified token says."""

_ALGORITHM = "HS256"
_STRONG_BYTES = 32  # RFC 7518 §3.2: a key as long as the hash
_REMEMBERED = 4096
"""Verified tokens that are remembered, a few megabytes: verifying costs more than all else in a request."""


class Token(NamedTuple):
    """An issued token."""

    text: str
    expires_at: int
    """When it expires, in seconds since the epoch."""


class Jwt:
    """Issues and verifies the tokens of one ``jwt:`` of an HTTP contract: HS256 and no other algorithm.

    ``clock`` gives seconds since the epoch.
    """

    def __init__(self, conf: JwtConf, *, clock: Callable[[], float] = time.time) -> None:
        self._expire = conf.access_expire
        self._clock = clock
        self._remembered: dict[bytes, tuple[Claims, float]] = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            self._key = OctKey.import_key(conf.access_secret)
        if len(conf.access_secret.encode()) < _STRONG_BYTES:
            logging.getLogger("zero.rest").warning(
                "AccessSecret has less than %d bytes, which makes tokens easier to forge", _STRONG_BYTES
            )

    def issue(self, claims: Mapping[str, Any] | None = None, /, **more: Any) -> Token:
        """A token that says ``claims`` and ``more``, valid from now on for ``AccessExpire`` seconds.

        ``iat`` and ``exp`` are added, as in go-zero's examples.
        """
        now = int(self._clock())
        expires_at = now + self._expire
        content = {**(claims or {}), **more, "iat": now, "exp": expires_at}
        return Token(jwt.encode({"alg": _ALGORITHM, "typ": "JWT"}, content, self._key), expires_at)

    def claims(self, request: Request) -> Claims:
        """The claims of the token in the header ``Authorization: Bearer``.

        Raises `errors.Unauthenticated` when there is none, or none that this service would accept now. A
        token must say when it expires.
        """
        header = request.header(b"authorization") or b""
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise Unauthenticated("an access token is required")
        now = self._clock()
        known = self._remembered.get(token)
        if known is None:
            known = self._verified(token, now)
            self._remember(token, known)
        claims, expires_at = known
        if not now < expires_at:  # NaN has expired
            self._remembered.pop(token, None)
            raise InvalidToken("the access token has expired")
        return claims

    def _remember(self, token: bytes, known: tuple[Claims, float]) -> None:
        """Keeps what a token says, unless there is a list or an object in it: logic could change that for the
        next request."""
        if any(isinstance(value, list | dict) for value in known[0].values()):
            return
        if len(self._remembered) >= _REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[token] = known

    def _verified(self, token: bytes, now: float) -> tuple[Claims, float]:
        """The claims of a token that was signed with our key and may be used by now, and when it expires."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
            expires_at, not_before = float(claims["exp"]), float(claims.get("nbf", 0))
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise InvalidToken("the access token is not valid") from error
        if not now >= not_before:
            raise InvalidToken("the access token is not valid yet")
        return MappingProxyType(claims), expires_at
