from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from zero_runtime import rest
from zero_runtime.config import RestConf
from zero_runtime.rest import granian
from zero_runtime.rest.application import application
from zero_runtime.rest.server import HttpServer
from zero_runtime.rest.tls import server_context


@dataclass
class Served:
    """Routes that are being served."""

    client: httpx.AsyncClient
    server: Any
    """What can be stopped; None for an application that is called without a server."""

    async def raw(self, sent: bytes, seconds: float = 5) -> bytes:
        """What the server says to ``sent`` until it closes the connection."""
        reader, writer = await self.connect()
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), seconds)
        finally:
            writer.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        url = self.client.base_url
        return await asyncio.open_connection(url.host, url.port)


Serve = Callable[..., AbstractAsyncContextManager[Served]]
"""Serves routes as a configuration says: ``async with serve(routes, timeout=100) as served``."""


def _plain(conf: RestConf, routes: Iterable[rest.Route]) -> HttpServer:
    tls = server_context(conf.cert_file, conf.key_file)
    return HttpServer(application(conf, routes), conf.host, conf.port, tls=tls, fast=False)


_SERVERS: dict[str, Callable[[RestConf, Iterable[rest.Route]], Any]] = {
    "uvicorn": _plain,
    "fast": rest.Server,
    "granian": granian.Server,
}


def _serve(kind: str) -> Serve:
    @asynccontextmanager
    async def serving(routes: Iterable[rest.Route], **options: Any) -> AsyncIterator[Served]:
        conf = RestConf(**{"name": "test", "host": "127.0.0.1", "port": 0, **options})
        if kind == "asgi":
            transport = httpx.ASGITransport(application(conf, routes))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield Served(client, None)
            return
        server = _SERVERS[kind](conf, routes)
        url = await server.start()
        try:
            async with httpx.AsyncClient(base_url=url, timeout=10) as client:
                yield Served(client, server)
        finally:
            await server.stop(0.1)

    return serving


@pytest.fixture(params=["asgi", *_SERVERS])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Every way to serve: the application as it is, and by each server."""
    return _serve(request.param)


@pytest.fixture(params=[*_SERVERS])
def serve_by_network(request: pytest.FixtureRequest) -> Serve:
    """Every server."""
    return _serve(request.param)


@pytest.fixture(params=["uvicorn", "fast"])
def serve_by_uvicorn(request: pytest.FixtureRequest) -> Serve:
    """uvicorn, as it is and with the fast path."""
    return _serve(request.param)


@pytest.fixture
def serve_fast() -> Serve:
    """The fast path of uvicorn."""
    return _serve("fast")
