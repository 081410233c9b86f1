"""The servers that are compared, and how each is started."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.http.environment import REPOSITORY

SERVERS = Path(__file__).resolve().parent / "servers"

_OFF = {
    "Middlewares": {"Trace": False, "Log": False, "Prometheus": False},
    "Telemetry": {"Disabled": True},
}


@dataclass(frozen=True)
class Space:
    """What a server is started with."""

    python: Path
    generated: Path
    """The folder of generated modules."""
    folder: Path
    """For files that a server needs."""
    collector: int
    """The port of what takes exported spans."""

    @property
    def environment(self) -> dict[str, str]:
        paths = (SERVERS, self.generated, REPOSITORY / "runtime")
        return {"PYTHONPATH": ":".join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}


Command = Sequence[str | Path]


@dataclass(frozen=True)
class Contender:
    """A server by its name in the table."""

    name: str
    command: Callable[[Space, int], Command]
    """What starts it on a port."""


def _uvicorn(module: str) -> Callable[[Space, int], Command]:
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return lambda space, port: [space.python, "-m", "uvicorn", f"{module}:app", "--port", str(port), *options]


def _granian(module: str) -> Callable[[Space, int], Command]:
    options = ["--interface", "rsgi", "--loop", "uvloop", "--no-ws", "--log-level", "warning"]
    start = ["-m", "granian", f"{module}:app", "--host", "127.0.0.1", *options]
    return lambda space, port: [space.python, *start, "--port", str(port)]


def zero(server: str, *, sampler: float | None) -> Callable[[Space, int], Command]:
    """Zero with that part of its requests traced and all of them measured and logged; None is nothing at
    all."""

    def command(space: Space, port: int) -> Command:
        observed = sampler is not None
        telemetry = {"Endpoint": f"127.0.0.1:{space.collector}", "Sampler": sampler, "Batcher": "otlphttp"}
        configuration = {
            "Name": "user-api",
            "Host": "127.0.0.1",
            "Port": port,
            "Auth": {"AccessSecret": "a secret of more than thirty-two bytes"},
            "DevServer": {"Enabled": observed, "Host": "127.0.0.1", "Port": 0},
            "Shutdown": {"WrapUpTime": "0s"},
            **({"Telemetry": telemetry} if observed else _OFF),
        }
        file = space.folder / f"{port}.yaml"
        file.write_text(json.dumps(configuration))
        return [space.python, SERVERS / f"zero_{server}.py", "-f", file]

    return command


BASELINE = "FastAPI, uvicorn"

CONTENDERS = (
    Contender(BASELINE, _uvicorn("fastapi_app")),
    Contender("Starlette, msgspec, uvicorn", _uvicorn("starlette_app")),
    Contender("bare Granian (RSGI)", _granian("granian_app")),
    Contender("Zero as plain ASGI, uvicorn", _uvicorn("zero_app")),
    Contender("Zero", zero("uvicorn", sampler=None)),
    Contender("Zero, observed, 1 % traced", zero("uvicorn", sampler=0.01)),
    Contender("Zero, all observed", zero("uvicorn", sampler=1.0)),
    Contender("Zero on Granian", zero("granian", sampler=None)),
    Contender("Zero on Granian, all observed", zero("granian", sampler=1.0)),
)
"""Observed: traces (exported to a collector), metrics and the access log, as a file gets it."""
