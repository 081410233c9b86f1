"""The sockets that services listen on."""

from __future__ import annotations

import socket
import sys

from zero_runtime.config import RestConf

_BACKLOG = 2048
"""Connections that may wait to be accepted, as far as the system lets them."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; port 0 is any free one. Raises OSError that says what cannot be had."""
    return _listen(host, port, shares=False)


def listen_for(workers: int, host: str, port: int) -> list[socket.socket]:
    """A socket for each worker, all on one port, so that Linux deals connections out evenly among them.

    With one socket for all, the worker that wakes up first takes most of what comes at a time. Other systems
    do not deal out: there it is one socket after all.
    """
    one = listen(host, port)  # sees whether the port is taken, which those that share it do not
    if not sys.platform.startswith("linux"):
        return [one] * workers
    port = one.getsockname()[1]
    one.close()
    return [_listen(host, port, shares=True) for _ in range(workers)]


def _listen(host: str, port: int, *, shares: bool) -> socket.socket:
    listener = None
    try:
        infos = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = infos[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
        return listener
    except OSError as error:
        if listener is not None:
            listener.close()
        reason = (error.strerror or str(error)).lower()
        raise OSError(f"cannot listen on {host}:{port}: {reason}") from None


def address_of(listener: socket.socket, *, tls: bool = False) -> str:
    """The URL of what listens there."""
    host, port = listener.getsockname()[:2]
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}"


def url(conf: RestConf, listener: socket.socket) -> str:
    """The URL of the service that ``conf`` describes."""
    return address_of(listener, tls=bool(conf.cert_file))
