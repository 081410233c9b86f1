"""What a request costs: the login of the user service in Zero and in others, side by side.

    python3 -m bench.http [--rounds 5] [--seconds 3] [--connections 64] [--only WORD]...

Every server does the same: it checks the body and answers a constant. All of them are started, each bound to the same
core, and put under load by wrk from another core, one after the other, in several rounds; so what else the machine
does falls on all of them. CPU is what the server's processes used, user and system: on a shared machine it says more
than the clock. Ratios are to FastAPI, medians of those within a round; more than 1 is better.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.http import environment, processes
from bench.http.contenders import BASELINE, CONTENDERS, SERVERS, Command, Contender, Space
from bench.http.load import BODY, Wrk

ANSWER = {"accessToken": "token of 13800000001", "accessExpire": 1700000000}


@dataclass(frozen=True)
class Cost:
    """One contender in one round."""

    cpu: float
    """Microseconds per request."""
    rate: float
    """Requests per second."""
    p99: float
    """Milliseconds."""


@dataclass(frozen=True)
class Running:
    contender: Contender
    pid: int
    url: str

    def check(self) -> None:
        """Raises OSError unless it answers the request as all do."""
        request = urllib.request.Request(self.url, BODY.encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            answer = json.load(response)
        if answer != ANSWER:
            raise OSError(f"{self.contender.name} answers {answer}")

    def measure(self, wrk: Wrk, seconds: int) -> Cost:
        before = processes.cpu_seconds(self.pid)
        answered = wrk.run(self.url, seconds)
        cpu = processes.cpu_seconds(self.pid) - before
        return Cost(1e6 * cpu / answered.requests, answered.requests / answered.seconds, answered.p99)


def start(contender: Contender, space: Space, core: int, stack: ExitStack) -> Running:
    port = processes.free_port()
    log = space.folder / f"{port}.log"
    command = contender.command(space, port)
    pid = stack.enter_context(processes.listening(command, port, core, space.environment, log))
    return Running(contender, pid, f"http://127.0.0.1:{port}/api/user/login")


def table(costs: dict[str, list[Cost]]) -> str:
    base = costs[BASELINE]
    lines = [f"{'':<32}{'CPU µs':>8}{'least':>7}{'ratio':>7}{'req/s':>9}{'ratio':>7}{'p99 ms':>9}"]
    for name, rounds in costs.items():
        cpu, rate, p99 = (
            statistics.median(values)
            for values in zip(*((c.cpu, c.rate, c.p99) for c in rounds), strict=True)
        )
        least = min(c.cpu for c in rounds)
        cheaper = statistics.median(b.cpu / c.cpu for b, c in zip(base, rounds, strict=True))
        faster = statistics.median(c.rate / b.rate for b, c in zip(base, rounds, strict=True))
        lines.append(
            f"{name:<32}{cpu:>8.0f}{least:>7.0f}{cheaper:>7.1f}{rate:>9.0f}{faster:>7.1f}{p99:>9.1f}"
        )
    return "\n".join(lines)


def run(options: argparse.Namespace) -> str:
    server_core, load_core = processes.cores()
    chosen = [
        each
        for each in CONTENDERS
        if each.name == BASELINE or not options.only or any(word in each.name for word in options.only)
    ]
    with tempfile.TemporaryDirectory(prefix="zero-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        wrk = Wrk(folder, load_core, options.connections)
        python = environment.python()
        environment.generate(python, folder / "generated")
        space = Space(python, folder / "generated", folder, processes.free_port())
        collector: Command = [python, SERVERS / "collector.py", str(space.collector)]
        stack.enter_context(
            processes.listening(collector, space.collector, load_core, {}, folder / "collector.log")
        )
        servers = [start(contender, space, server_core, stack) for contender in chosen]
        for server in servers:
            server.check()
            server.measure(wrk, 1)  # warms it up
        costs: dict[str, list[Cost]] = {server.contender.name: [] for server in servers}
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for server in servers:
                costs[server.contender.name].append(server.measure(wrk, options.seconds))
    return table(costs)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.http", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, help="load on a server in a round (default: 3)")
    parser.add_argument(
        "--connections", type=int, default=64, help="connections that stay open (default: 64)"
    )
    parser.add_argument("--only", action="append", metavar="WORD", help="servers with WORD in their name")
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
