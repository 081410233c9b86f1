"""Where a server announces itself, and with which host."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence

from zero_runtime.config import InvalidValue, RpcServerConf
from zero_runtime.discovery.announcement import Announcement
from zero_runtime.discovery.local import local_registry

_ANY = ("", "0.0.0.0", "[::]")
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of no machine (RFC 5737, RFC 3849): the way to them tells which of its own a machine uses."""


async def announce(conf: RpcServerConf, address: str) -> Announcement:
    """Announces a server everywhere ``conf`` says: ``Register``, ``Etcd``.

    ``address`` is where it listens, as a client on this machine reaches it. In etcd, which others read, it
    has the host of `host_for_others`. Raises OSError and InvalidValue for what can never work. A registry
    that is away is none of that: the server is announced there as soon as it is back.
    """
    made: list[Announcement] = []
    try:
        if conf.register == "local":
            made.append(local_registry().announce(conf.name, address))
        if conf.etcd.hosts:
            from zero_runtime.discovery.etcd.registration import register

            host = host_for_others(conf.listen_on.rpartition(":")[0])
            port = address.rpartition(":")[2]
            made.append(await register(conf.etcd, conf.etcd.key or conf.name, f"{host}:{port}"))
    except BaseException:
        await _Announcements(made).withdraw()
        raise
    return _Announcements(made)


def host_for_others(host: str) -> str:
    """The host under which others reach a server that listens on ``host``.

    That is ``host`` itself unless it stands for all interfaces. Then it is ``$POD_IP``, else the address with
    which this machine reaches others, as in go-zero (``figureOutListenOn``). Raises InvalidValue when there
    is no such address.
    """
    if host not in _ANY:
        return host
    found = os.environ.get("POD_IP") or _own_address()
    if not found:
        raise InvalidValue(
            "this machine has no network, so it has no address to announce: "
            "set POD_IP or a host in ListenOn"
        )
    return f"[{found}]" if ":" in found else found


def _own_address() -> str:
    for family, elsewhere in _ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))  # sends nothing, but chooses the interface
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return ""


class _Announcements(Announcement):
    """Those of one server."""

    def __init__(self, announcements: Sequence[Announcement]) -> None:
        self._announcements = announcements

    async def withdraw(self) -> None:
        await asyncio.gather(*(announcement.withdraw() for announcement in self._announcements))
