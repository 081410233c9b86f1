"""What it costs a request to be traced, measured and logged: Zero and the ordinary way, side by side.

    python3 -m bench.observability [--rounds 5] [--seconds 3] [--connections 64]

The ordinary way is OpenTelemetry's ASGI middleware and SDK, prometheus_client with its labels, and
`logging` with JSON, around the same endpoint: Zero's own as a plain ASGI application. Both export their
spans to the same collector by OTLP over HTTP, and log one line per request into a file. Each is compared
with itself unobserved, in the same round: what is added is the CPU time, user and system, of a request.
Servers and load as in `bench.http`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.http import environment, processes
from bench.http.__main__ import Running
from bench.http.contenders import SERVERS, Command, Contender, Space, zero
from bench.http.load import Wrk

_OWN_SERVERS = Path(__file__).resolve().parent / "servers"
_PEERS = (
    "opentelemetry-instrumentation-asgi==0.66b2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-sdk==1.45.2",
)

_UVICORN = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
_SAMPLERS = (1.0, 0.01)


@dataclass(frozen=True)
class Pair:
    """A way to observe: the server with it and the same without."""

    name: str
    sampler: float
    bare: str
    observed: str


def _plain(space: Space, module: str, port: int) -> Command:
    return [space.python, "-m", "uvicorn", f"{module}:app", "--port", str(port), *_UVICORN]


def _servers(space: Space, stack: ExitStack, core: int) -> tuple[dict[str, Running], list[Pair]]:
    """All servers by their names, running, and which are compared."""
    running: dict[str, Running] = {}

    def start(name: str, contender: Contender, more: dict[str, str] | None = None) -> str:
        port = processes.free_port()
        log = space.folder / f"{port}.log"
        path = f"{_OWN_SERVERS}:{space.environment['PYTHONPATH']}"
        env = {**space.environment, "PYTHONPATH": path, **(more or {})}
        pid = stack.enter_context(processes.listening(contender.command(space, port), port, core, env, log))
        running[name] = Running(contender, pid, f"http://127.0.0.1:{port}/api/user/login")
        return name

    def plain(module: str) -> Contender:
        return Contender(module, lambda space, port: _plain(space, module, port))

    own = start("Zero", Contender("Zero", zero("uvicorn", sampler=None)))
    bare = start("plain ASGI", plain("zero_app"))
    pairs = []
    for sampler in _SAMPLERS:
        more = {"SAMPLER": str(sampler), "COLLECTOR": str(space.collector)}
        with_zero = start(f"Zero {sampler}", Contender("Zero", zero("uvicorn", sampler=sampler)))
        ordinary = start(f"ordinary {sampler}", plain("ordinary_app"), more)
        pairs += [Pair("Zero", sampler, own, with_zero), Pair("the ordinary way", sampler, bare, ordinary)]
    return running, pairs


def table(pairs: list[Pair], rounds: list[dict[str, float]]) -> str:
    """Medians over the rounds of what is added within a round, and how many times what Zero adds that is."""
    lines = [f"{'':<18}{'traced':>8}{'without µs':>12}{'with µs':>9}{'added µs':>10}{'times':>7}"]
    zero_added = 0.0
    for pair in pairs:
        without, observed, added = (
            statistics.median(values)
            for values in zip(
                *(
                    (each[pair.bare], each[pair.observed], each[pair.observed] - each[pair.bare])
                    for each in rounds
                ),
                strict=True,
            )
        )
        if pair.name == "Zero":
            zero_added = added
        numbers = f"{without:>12.0f}{observed:>9.0f}{added:>10.1f}{added / zero_added:>7.1f}"
        lines.append(f"{pair.name:<18}{pair.sampler:>8.0%}{numbers}")
    return "\n".join(lines)


def run(options: argparse.Namespace) -> str:
    server_core, load_core = processes.cores()
    with tempfile.TemporaryDirectory(prefix="zero-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        wrk = Wrk(folder, load_core, options.connections)
        python = environment.python("bench-observability", _PEERS)
        environment.generate(python, folder / "generated")
        space = Space(python, folder / "generated", folder, processes.free_port())
        collector: Command = [python, SERVERS / "collector.py", str(space.collector)]
        stack.enter_context(
            processes.listening(collector, space.collector, load_core, {}, folder / "collector.log")
        )
        servers, pairs = _servers(space, stack, server_core)
        for server in servers.values():
            server.check()
            server.measure(wrk, 1)  # warms it up
        rounds: list[dict[str, float]] = []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            rounds.append({name: each.measure(wrk, options.seconds).cpu for name, each in servers.items()})
    return table(pairs, rounds)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench.observability", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, help="load on a server in a round (default: 3)")
    parser.add_argument(
        "--connections", type=int, default=64, help="connections that stay open (default: 64)"
    )
    options = parser.parse_args()
    try:
        measured = run(options)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"POST /api/user/login, {options.connections} connections, medians of {options.rounds} rounds\n")
    print(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
