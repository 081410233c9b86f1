"""Jaeger, all in one: what traces are looked at with."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.process import free_port, require_built, running

_PORTS = {
    "grpc": "collector.otlp.grpc.host-port",
    "http": "collector.otlp.http.host-port",
    "zipkin": "collector.zipkin.host-port",
    "query": "query.http-server.host-port",
}
_OTHERS = (
    "admin.http.host-port",
    "collector.grpc-server.host-port",
    "collector.http-server.host-port",
    "query.grpc-server.host-port",
)
"""What it serves besides, each of which takes a port."""


class Jaeger:
    """A server of the loopback interface that forgets everything when it stops."""

    def __init__(self) -> None:
        self.grpc, self.http, self.zipkin, self.query = (f"127.0.0.1:{free_port()}" for _ in _PORTS)
        """Where it takes OTLP by gRPC and by HTTP, and Zipkin's JSON; and where it is asked."""

    @property
    def options(self) -> list[str]:
        """Its command line."""
        own = [f"--{option}={getattr(self, name)}" for name, option in _PORTS.items()]
        return [*own, *(f"--{option}=127.0.0.1:{free_port()}" for option in _OTHERS)]

    def trace(self, trace_id: str) -> dict[str, Any]:
        """A trace as its interface shows it; empty where there is none yet."""
        try:
            return dict(self._get(f"/api/traces/{trace_id}")["data"][0])
        except urllib.error.HTTPError:
            return {}

    def answers(self) -> bool:
        """Whether it can be asked."""
        try:
            self._get("/api/services")
        except OSError:
            return False
        return True

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self.query}{path}", timeout=10) as response:
            return json.load(response)


@contextmanager
def jaeger(folder: Path) -> Iterator[Jaeger]:
    """A running server, whose log is in ``folder``."""
    program = require_built("jaeger-all-in-one")
    made = Jaeger()
    with running([program, *made.options], folder / "jaeger.log", made.answers):
        yield made
