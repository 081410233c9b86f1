"""The sockets that gRPC servers listen on."""

from __future__ import annotations

import errno
import os
import socket

_BACKLOG = 2048
"""Connections that may wait to be accepted, as far as the system lets them."""


def listen(listen_on: str) -> list[socket.socket]:
    """Sockets that take connections at ``host:port``, one per address of the host; port 0 is any free one.

    Without a host they are all addresses of this machine. Raises OSError that says what cannot be had.
    """
    host, _, port = listen_on.rpartition(":")
    if int(port) > 65535:  # getaddrinfo takes it modulo 65536
        raise OSError(f"cannot listen on {listen_on}: ports end at 65535")
    listeners: list[socket.socket] = []
    failures: list[OSError] = []
    try:
        infos = socket.getaddrinfo(
            host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise OSError(f"cannot listen on {listen_on}: {error.strerror}") from None
    for family, _, protocol, _, address in infos:
        if listeners and not int(port):  # the others on the port that the first was given
            address = (address[0], listeners[0].getsockname()[1], *address[2:])
        try:
            listeners.append(_listener(family, protocol, address))
        except OSError as error:
            failures.append(error)
    # A name may stand for addresses of which this machine lacks some.
    fatal = [failure for failure in failures if failure.errno in (errno.EADDRINUSE, errno.EACCES)]
    if fatal or not listeners:
        for listener in listeners:
            listener.close()
        reason = os.strerror((fatal or failures)[0].errno or 0).lower()
        raise OSError(f"cannot listen on {listen_on}: {reason}")
    return listeners


def reachable(host: str) -> str:
    """The host under which a server on this host is reached from this machine."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "[::]") else host


def _listener(
    family: int, protocol: int, address: tuple[str | int, ...] | tuple[int, bytes]
) -> socket.socket:
    # Without the protocol asyncio does not see that this is TCP, and leaves Nagle's algorithm on.
    listener = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
