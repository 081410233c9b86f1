"""The configuration of services, key by key.

Field names are Python's, keys in files are go-zero's: ``access_secret`` is ``AccessSecret``. Times have the
unit that go-zero gives the key: milliseconds for ``Timeout``, seconds for ``AccessExpire``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded, jwt_secret, sqlite_file

ServiceName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]*\Z",
        description="letters, digits, `-`, `_` and `.`, the first a letter or a digit",
    ),
]
"""A name that does for files, hosts and registries: letters, digits, ``-``, ``_`` and ``.``."""

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
"""A TCP port; 0 takes any free one, and the log tells which."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0)]
"""A time limit in milliseconds; 0 means none."""

DataSource = Annotated[str, msgspec.Meta(min_length=1), Embedded(sqlite_file)]
"""Where a database is: ``sqlite:////path/of/file.db``, ``mysql://user:password@host:3306/name`` or go-zero's
``user:password@tcp(host:3306)/name``. Without a configuration file: an SQLite file in the state folder."""


class _Conf(msgspec.Struct, kw_only=True, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """What all parts of a configuration share: go-zero's spelling, no unknown keys, no change."""

    def __repr__(self) -> str:
        """Nothing of what it holds: there are secrets in it, and whatever has a repr ends up in a log."""
        return f"<{type(self).__name__}>"


class LogConf(_Conf, kw_only=True, frozen=True):
    """``Log``: what is logged, and how."""

    level: Literal["debug", "info", "warn", "error", "severe"] = "info"
    """The least severe level that is logged."""

    encoding: Annotated[Literal["json", "plain"], Embedded("plain")] = "json"
    """One JSON object per line for machines, or plain text for a terminal."""


class DevServerConf(_Conf, kw_only=True, frozen=True):
    """``DevServer``: the administration port, which answers the health checks of Kubernetes and the like."""

    enabled: bool | None = None
    """Whether there is one; if that is not said, in every mode but ``dev``."""

    host: str = "0.0.0.0"
    port: Port = 6060
    health_path: str = "/healthz"


class ShutdownConf(_Conf, kw_only=True, frozen=True):
    """``Shutdown``: how a service ends on SIGTERM."""

    wrap_up_time: Annotated[Duration, Embedded("0s")] = msgspec.field(default=Duration(1.0))
    """How long it still takes new work while its health check fails, for load balancers to notice."""

    wait_time: Duration = msgspec.field(default=Duration(5.5))
    """How long work in flight may last after that."""


class ServiceConf(_Conf, kw_only=True, frozen=True):
    """What every service has."""

    name: ServiceName
    """Name of the service in logs and in discovery."""

    mode: Annotated[Literal["dev", "test", "rt", "pre", "pro"], Embedded("dev")] = "pro"
    """Purpose of the process. ``dev`` also creates the tables of its models when they are missing."""

    log: LogConf = LogConf()
    dev_server: DevServerConf = DevServerConf()
    shutdown: ShutdownConf = ShutdownConf()

    @property
    def has_dev_server(self) -> bool:
        """Whether the administration port is served."""
        return self.mode != "dev" if self.dev_server.enabled is None else self.dev_server.enabled


class RestMiddlewaresConf(_Conf, kw_only=True, frozen=True):
    """``Middlewares`` of an HTTP service: what can be switched off."""

    log: bool = True
    """The access log: one line per request, at the level ``info``."""


class RestConf(ServiceConf, kw_only=True, frozen=True):
    """An HTTP service."""

    host: Annotated[str, Embedded("127.0.0.1")] = "0.0.0.0"
    port: Port = 8888
    timeout: Milliseconds = 3000
    """How long one request may take; it is answered with 503 then."""

    max_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1048576
    """Largest request body in bytes; larger ones are answered with 413. 0 means no limit."""

    middlewares: RestMiddlewaresConf = RestMiddlewaresConf()


class RpcServerConf(ServiceConf, kw_only=True, frozen=True):
    """A gRPC service."""

    listen_on: Annotated[
        str, msgspec.Meta(pattern=r":[0-9]{1,5}\Z", description="`host:port`"), Embedded("127.0.0.1:0")
    ] = "0.0.0.0:8080"
    """Address as ``host:port``; port 0 takes any free one."""

    timeout: Milliseconds = 2000
    """How long one call may take; it ends with DEADLINE_EXCEEDED then."""

    register: Annotated[Literal["none", "local"], Embedded("local")] = "none"
    """Where it announces its address, under its name: ``local`` is the registry folder of this machine."""


class RpcClientConf(_Conf, kw_only=True, frozen=True):
    """A gRPC service that is called: ``Endpoints`` or ``Target`` says where it is."""

    endpoints: list[Annotated[str, msgspec.Meta(min_length=1)]] = msgspec.field(default_factory=list)
    """Addresses, ``host:port`` each. They win over ``Target``."""

    target: str = ""
    """``dns:///user-rpc:8080``, ``direct:///a:1,b:2``, ``local:///user-rpc`` or whatever gRPC resolves."""

    timeout: Milliseconds = 2000
    """How long one call may take, unless the call itself says otherwise."""

    def __post_init__(self) -> None:
        if not self.endpoints and not self.target:
            raise ValueError("one of Target and Endpoints is required")


class JwtConf(_Conf, kw_only=True, frozen=True):
    """``jwt: Auth`` of an HTTP contract: how its tokens are signed (HS256) and how long they last."""

    access_secret: Annotated[str, msgspec.Meta(min_length=8), Embedded(jwt_secret)]
    """Key of the signatures. Take 32 random bytes or more (RFC 7518 §3.2); go-zero's own minimum is 8."""

    access_expire: Annotated[int, msgspec.Meta(ge=1)] = 86400
    """Life of a token in seconds."""
