"""How connections to servers are made over grpc.aio: what it is told, and TLS."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import grpc.aio

from zero_runtime.config import RpcClientConf
from zero_runtime.rpc.client.tls import client_context, read

_NEVER = 2**31 - 1
_UNLIMITED = -1

_PING_TIMEOUT = 10.0
"""Seconds that a server may take to say that it is there."""

_OPTIONS: tuple[tuple[str, str | int], ...] = (
    # Where gRPC resolves the name of an endpoint itself it shall use all its addresses.
    ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),
    # Services of one cluster do not talk through a proxy that the environment names for the outside.
    ("grpc.enable_http_proxy", 0),
    # Without calls there are no pings, which servers of other makes would answer by closing the connection.
    # While a call waits they do not end, or streams that say nothing for long would not learn that their
    # server is gone.
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    # An address that swallows packets is given up after go-zero's time for dialling.
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)


@dataclass(frozen=True, slots=True)
class Connection:
    """What the connections of one client have in common."""

    options: Sequence[tuple[str, str | int]] = ()
    credentials: grpc.ChannelCredentials | None = None
    """None is for no TLS."""

    def channel(self, address: str) -> grpc.aio.Channel:
        """A connection to ``address``; it is not made before it is used."""
        if self.credentials is None:
            return grpc.aio.insecure_channel(address, options=self.options)
        return grpc.aio.secure_channel(address, self.credentials, options=self.options)


def connection(conf: RpcClientConf, host: str = "") -> Connection:
    """Connections as configured, to servers with certificates for ``host`` unless ``ServerName`` is given.

    If neither is, they must be for the host of the address. Raises InvalidValue when a file is of no use.
    """
    options = (
        *_OPTIONS,
        ("grpc.keepalive_time_ms", int(conf.keepalive_time * 1000) or _NEVER),
        # gRPC 1.85 heeds the second, and would wait for a minute.
        ("grpc.keepalive_timeout_ms", int(_PING_TIMEOUT * 1000)),
        ("grpc.http2.ping_timeout_ms", int(_PING_TIMEOUT * 1000)),
        ("grpc.max_receive_message_length", conf.max_recv_msg_size or _UNLIMITED),
        ("grpc.max_send_message_length", conf.max_send_msg_size or _UNLIMITED),
    )
    if client_context(conf) is None:  # gRPC says nothing of a useless file until a call fails
        return Connection(options)
    if name := conf.server_name or host:
        options += (("grpc.ssl_target_name_override", name),)
    return Connection(options, _credentials(conf))


def _credentials(conf: RpcClientConf) -> grpc.ChannelCredentials:
    # Without them gRPC trusts a list of its own, whatever the machine does.
    trusted = conf.ca_cert_file or ssl.get_default_verify_paths().cafile
    roots, chain, key = (
        read(name, file) if file else None
        for name, file in (("CACertFile", trusted), ("CertFile", conf.cert_file), ("KeyFile", conf.key_file))
    )
    return grpc.ssl_channel_credentials(roots, key, chain)
