"""The members of an etcd cluster, each with a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from zero_runtime.config import EtcdConf, InvalidValue
from zero_runtime.discovery.resolver import ADDRESS

_OPTIONS = (
    # A member that vanished without a word is noticed after 10 + 5 seconds. It does not allow pings more
    # often than every 5 seconds.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),  # a watch is silent for as long as nothing happens
    # One that has come back is connected to soon, however long it was away.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A registry is not behind a proxy that the environment names for the outside.
    ("grpc.enable_http_proxy", 0),
    # It may hold the addresses of more servers than gRPC's 4 MB have room for.
    ("grpc.max_receive_message_length", -1),
)

_Answer = TypeVar("_Answer", bound=Message)
_Metadata = Sequence[tuple[str, str]]


class Member:
    """One address and the connection to it, which is made when it is asked something."""

    def __init__(self, host: str, credentials: grpc.ChannelCredentials | None) -> None:
        self.host = host
        """``host:port``."""

        self._channel = (
            grpc.aio.insecure_channel(host, _OPTIONS)
            if credentials is None
            else grpc.aio.secure_channel(host, credentials, _OPTIONS)
        )

    async def ask(
        self, path: str, request: Message, kind: type[_Answer], metadata: _Metadata, timeout: float
    ) -> _Answer:
        """The answer to one message, within ``timeout`` seconds. Raises AioRpcError."""
        call = self._channel.unary_unary(path, type(request).SerializeToString, kind.FromString)
        answer: _Answer = await call(request, timeout=timeout, metadata=metadata)
        return answer

    def stream(self, path: str, kind: type[Message], metadata: _Metadata) -> Any:
        """A call of many messages in both directions: a `grpc.aio.StreamStreamCall`."""
        call = self._channel.stream_stream(path, lambda message: message.SerializeToString(), kind.FromString)
        return call(metadata=metadata)

    async def close(self) -> None:
        await self._channel.close()


def connect(conf: EtcdConf) -> Sequence[Member]:
    """The members that ``conf`` names. Raises InvalidValue as `check` does."""
    credentials = check(conf)
    return [Member(host, credentials) for host in conf.hosts]


def check(conf: EtcdConf) -> grpc.ChannelCredentials | None:
    """What TLS needs, None without TLS. Raises InvalidValue for a host or a file that cannot be used."""
    wrong = [host for host in conf.hosts if not ADDRESS.fullmatch(host)]
    if wrong:
        raise InvalidValue("; ".join(f"Etcd: Hosts: `{host}` is not `host:port`" for host in wrong))
    if not conf.ca_cert_file and not conf.cert_file:
        return None
    return grpc.ssl_channel_credentials(
        root_certificates=_pem("CACertFile", conf.ca_cert_file),
        private_key=_pem("CertKeyFile", conf.cert_key_file),
        certificate_chain=_pem("CertFile", conf.cert_file),
    )


def _pem(key: str, file: str) -> bytes | None:
    """The content of a file; gRPC takes anything, and says nothing, so this asks whether it is PEM."""
    if not file:
        return None
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise InvalidValue(f"Etcd: {key}: {file}: {error.strerror}") from None
    if b"-----BEGIN " not in content:
        raise InvalidValue(f"Etcd: {key}: {file}: there is no PEM in it")
    return content
