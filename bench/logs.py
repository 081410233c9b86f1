"""What a line of the log costs: written by the standard library, sent by fluent-logger, and by Zero, side by
side.

    python3 -m bench.logs [--rounds 5] [--lines 20000]

Each contender logs the same lines with four fields, in bursts of 20, in a process of its own, in rounds in
which each has its turn; what is sent goes to a collector on this machine, which counts it and acknowledges
what asks for it. CPU is what the process used, user and system, with all its threads and until all is sent.
Ratios are to fluent-logger's own handler, medians of those within a round; less than 1 is better.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import logging
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.http import environment
from bench.http.environment import REPOSITORY

_BURST = 20
_PAUSE = 0.002
_FIELDS = {"user": 7, "method": "POST", "path": "/api/user/login", "status": 200}
_FLUENT_LOGGER = "fluent-logger"
_ACCESS_TIME = "2026-01-31T12:00:00.000+00:00"

Log = Callable[[], object]
"""Logs a line."""


class Contender(NamedTuple):
    """One way of doing it."""

    name: str
    begin: Callable[[int], Log]
    """Configures logging; takes the port of the collector."""
    sends: bool = True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--contender", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender is not None:
        print(_cpu(_CONTENDERS[options.contender], options.lines, options.port))
        return 0
    if importlib.util.find_spec("fluent") is None:
        python = environment.python("bench-logs", ("fluent-logger==0.11.1",))
        command = [str(python), "-m", "bench.logs", *sys.argv[1:]]
        return subprocess.run(command, cwd=REPOSITORY, env=_environment()).returncode
    collector = Collector()
    costs = [
        [_turn(number, options.lines, collector) for number in range(len(_CONTENDERS))]
        for _ in range(options.rounds)
    ]
    _report(costs)
    return 0


def _turn(number: int, lines: int, collector: Collector) -> float:
    """Microseconds of CPU per line of a contender; fails when lines were lost."""
    before = collector.events
    arguments = ["--contender", str(number), "--lines", str(lines), "--port", str(collector.port)]
    command = [sys.executable, "-m", "bench.logs", *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    if _CONTENDERS[number].sends:
        deadline = time.monotonic() + 30
        while collector.events - before < lines:
            if time.monotonic() > deadline:
                raise SystemExit(f"{_CONTENDERS[number].name}: lines were lost")
            time.sleep(0.05)
    return float(done.stdout.splitlines()[-1])


def _environment() -> dict[str, str]:
    paths = [".", "runtime", os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def _report(costs: list[list[float]]) -> None:
    base = next(index for index, each in enumerate(_CONTENDERS) if each.name == _FLUENT_LOGGER)
    print(f"{'':44} µs of CPU per line    ratio")
    for index, contender in enumerate(_CONTENDERS):
        cost = statistics.median(row[index] for row in costs)
        ratio = statistics.median(row[index] / row[base] for row in costs)
        print(f"{contender.name:44} {cost:18.1f} {ratio:8.2f}")


def _cpu(contender: Contender, lines: int, port: int) -> float:
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    log = contender.begin(port)
    begin = time.process_time()
    for number in range(lines):
        log()
        if number % _BURST == 0:
            time.sleep(_PAUSE)
    logging.shutdown()
    cost = 1e6 * (time.process_time() - begin) / lines
    os.dup2(out, 1)
    return cost


class Collector:
    """Counts events. Runs in this process, whose CPU does not count."""

    def __init__(self) -> None:
        self.events = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        msgpack: Any = importlib.import_module("msgpack")
        unpacker = msgpack.Unpacker(max_buffer_size=1 << 26)
        while part := connection.recv(1 << 18):
            unpacker.feed(part)
            for message in unpacker:
                options = message[2] if isinstance(message[1], bytes) else {"size": 1}
                self.events += options["size"]
                if "chunk" in options:
                    connection.sendall(msgpack.packb({"ack": options["chunk"]}))


class _JsonFormatter(logging.Formatter):
    """As people write it who have no library for that."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "@timestamp": self.formatTime(record),
            "level": record.levelname,
            "service": "bench",
            "logger": record.name,
            "content": record.getMessage(),
            "caller": f"{record.pathname}:{record.lineno}",
        }
        return json.dumps(line | {key: getattr(record, key) for key in _FIELDS})


def _with_fields() -> Log:
    logger = logging.getLogger("bench")
    return lambda: logger.info("signed in", extra=_FIELDS)


def _standard_library(port: int) -> Log:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    return _with_fields()


def _fluent_logger(module: str) -> Callable[[int], Log]:
    def begin(port: int) -> Log:
        formatter: Any = importlib.import_module("fluent.handler").FluentRecordFormatter(
            {"level": "%(levelname)s", "logger": "%(name)s", "caller": "%(pathname)s:%(lineno)d"}
        )
        handler = importlib.import_module(module).FluentHandler("bench", host="127.0.0.1", port=port)
        handler.setFormatter(formatter)
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        logger = logging.getLogger("bench")
        return lambda: logger.info({"content": "signed in", **_FIELDS})

    return begin


def _zero(*, forward: bool, key: str = "") -> Callable[[int], Log]:
    def begin(port: int) -> Log:
        from zero_runtime import logs
        from zero_runtime.config import FluentdConf, LogConf

        fluentd = FluentdConf(host="127.0.0.1" if forward else "", port=port, key=key)
        logs.configure(LogConf(mode="none" if forward else "console", fluentd=fluentd), "bench")
        return _with_fields()

    return begin


def _zero_access(port: int) -> Log:
    """The line of a request, as the generated server logs it."""
    _zero(forward=True)(port)
    from zero_runtime.observability.access import AccessLine
    from zero_runtime.observability.output import Deferred, LineHandler

    class Request(Deferred):
        def line(self) -> AccessLine:
            return AccessLine(
                _ACCESS_TIME, "info", "bench", "zero.access", "POST /api/user/login", "1.0ms", 200
            )

    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, LineHandler)
    output = handler.output
    return lambda: output.write(Request())


_CONTENDERS = (
    Contender("the standard library, JSON on stdout", _standard_library, sends=False),
    Contender("Zero, JSON on stdout", _zero(forward=False), sends=False),
    Contender(_FLUENT_LOGGER, _fluent_logger("fluent.handler")),
    Contender("fluent-logger with its queue", _fluent_logger("fluent.asynchandler")),
    Contender("Zero to Fluentd, acknowledged", _zero(forward=True)),
    Contender("Zero to Fluentd, lines as texts", _zero(forward=True, key="log")),
    Contender("Zero to Fluentd, the line of a request", _zero_access),
)


if __name__ == "__main__":
    sys.exit(main())
