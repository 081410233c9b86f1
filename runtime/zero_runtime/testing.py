"""For tests of logic: what it stands on, real and small."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec

from zero_runtime import model, rest, rpc
from zero_runtime.config import RpcClientConf, RpcServerConf


@asynccontextmanager
async def database(*schemas: model.Schema) -> AsyncIterator[model.Database]:
    """An empty database in memory with the tables of the schemas: for ``UserModel(database)``."""
    async with model.open_database("sqlite://") as opened:
        for schema in schemas:
            await opened.create(schema)
        yield opened


@asynccontextmanager
async def channel(*services: rpc.Service) -> AsyncIterator[rpc.Channel]:
    """A channel to a server of the services on a free loopback port: for ``UserClient(channel)``."""
    server = rpc.Server(RpcServerConf(name="test", listen_on="127.0.0.1:0"), services)
    try:
        async with rpc.connect(RpcClientConf(target=await server.start())) as connected:
            yield connected
    finally:
        await server.stop(grace=0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request was answered with."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return msgspec.json.decode(self.body)


class HttpClient:
    """Sends requests to routes without a network: for ``routes(UserLogic(context), auth=context.auth)``."""

    def __init__(self, routes: Iterable[rest.Route]) -> None:
        self._app = rest.App(routes)

    async def request(
        self,
        method: str,
        target: str,
        *,
        json: Any = msgspec.UNSET,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """The answer to one request. ``target`` is a path with or without a query string.

        ``json`` is what the body says, as a struct or as plain values; ``token`` is sent as bearer.
        """
        lines = {name.lower(): value for name, value in (headers or {}).items()}
        if token is not None:
            lines["authorization"] = f"Bearer {token}"
        if json is not msgspec.UNSET:
            lines.setdefault("content-type", "application/json")
            body = msgspec.json.encode(json)
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in lines.items()],
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start, content = sent
        answered = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], answered, content["body"])
