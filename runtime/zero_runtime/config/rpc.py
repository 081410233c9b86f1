"""The configuration of gRPC services and of those who call them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Milliseconds
from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded
from zero_runtime.config.etcd import EtcdConf
from zero_runtime.config.governance import BreakerConf, GovernedConf

Bytes = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""A size in bytes; 0 means no limit."""


class MethodTimeoutConf(Conf, kw_only=True, frozen=True):
    """One of ``MethodTimeouts``."""

    full_method: Annotated[
        str, msgspec.Meta(pattern=r"^/[^/]+/[^/]+\Z", description="`/package.Service/Method`")
    ]
    timeout: Duration
    """How long a call of this method may take; 0s is no limit."""


class StatConf(Conf, kw_only=True, frozen=True):
    """``StatConf``: the log of calls."""

    slow_threshold: Duration = msgspec.field(default=Duration(0.5))
    """Calls that take longer are logged as slow, as warnings."""


class RpcServerMiddlewaresConf(Conf, kw_only=True, frozen=True):
    """``Middlewares`` of a gRPC service: what can be switched off."""

    trace: bool = True
    """A span per call, and the trace that it belongs to in logs and in calls made for it."""

    recover: bool = True
    """Whether an exception of logic becomes INTERNAL; otherwise its text reaches the caller as UNKNOWN. It is
    logged either way."""

    stat: bool = True
    """The log of calls: one line each, at the level ``info``."""

    stat_conf: StatConf = StatConf()
    prometheus: bool = True
    """Metrics of calls."""

    breaker: bool = True


class KeepaliveConf(Conf, kw_only=True, frozen=True):
    """``Keepalive`` of a server's connections; 0s is never."""

    time: Duration = msgspec.field(default=Duration(60.0))
    """After which silence a client is asked whether it is still there."""

    timeout: Duration = msgspec.field(default=Duration(20.0))
    """How long it may take to say so."""

    min_time: Duration = msgspec.field(default=Duration(10.0))
    """How often a client may ask the same; one that does more often loses its connection."""

    max_connection_idle: Duration = msgspec.field(default=Duration(300.0))
    """After which time without calls a connection is closed."""

    max_connection_age: Duration = msgspec.field(default=Duration(300.0))
    """After which time a connection is closed, so that clients which balance by DNS learn of new servers."""

    max_connection_age_grace: Duration = msgspec.field(default=Duration(60.0))
    """How long calls in flight may take after that."""


class RpcServerConf(GovernedConf, kw_only=True, frozen=True):
    """A gRPC service."""

    listen_on: Annotated[
        str, msgspec.Meta(pattern=r":[0-9]{1,5}\Z", description="`host:port`"), Embedded("127.0.0.1:0")
    ] = "0.0.0.0:8080"
    """Address as ``host:port``; port 0 takes any free one."""

    timeout: Milliseconds = 2000
    """How long one call may take; it ends with DEADLINE_EXCEEDED then. Streams have no limit but their
    callers'."""

    method_timeouts: list[MethodTimeoutConf] = msgspec.field(default_factory=list)
    """Methods that have another one; for streams too."""

    register: Annotated[Literal["none", "local"], Embedded("local")] = "none"
    """Where it announces its address besides ``Etcd``: ``local`` is the registry folder of this machine."""

    etcd: EtcdConf = EtcdConf()
    health: bool = True
    """Whether ``grpc.health.v1`` is served."""

    auth: bool = False
    """Whether callers must show the token of their ``App``, which Redis has in the hash ``AuthKey``."""

    auth_key: str = "rpc:auth"
    strict_control: bool = False
    """Whether calls are refused while Redis cannot be asked for their token."""

    cert_file: str = ""
    """The certificate with its chain, in PEM: given together with ``KeyFile``, the service speaks TLS."""

    key_file: str = ""
    """The private key of the certificate, in PEM."""

    ca_cert_file: str = msgspec.field(default="", name="CACertFile")
    """Who signs the certificates of callers, in PEM: given, a caller without one is refused (mutual TLS)."""

    max_recv_msg_size: Bytes = 4 * 1024 * 1024
    """Largest message that is taken, in bytes; gRPC's own limit. 0 means no limit."""

    max_send_msg_size: Bytes = 0
    """Largest message that is sent, in bytes; 0 means no limit."""

    keepalive: KeepaliveConf = KeepaliveConf()
    middlewares: RpcServerMiddlewaresConf = RpcServerMiddlewaresConf()

    def __post_init__(self) -> None:
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("only one of CertFile and KeyFile is given")
        if self.ca_cert_file and not self.cert_file:
            raise ValueError(
                "`CACertFile` needs CertFile and KeyFile: certificates of callers are asked for in TLS"
            )
        if self.auth and not self.redis.host:
            raise ValueError("`Auth` needs Redis, which has the tokens")


