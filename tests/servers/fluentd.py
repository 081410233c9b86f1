"""A collector that speaks Fluentd's forward protocol, and is strict about it.

https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import io
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from tests.servers.certificates import Certificate

_encode = msgspec.msgpack.encode
_LINGER_NOT = struct.pack("ii", 1, 0)
"""Closing a socket resets the connection."""

HOST = "collector.test"
"""What it calls itself."""


class Event(NamedTuple):
    """What a line became."""

    tag: str
    nanoseconds: int
    """Since the epoch."""
    record: dict[str, Any]


@dataclass
class Fluentd:
    """A collector of the loopback interface. It forgets nothing when it is stopped and started again."""

    shared_key: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    """Passwords by name."""
    certificate: Certificate | None = None
    keepalive: bool = True
    texts_as_binary: bool = True
    """Whether random bytes are sent as such, as Fluentd does; Fluent Bit sends them as text."""
    acknowledge: Callable[[str], Any] = lambda chunk: {"ack": chunk}
    """The answer to a chunk; None for none."""

    port: int = 0
    events: list[Event] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)
    """The ids, as often as they came."""
    connections: int = 0
    mistakes: list[str] = field(default_factory=list)
    """What clients did against the specification."""
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _listener: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Listens, on the port that it had before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """Ends as a process does that is killed."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._changed:
            for connection in self._open:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def wait(self, events: int, within: float = 10.0) -> list[Event]:
        """All events, once there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= events, within), len(self.events)
            return [*self.events]

    def contents(self) -> list[str]:
        """What was logged, in the order in which it came."""
        return [event.record["content"] for event in self.events]

    def _spawn(self, target: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with self._changed:
            if self._listener is None:  # it was stopped meanwhile
                connection.close()
                return
            self.connections += 1
            self._open.add(connection)
        try:
            if self.certificate is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(self.certificate.certificate, self.certificate.key)
                with self._changed:
                    self._open.discard(connection)
                    connection = context.wrap_socket(connection, server_side=True)
                    self._open.add(connection)
            self._talk(connection)
        except (OSError, EOFError):
            pass  # the client has hung up, or this one was stopped
        except ValueError as error:
            self.mistakes.append(str(error))
        finally:
            with self._changed:
                self._open.discard(connection)
                connection.close()

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            if self.shared_key and not self._shake_hands(connection, stream):
                return
            while True:
                tag, entries, options = _message(stream)
                events = _events(tag, entries, options["size"])
                answer = None
                with self._changed:
                    self.events += events
                    if "chunk" in options:
                        self.chunks.append(options["chunk"])
                        answer = self.acknowledge(options["chunk"])
                    self._changed.notify_all()
                if answer is not None:
                    connection.sendall(_encode(answer))

    def _shake_hands(self, connection: socket.socket, stream: io.BufferedReader) -> bool:
        nonce, auth = os.urandom(16), os.urandom(16) if self.users else b""
        if self.texts_as_binary:
            options = _encode({"nonce": nonce, "auth": auth, "keepalive": self.keepalive})
        else:
            options = b"\x82\xa5nonce\xb0" + nonce + b"\xa4auth\xb0" + os.urandom(16)
        connection.sendall(b"\x92\xa4HELO" + options)
        if _exactly(stream, 1) != b"\x96" or _text(stream) != "PING":
            raise ValueError("a PING is expected")
        host, salt, proof, user, login = (_text(stream) for _ in range(5))
        key = self.shared_key.encode()
        reason = ""
        if not hmac.compare_digest(proof, _digest(salt.encode(), host.encode(), nonce, key)):
            reason = "shared_key mismatch"
        elif self.users and login != _digest(auth, user.encode(), self.users.get(user, "").encode()):
            reason = "username/password mismatch"
        own = "" if reason else _digest(salt.encode(), HOST.encode(), nonce, key)
        connection.sendall(_encode(["PONG", not reason, reason, "" if reason else HOST, own]))
        return not reason


@contextmanager
def fluentd(**options: Any) -> Iterator[Fluentd]:
    """A running collector, with clients that keep to the specification."""
    server = Fluentd(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()
    assert not server.mistakes


def _digest(*parts: bytes) -> str:
    return hashlib.sha512(b"".join(parts)).hexdigest()


def _message(stream: io.BufferedReader) -> tuple[str, bytes, dict[str, Any]]:
    """A message in the mode PackedForward: tag, entries, options."""
    if _exactly(stream, 1) != b"\x93":
        raise ValueError("a list of tag, entries and options is expected")
    tag = _text(stream)
    entries = _sized(stream, {0xC4: 1, 0xC5: 2, 0xC6: 4}, "binary")
    options: dict[str, Any] = {}
    for _ in range(_exactly(stream, 1)[0] - 0x80):
        name = _text(stream)
        options[name] = _number(stream) if name == "size" else _text(stream)
    if "chunk" in options and len(base64.b64decode(options["chunk"], validate=True)) != 16:
        raise ValueError("the id of a chunk is no 128 bits in base64")
    if options.keys() - {"size", "chunk"} or not tag:
        raise ValueError(f"options that are not known, or no tag: {tag!r}, {options}")
    return tag, entries, options


def _events(tag: str, entries: bytes, size: int) -> list[Event]:
    """The events of a chunk, which are as many as it says."""
    found: list[tuple[msgspec.msgpack.Ext, dict[str, Any]]] = msgspec.msgpack.decode(
        b"\xdd" + size.to_bytes(4, "big") + entries, type=list[tuple[msgspec.msgpack.Ext, dict[str, Any]]]
    )
    events = []
    for time, record in found:
        if time.code != 0 or len(bytes(time.data)) != 8:
            raise ValueError("an EventTime is expected")
        seconds, nanoseconds = struct.unpack(">II", bytes(time.data))
        events.append(Event(tag, seconds * 1_000_000_000 + nanoseconds, record))
    return events


def _number(stream: io.BufferedReader) -> int:
    head = _exactly(stream, 1)[0]
    return head if head < 0x80 else int.from_bytes(_exactly(stream, 1 << (head - 0xCC)), "big")


def _text(stream: io.BufferedReader) -> str:
    return _sized(stream, {0xD9: 1, 0xDA: 2, 0xDB: 4}, "text").decode()


def _sized(stream: io.BufferedReader, widths: Mapping[int, int], what: str) -> bytes:
    head = _exactly(stream, 1)[0]
    if what == "text" and 0xA0 <= head < 0xC0:
        return _exactly(stream, head - 0xA0)
    if head not in widths:
        raise ValueError(f"expected {what}, got the type {head:#x}")
    return _exactly(stream, int.from_bytes(_exactly(stream, widths[head]), "big"))


def _exactly(stream: io.BufferedReader, size: int) -> bytes:
    data: bytes = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
