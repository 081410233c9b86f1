"""What a call costs: the login of the user service in Zero and in others, side by side, of servers and of
clients.

    python3 -m bench.rpc [--rounds 5] [--seconds 3] [--only WORD]...

Every server does the same: it reads the request and answers a constant. All of them are started, each bound
to the same core, and put under load by h2load from another core, one after the other, in several rounds; so
what else the machine does falls on all of them. Then the clients in turn call one of the servers, 16 calls at
a time. CPU is what the processes of the server, or the client, used, user and system: on a shared machine it
says more than the clock. Ratios are to plain grpc.aio, medians of those within a round; more than 1 is
better.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.http import processes
from bench.rpc import environment
from bench.rpc.contenders import (
    BASELINE,
    CALLED,
    CALLING,
    CLIENTS,
    COLLECTOR,
    SERVING,
    Command,
    Contender,
    Space,
)
from bench.rpc.load import H2load, run_client


@dataclass(frozen=True)
class Cost:
    """One contender in one round."""

    cpu: float
    """Microseconds per call."""
    rate: float
    """Calls per second."""
    peer: float = 0.0
    """Microseconds per call that the other side used, if it was measured."""


@dataclass(frozen=True)
class Running:
    name: str
    pid: int
    port: int

    def measure(self, load: H2load, seconds: int) -> Cost:
        before = processes.cpu_seconds(self.pid)
        answered = load.run(self.port, seconds)
        cpu = processes.cpu_seconds(self.pid) - before
        return Cost(1e6 * cpu / answered.calls, answered.calls / answered.seconds)


def start(contender: Contender, space: Space, core: int, stack: ExitStack) -> Running:
    port = processes.free_port()
    log = space.folder / f"{port}.log"
    command = contender.command(space, port)
    pid = stack.enter_context(processes.listening(command, port, core, space.environment, log))
    return Running(contender.name, pid, port)


def call(contender: Contender, space: Space, server: Running, core: int, seconds: int) -> Cost:
    program, script, target, *options = contender.command(space, server.port)
    command = [program, script, target, str(seconds), *options]
    paths = f"{CLIENTS}:{space.environment['PYTHONPATH']}"
    before = processes.cpu_seconds(server.pid)
    answered = run_client(command, {**space.environment, "PYTHONPATH": paths}, core)
    peer = 1e6 * (processes.cpu_seconds(server.pid) - before) / answered.all
    return Cost(1e6 * answered.cpu / answered.calls, answered.calls / answered.seconds, peer)


def table(title: str, costs: dict[str, list[Cost]], peer: str = "") -> str:
    """``peer`` is the heading of what the other side used."""
    base = costs[BASELINE]
    lines = [
        f"{title:<34}{'CPU µs':>8}{'least':>7}{'ratio':>7}{'calls/s':>9}{'ratio':>7}{peer and f'{peer:>11}'}"
    ]
    for name, rounds in costs.items():
        cpu, rate = (
            statistics.median(values) for values in zip(*((c.cpu, c.rate) for c in rounds), strict=True)
        )
        least = min(c.cpu for c in rounds)
        cheaper = statistics.median(b.cpu / c.cpu for b, c in zip(base, rounds, strict=True))
        faster = statistics.median(c.rate / b.rate for b, c in zip(base, rounds, strict=True))
        other = f"{statistics.median(c.peer for c in rounds):>11.0f}" if peer else ""
        lines.append(f"{name:<34}{cpu:>8.0f}{least:>7.0f}{cheaper:>7.1f}{rate:>9.0f}{faster:>7.1f}{other}")
    return "\n".join(lines)


def chosen(contenders: Iterable[Contender], words: list[str] | None) -> list[Contender]:
    return [
        each
        for each in contenders
        if each.name == BASELINE or not words or any(word in each.name for word in words)
    ]


def run(options: argparse.Namespace) -> str:
    server_core, load_core = processes.cores()
    with tempfile.TemporaryDirectory(prefix="zero-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        load = H2load(folder, load_core)
        python = environment.python()
        environment.generate(python, folder / "generated")
        space = Space(python, folder / "generated", folder, processes.free_port())
        collector: Command = [python, COLLECTOR, str(space.collector)]
        log = folder / "collector.log"
        stack.enter_context(processes.listening(collector, space.collector, load_core, {}, log))
        servers = [start(each, space, server_core, stack) for each in chosen(SERVING, options.only)]
        called = start(CALLED, space, server_core, stack)
        for server in servers:
            server.measure(load, 1)  # warms it up
        serving: dict[str, list[Cost]] = {server.name: [] for server in servers}
        calling: dict[str, list[Cost]] = {each.name: [] for each in chosen(CALLING, options.only)}
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for server in servers:
                serving[server.name].append(server.measure(load, options.seconds))
            for each in chosen(CALLING, options.only):
                calling[each.name].append(call(each, space, called, load_core, options.seconds))
    return f"{table('servers', serving)}\n\n{table('clients', calling, 'server µs')}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.rpc", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, help="load of a round on each (default: 3)")
    parser.add_argument("--only", action="append", metavar="WORD", help="those with WORD in their name")
    options = parser.parse_args()
    try:
        measured = run(options)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"/user.User/Login, medians of {options.rounds} rounds\n")
    print(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
