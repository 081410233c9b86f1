"""A connection to a collector: dialled when it is needed, kept, and dialled again after it broke."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import ssl
import time
from typing import Any

from zero_runtime.config import FluentdConf, InvalidValue
from zero_runtime.logs.forward import messages
from zero_runtime.logs.forward.messages import Chunk

_PART = 65536
_MAX_ANSWER = 1 << 20
"""No collector says as much."""

_KEEPALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""The heartbeat is TCP's own, so every collector answers it: one that is gone is noticed within 30 s of
silence."""


class CollectorError(Exception):
    """The collector cannot be reached, refuses, or says something else than it should."""


class Connection:
    """Sends chunks, one at a time. Used by one thread."""

    def __init__(self, conf: FluentdConf, tls: ssl.SSLContext | None) -> None:
        self._conf = conf
        self._tls = tls
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._keep = True
        """Whether the collector wants the connection to last."""

    def send(self, chunk: Chunk) -> None:
        """Sends a chunk, and waits until the collector has it if it is to say so. Raises `CollectorError`."""
        try:
            connection = self._connected()
            connection.settimeout(self._conf.timeout)
            connection.sendall(chunk.message(ack=self._conf.ack))
            if self._conf.ack:
                self._await_ack(connection, chunk)
        except CollectorError:
            self.close()
            raise
        except (OSError, ValueError, RecursionError) as error:
            self.close()
            raise CollectorError(_reason(error)) from None
        if not self._keep:
            self.close()

    def close(self) -> None:
        """Closes it; the next chunk opens it again."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket, self._received, self._keep = None, bytearray(), True

    def forget(self) -> None:
        """Lets go of a connection that a fork has copied, without a word to the collector."""
        if self._socket is not None:
            os.close(self._socket.detach())
        self._socket, self._received, self._keep = None, bytearray(), True

    def _connected(self) -> socket.socket:
        if self._socket is not None and not self._is_alive(self._socket):
            self.close()
        if self._socket is None:
            conf = self._conf
            plain = socket.create_connection((conf.host, conf.port), conf.timeout)
            try:
                _keep_alive(plain)
                self._socket = self._tls.wrap_socket(plain, server_hostname=conf.host) if self._tls else plain
            except BaseException:
                plain.close()
                raise
            if conf.shared_key:
                self._shake_hands(self._socket)
        return self._socket

    def _is_alive(self, connection: socket.socket) -> bool:
        """Whether the collector has not hung up while nothing was sent."""
        connection.setblocking(False)
        try:
            part = connection.recv(_PART)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        self._received += part
        return bool(part)

    def _shake_hands(self, connection: socket.socket) -> None:
        conf = self._conf
        match self._read(connection, "it asks for no shared key"):
            case [b"HELO", {b"nonce": bytes(nonce), **options}]:
                auth = options.get(b"auth")
                self._keep = options.get(b"keepalive") is not False
            case _:
                raise CollectorError("it does not begin with a handshake")
        # Fluent Bit asks for a user also where it knows none.
        login = (auth, conf.user, conf.pass_) if conf.user and isinstance(auth, bytes) and auth else None
        host, salt, key = socket.gethostname(), secrets.token_hex(16), conf.shared_key
        connection.sendall(messages.ping(host, salt, nonce, key, login))
        match self._read(connection, "it does not end the handshake"):
            case [b"PONG", True, _, bytes(name), bytes(proof)]:
                if proof != messages.digest(salt.encode(), name, nonce, key.encode()).encode():
                    raise CollectorError("it does not know the shared key")
            case [b"PONG", False, reason, *_]:
                text = reason.decode(errors="replace") if isinstance(reason, bytes) else "no reason given"
                raise CollectorError(f"it refuses the handshake: {text}")
            case _:
                raise CollectorError("it does not end the handshake")

    def _await_ack(self, connection: socket.socket, chunk: Chunk) -> None:
        match self._read(connection, "it acknowledges nothing"):
            case {b"ack": bytes(ack)} if ack == chunk.id.encode():
                return
            case [b"HELO", *_]:
                raise CollectorError("it asks for a shared key: `Log.Fluentd.SharedKey` has to be set")
            case _:
                raise CollectorError("it acknowledges something else than it was sent")

    def _read(self, connection: socket.socket, silence: str) -> Any:
        """The next message, within the time that the collector has; ``silence`` is what is wrong if none
        comes."""
        deadline = time.monotonic() + self._conf.timeout
        while True:
            with contextlib.suppress(messages.Incomplete):
                value, end = messages.read(self._received)
                del self._received[:end]
                return value
            left = deadline - time.monotonic()
            if left <= 0 or len(self._received) > _MAX_ANSWER:
                raise CollectorError(f"{silence} within {self._conf.timeout:g} s")
            connection.settimeout(left)
            try:
                part = connection.recv(_PART)
            except TimeoutError:
                continue
            if not part:
                raise CollectorError("it has closed the connection")
            self._received += part


def tls_context(conf: FluentdConf) -> ssl.SSLContext | None:
    """What a connection in TLS is made with; None when it is not. Raises `config.InvalidValue`."""
    if not conf.tls:
        return None
    context = ssl.create_default_context()
    if conf.ca_cert_file:
        try:
            context.load_verify_locations(conf.ca_cert_file)
        except ssl.SSLError:
            raise InvalidValue(
                f"Log.Fluentd.CACertFile: {conf.ca_cert_file} has no certificate in PEM"
            ) from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InvalidValue(
                f"Log.Fluentd.CACertFile: {conf.ca_cert_file} cannot be read: {reason}"
            ) from None
    return context


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if option := getattr(socket, name, None):  # not every system has each
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message.lower()}"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
