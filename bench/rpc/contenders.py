"""The servers and the clients that are compared, and how each is started."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.http.environment import REPOSITORY

_HERE = Path(__file__).resolve().parent
SERVERS = _HERE / "servers"
CLIENTS = _HERE / "clients"
COLLECTOR = REPOSITORY / "bench/http/servers/collector.py"

_OFF = {
    "Middlewares": {"Trace": False, "Stat": False, "Prometheus": False, "Breaker": False},
    "Telemetry": {"Disabled": True},
    "CpuThreshold": 0,
    "MaxConns": 0,
    "Timeout": 0,
}

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Space:
    """What a program is started with."""

    python: Path
    generated: Path
    """The folder of generated modules."""
    folder: Path
    """For files that a program needs."""
    collector: int
    """The port of what takes exported spans."""

    @property
    def environment(self) -> dict[str, str]:
        paths = (SERVERS, self.generated, REPOSITORY / "runtime")
        return {"PYTHONPATH": ":".join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Contender:
    """A server or a client by its name in the table."""

    name: str
    command: Callable[[Space, int], Command]
    """What starts it; the number is the server's port."""


def _grpc(*options: str) -> Callable[[Space, int], Command]:
    return lambda space, port: [space.python, SERVERS / "grpc_aio.py", str(port), *options]


def _grpc_observed(share: str) -> Callable[[Space, int], Command]:
    return lambda space, port: _grpc("--observed", str(space.collector), share)(space, port)


def _grpclib(space: Space, port: int) -> Command:
    return [space.python, SERVERS / "grpclib_server.py", str(port)]


def _zero(transport: str, *, sampler: float | None) -> Callable[[Space, int], Command]:
    """Zero with all its stages and that part of its calls traced; None is nothing at all."""

    def command(space: Space, port: int) -> Command:
        on = sampler is not None
        telemetry = {"Endpoint": f"127.0.0.1:{space.collector}", "Sampler": sampler, "Batcher": "otlphttp"}
        configuration = {
            "Name": "user-rpc",
            "ListenOn": f"127.0.0.1:{port}",
            "DevServer": {"Enabled": on, "Host": "127.0.0.1", "Port": 0},
            "Shutdown": {"WrapUpTime": "0s"},
            **({"Telemetry": telemetry} if on else _OFF),
        }
        file = space.folder / f"{port}.yaml"
        file.write_text(json.dumps(configuration))
        return [space.python, SERVERS / f"zero_{transport}.py", "-f", file]

    return command


def _client(name: str, *given: str, observed: bool = False) -> Callable[[Space, int], Command]:
    def command(space: Space, port: int) -> Command:
        options = ["--observed", str(space.collector)] if observed else []
        return [space.python, CLIENTS / f"{name}.py", str(port), *given, *options]

    return command


BASELINE = "grpc.aio"

CALLED = Contender("Zero", _zero("http2", sampler=None))
"""The server that the clients call."""

SERVING = (
    Contender(BASELINE, _grpc()),
    Contender("grpc.aio, uvloop", _grpc("--uvloop")),
    Contender("grpc.aio, OTel, Prometheus, 1 %", _grpc_observed("0.01")),
    Contender("grpc.aio, OTel, Prometheus", _grpc_observed("1")),
    Contender("grpclib, uvloop", _grpclib),
    CALLED,
    Contender("Zero, everything on, 1 % traced", _zero("http2", sampler=0.01)),
    Contender("Zero, everything on", _zero("http2", sampler=1.0)),
    Contender("Zero on grpcio", _zero("grpcio", sampler=None)),
    Contender("Zero on grpcio, everything on", _zero("grpcio", sampler=1.0)),
)
"""On: traces (exported to a collector), metrics, the log of calls as a file gets it, breaker, shedding,
limits."""

_GRPCIO = ("--transport", "grpcio")

CALLING = (
    Contender(BASELINE, _client("grpc_aio")),
    Contender("grpc.aio, OTel, Prometheus", _client("grpc_aio", observed=True)),
    Contender("grpclib, uvloop", _client("grpclib_client")),
    Contender("Zero", _client("zero_client")),
    Contender("Zero, everything on", _client("zero_client", observed=True)),
    Contender("Zero on grpcio", _client("zero_client", *_GRPCIO)),
    Contender("Zero on grpcio, everything on", _client("zero_client", *_GRPCIO, observed=True)),
)