class RpcClientMiddlewaresConf(Conf, kw_only=True, frozen=True):
    """``Middlewares`` of a client: what can be switched off."""

    trace: bool = True
    """A span per call, and the present trace carried on."""

    duration: bool = True
    """Slow calls and those that failed are logged."""

    prometheus: bool = True
    breaker: bool = True
    timeout: bool = True


class RetryConf(Conf, kw_only=True, frozen=True):
    """``Retry``: calls of methods that the contract calls idempotent are made again when they find no
    server."""

    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    """How often a call is made at most; 1 makes none again."""

    backoff: Duration = msgspec.field(default=Duration(0.05))
    """The longest pause before the second attempt; it doubles with every further one, and is drawn by lot
    from 0 on."""

    budget: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    """How many retries there may be per call, so that they do not bring down what is overloaded already."""


class RpcClientConf(Conf, kw_only=True, frozen=True):
    """A gRPC service that is called: ``Endpoints``, ``Target`` or ``Etcd`` says where it is, in this
    order."""

    endpoints: list[Annotated[str, msgspec.Meta(min_length=1)]] = msgspec.field(default_factory=list)
    """Addresses, ``host:port`` each."""

    target: str = ""
    """``etcd:///a:2379,b:2379?key=user-rpc``, ``k8s://namespace/service:port``, ``dns:///user-rpc:8080``,
    ``direct:///a:1,b:2``, ``local:///user-rpc`` or ``unix:///path``."""

    etcd: EtcdConf = EtcdConf()
    """Where the service of that ``Key`` is registered; also who to be for a ``Target`` in etcd."""

    app: str = ""
    """Who calls, for servers that ask."""

    token: str = ""
    timeout: Milliseconds = 2000
    """How long one call may take, unless the call itself says otherwise. Streams have no limit but their
    own."""

    keepalive_time: Duration = msgspec.field(default=Duration(300.0))
    """After which silence a server is asked whether it is still there while calls wait for it; servers of other makes
    take more often than each five minutes for abuse."""

    transport: Literal["http2", "grpcio"] = "http2"
    """What speaks gRPC: ``http2`` is our own, ``grpcio`` that of its makers."""

    balancer_name: Literal["p2c_ewma", "consistent_hash"] = "p2c_ewma"
    """``p2c_ewma`` takes the better of two by latency, failures and load, ``consistent_hash`` one by the
    call's key."""

    subset: Annotated[int, msgspec.Meta(ge=0)] = 32
    """How many of its servers one client stays connected to; 0 means all."""

    tls: bool = False
    """Whether servers are spoken to in TLS; a ``CACertFile`` says so too."""

    ca_cert_file: str = msgspec.field(default="", name="CACertFile")
    """Who signs the certificates of servers, in PEM; if empty, those whom the machine trusts."""

    cert_file: str = ""
    """A certificate to show, with its chain, in PEM."""

    key_file: str = ""
    """The private key of that certificate, in PEM."""

    server_name: str = ""
    """What the certificate of a server must be for; if empty, the host of its address."""

    max_recv_msg_size: Bytes = 4 * 1024 * 1024
    """Largest message that is taken, in bytes. 0 means no limit."""

    max_send_msg_size: Bytes = 0
    retry: RetryConf = RetryConf()
    breaker: BreakerConf = BreakerConf()
    middlewares: RpcClientMiddlewaresConf = RpcClientMiddlewaresConf()

    def __post_init__(self) -> None:
        if not self.endpoints and not self.target and not self.etcd.hosts:
            raise ValueError("one of Target, Endpoints and Etcd is required")
        if self.etcd.hosts and not self.endpoints and not self.target and not self.etcd.key:
            raise ValueError("`Etcd` needs the Key of the service that is called")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("only one of CertFile and KeyFile is given")
