"""JSON Web Tokens: issued at login, verified wherever the contract says ``jwt`` or ``jwtTransition``."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError, SecurityWarning
from joserfc.jwk import OctKey

from zero_runtime.config import JwtConf, JwtTransitionConf
from zero_runtime.errors import Unauthenticated
from zero_runtime.rest.message import Claims, Request
from zero_runtime.rest.refusal import InvalidToken, TokenRequired

Verifier = Callable[[Request], Claims]
"""Gives the claims of a request, or raises `errors.Unauthenticated`."""

_ISSUED = "HS256"
_ACCEPTED = ["HS256", "HS384", "HS512"]
"""What go-zero accepts. A key that is a secret is used for nothing else, so the token may choose."""

_STRONG_BYTES = 32  # RFC 7518 §3.2: a key as long as the hash
_REMEMBERED = 4096
"""Verified tokens that are remembered, a few megabytes: verifying costs more than all else in a request."""


class Token(NamedTuple):
    """An issued token."""

    text: str
    expires_at: int
    """When it expires, in seconds since the epoch."""


class _UnknownToken(InvalidToken):
    """A token that was not signed with our key; with another one it may be good."""


class _Signed:
    """Verifies the tokens that were signed with one key."""

    def __init__(self, key: OctKey, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock
        self._remembered: dict[bytes, tuple[Claims, float]] = {}

    def __call__(self, request: Request) -> Claims:
        """The claims of the token in the header ``Authorization: Bearer``.

        Raises `errors.Unauthenticated` when there is none, or none that this service would accept now. A
        token must say when it expires.
        """
        header = request.header(b"authorization") or b""
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise TokenRequired("an access token is required")
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
            claims = jwt.decode(token, self._key, algorithms=_ACCEPTED).claims
            expires_at, not_before = float(claims["exp"]), float(claims.get("nbf", 0))
        except BadSignatureError as error:
            raise _UnknownToken("the access token is not valid") from error
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise InvalidToken("the access token is not valid") from error
        if not now >= not_before:
            raise InvalidToken("the access token is not valid yet")
        return MappingProxyType(claims), expires_at


class Jwt(_Signed):
    """Issues and verifies the tokens of one ``jwt:`` of an HTTP contract: HMAC and no other algorithm.

    It is a `Verifier`. ``clock`` gives seconds since the epoch.
    """

    def __init__(self, conf: JwtConf, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(_key(conf.access_secret, "AccessSecret"), clock)
        self._expire = conf.access_expire

    def issue(self, claims: Mapping[str, Any] | None = None, /, **more: Any) -> Token:
        """A token that says ``claims`` and ``more``, valid from now on for ``AccessExpire`` seconds.

        ``iat`` and ``exp`` are added, as in go-zero's examples.
        """
        now = int(self._clock())
        expires_at = now + self._expire
        content = {**(claims or {}), **more, "iat": now, "exp": expires_at}
        return Token(jwt.encode({"alg": _ISSUED, "typ": "JWT"}, content, self._key), expires_at)


class JwtTransition:
    """Verifies the tokens of one ``jwtTransition:``: signed with the secret of today, or the previous one."""

    def __init__(self, conf: JwtTransitionConf, *, clock: Callable[[], float] = time.time) -> None:
        secrets = {"Secret": conf.secret, "PrevSecret": conf.prev_secret}
        keys = [_key(secret, name) for name, secret in secrets.items() if secret]
        self._verify = any_of(*(_Signed(key, clock) for key in keys))

    def __call__(self, request: Request) -> Claims:
        """The claims of the token, as `Jwt` gives them."""
        return self._verify(request)


def any_of(*verifiers: Verifier) -> Verifier:
    """Accepts what any of the verifiers accepts; they are asked in turn."""

    def verify(request: Request) -> Claims:
        refusal: Unauthenticated | None = None
        for verifier in verifiers:
            try:
                return verifier(request)
            except Unauthenticated as error:
                if refusal is None or isinstance(refusal, _UnknownToken):
                    refusal = error
        raise refusal or InvalidToken("no token is accepted here")

    return verify


def _key(secret: str, name: str) -> OctKey:
    """The key that a secret is, with a warning when it is a weak one."""
    if len(secret.encode()) < _STRONG_BYTES:
        logging.getLogger("zero.rest").warning(
            "%s has less than %d bytes, which makes tokens easier to forge", name, _STRONG_BYTES
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return OctKey.import_key(secret)
