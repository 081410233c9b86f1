"""How a connection to a server is made: its addresses by turns, and TLS."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from zero_runtime.config import RpcClientConf
from zero_runtime.rpc.client.http2.connection import Connection
from zero_runtime.rpc.client.http2.link import reason_of
from zero_runtime.rpc.client.tls import client_context

_TIMEOUT = 3.0
"""Seconds until an address is given up that swallows packets, or does not speak; go-zero's time for
dialling."""

_PING_TIMEOUT = 10.0
"""Seconds that a server may take to say that it is there."""

_FAREWELL = 1.0
"""Seconds that the end of TLS may take."""


class Unconnected(Exception):
    """No connection can be made; says why."""


@dataclass(frozen=True, slots=True)
class Dialing:
    """What the connections of one client have in common."""

    tls: ssl.SSLContext | None = None
    server_name: str = ""
    """What certificates have to be for; if empty, the host of the address."""
    keepalive: float = 0.0
    """Seconds of silence after which a server is asked whether it is there; 0 is never."""
    ping_timeout: float = _PING_TIMEOUT
    """Seconds that it may take to say so."""
    max_response: int = 0
    """Bytes that a message may have; 0 is any number."""
    max_request: int = 0

    async def connect(self, address: str, turn: int) -> Connection:
        """A connection that is ready for calls. Raises Unconnected.

        Of several addresses behind a name, those after the first ``turn`` are tried first.
        """
        scheme, _, path = address.partition(":")
        if scheme == "unix":
            path = f"/{path.lstrip('/')}" if path.startswith("//") else path
            return await self._connect_unix(path)
        if scheme == "unix-abstract":
            return await self._connect_unix(f"\0{path}")
        host, _, port = address.rpartition(":")
        return await self._connect_host(address, host.strip("[]"), int(port), turn)

    async def _connect_unix(self, path: str) -> Connection:
        loop = asyncio.get_running_loop()
        authority = self.server_name or "localhost"
        return await self._ready(
            loop.create_unix_connection(
                partial(Connection, self, authority),
                path,
                ssl=self.tls,
                server_hostname=authority if self.tls is not None else None,
                ssl_shutdown_timeout=_FAREWELL if self.tls is not None else None,
            )
        )

    async def _connect_host(self, address: str, host: str, port: int, turn: int) -> Connection:
        loop = asyncio.get_running_loop()
        found = await _addresses_of(host, port)
        turn %= len(found)
        reasons: dict[str, None] = {}
        for ip in (*found[turn:], *found[:turn]):
            try:
                return await self._ready(
                    loop.create_connection(
                        partial(Connection, self, self.server_name or address),
                        ip,
                        port,
                        ssl=self.tls,
                        server_hostname=(self.server_name or host) if self.tls is not None else None,
                        ssl_shutdown_timeout=_FAREWELL if self.tls is not None else None,
                    )
                )
            except Unconnected as error:
                reasons[str(error)] = None
        raise Unconnected("; ".join(reasons))

    async def _ready(
        self, connecting: Coroutine[Any, Any, tuple[asyncio.Transport, Connection]]
    ) -> Connection:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(_TIMEOUT):
                _, connection = await connecting
                await asyncio.shield(connection.greeted)
        except TimeoutError:
            if connection is not None:
                connection.abort()
                raise Unconnected(f"it has not said within {_TIMEOUT:.3g} s that it speaks HTTP/2") from None
            raise Unconnected(f"no connection within {_TIMEOUT:.3g} s") from None
        except (OSError, ValueError) as error:  # those of TLS too
            raise Unconnected(reason_of(error)) from None
        except BaseException:
            if connection is not None:
                connection.abort()
            raise
        if not connection.is_open:
            raise Unconnected(connection.reason or "the server has left")
        return connection


async def _addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a name. Raises Unconnected."""
    if _is_address(host):
        # Plain asyncio would ask a thread, and those may all be busy with what logic gives them.
        return [host]
    loop = asyncio.get_running_loop()
    try:
        # Not `wait_for`, which in Python 3.11 may swallow that the present task is cancelled.
        async with asyncio.timeout(_TIMEOUT):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise Unconnected(f"the host {host} is not found within {_TIMEOUT:.3g} s") from None
    except (OSError, UnicodeError) as error:
        raise Unconnected(f"the host {host} is not found: {reason_of(error)}") from None
    return [str(socket_address[0]) for _, _, _, _, socket_address in found]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def dialing(conf: RpcClientConf, host: str = "") -> Dialing:
    """Connections as configured, to servers with certificates for ``host`` unless ``ServerName`` is given.

    If neither is, they must be for the host of the address. Raises InvalidValue when a file is of no use.
    """
    tls = client_context(conf)
    return Dialing(
        tls=tls,
        server_name="" if tls is None else conf.server_name or host,
        keepalive=conf.keepalive_time,
        ping_timeout=_PING_TIMEOUT,
        max_response=conf.max_recv_msg_size,
        max_request=conf.max_send_msg_size,
    )
