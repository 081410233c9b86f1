"""The configuration of HTTP services."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Milliseconds, Port
from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded, jwt_secret
from zero_runtime.config.governance import GovernedConf

Origin = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(\*|https?://[^/*\s]+|[^/*\s:]+)\Z",
        description="`*`, an origin such as `https://example.com` or a domain such as `example.com`",
    ),
]
_CORS_HEADERS = (
    "Content-Type",
    "Origin",
    "X-CSRF-Token",
    "Authorization",
    "AccessToken",
    "Token",
    "Range",
)
"""What go-zero allows."""


class CorsConf(Conf, kw_only=True, frozen=True):
    """``Cors``: the pages of other origins that may use the service; none unless ``Origins`` names some."""

    origins: list[Origin] = msgspec.field(default_factory=list)
    """``https://example.com`` stands for that origin, ``example.com`` for the domain and its sub-domains, ``*``
    for every origin."""

    headers: list[str] = msgspec.field(default_factory=lambda: [*_CORS_HEADERS])
    """The headers that such a page may send."""

    expose_headers: list[str] = msgspec.field(default_factory=list)
    """The headers of a response that such a page may read, beyond those that every page may."""

    credentials: bool = False
    """Whether such a page may send cookies and certificates."""

    max_age: Annotated[int, msgspec.Meta(ge=0)] = 86400
    """How long in seconds a browser may remember all this."""

    def __post_init__(self) -> None:
        if self.credentials and "*" in self.origins:
            raise ValueError("`*` among Origins excludes Credentials: browsers refuse the two together")


class GzipConf(Conf, kw_only=True, frozen=True):
    """``Gzip``: which responses are compressed for those who accept it."""

    level: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    """From 1 (quick) to 9 (small); 0 compresses nothing."""

    min_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1024
    """The smallest body that is worth it."""


class PrivateKeyConf(Conf, kw_only=True, frozen=True):
    """A key of ``Signature``."""

    fingerprint: Annotated[str, msgspec.Meta(min_length=1)]
    """The name that callers have for it."""

    key_file: Annotated[str, msgspec.Meta(min_length=1)]
    """An RSA private key in PEM."""


class SignatureConf(Conf, kw_only=True, frozen=True):
    """``Signature``: how the groups of the contract that say ``signature: true`` check who calls."""

    strict: bool = False
    """Whether a request without a good signature is refused."""

    expiry: Duration = msgspec.field(default=Duration(3600.0))
    """How old a signature may be."""

    private_keys: list[PrivateKeyConf] = msgspec.field(default_factory=list)


class RestMiddlewaresConf(Conf, kw_only=True, frozen=True):
    """``Middlewares`` of an HTTP service: what can be switched off."""

    trace: bool = True
    """A span per request, and the trace that it belongs to in logs and in calls made for it."""

    log: bool = True
    """The access log: one line per request, at the level ``info``."""

    prometheus: bool = True
    """Metrics of requests."""

    max_conns: bool = True
    breaker: bool = True
    shedding: bool = True
    timeout: bool = True
    max_bytes: bool = True
    gunzip: bool = True
    """Whether compressed request bodies are unpacked."""


class RestConf(GovernedConf, kw_only=True, frozen=True):
    """An HTTP service."""

    host: Annotated[str, Embedded("127.0.0.1")] = "0.0.0.0"
    port: Port = 8888
    cert_file: str = ""
    """The certificate with its chain, in PEM: given together with ``KeyFile``, the service speaks TLS."""

    key_file: str = ""
    """The private key of the certificate, in PEM."""

    workers: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    """Processes that share the port; one per processor uses them all."""

    timeout: Milliseconds = 3000
    """How long one request may take; it is answered with 503 then."""

    max_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1048576
    """Largest request body in bytes; larger ones are answered with 413. 0 means no limit."""

    error_format: Literal["problem", "text"] = "problem"
    """Errors as ``application/problem+json``, or as text like go-zero's."""

    cors: CorsConf = CorsConf()
    gzip: GzipConf = GzipConf()
    signature: SignatureConf = SignatureConf()
    middlewares: RestMiddlewaresConf = RestMiddlewaresConf()
    trace_ignore_paths: list[str] = msgspec.field(default_factory=list)
    """Paths of routes that have no spans."""

    def __post_init__(self) -> None:
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("only one of CertFile and KeyFile is given")


class JwtConf(Conf, kw_only=True, frozen=True):
    """``jwt: Auth`` of an HTTP contract: how its tokens are signed (HS256) and how long they last."""

    access_secret: Annotated[str, msgspec.Meta(min_length=8), Embedded(jwt_secret)]
    """Key of the signatures. Take 32 random bytes or more (RFC 7518 §3.2); go-zero's own minimum is 8."""

    access_expire: Annotated[int, msgspec.Meta(ge=1)] = 86400
    """Life of a token in seconds."""


class JwtTransitionConf(Conf, kw_only=True, frozen=True):
    """``jwtTransition: Trans`` of an HTTP contract: tokens of a new secret and still those of the one before."""

    secret: Annotated[str, msgspec.Meta(min_length=8), Embedded(jwt_secret)]
    prev_secret: str = ""
    """The secret before; empty when there is none any more."""
