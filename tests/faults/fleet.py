"""Servers in processes of their own, and a client that calls them without pause and remembers everything."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import msgspec
from google.protobuf.wrappers_pb2 import StringValue

from tests.faults.server import Behaviour
from zero_runtime import config, rpc
from zero_runtime.errors import ZeroError

TRANSPORTS = ("http2", "grpcio")
"""Those that a server may be served by."""

Answer = Callable[[], Awaitable[str]]
"""Calls a server; returns which one answered."""

NAME = "target"
"""Under which the servers register."""

_START = 30.0
"""Seconds a server may take to start."""

_LISTENS = re.compile(r"listens on (127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class Server:
    """A server in a process of its own."""

    address: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def name(self) -> str:
        """What it answers calls with."""
        return str(self.process.pid)

    def kill(self) -> None:
        """As a defect or the kernel ends a process: without a word to anybody."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """As Kubernetes ends a process."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Its exit status, when it has drained."""
        return await asyncio.to_thread(self.process.wait, 20)

    async def behave(self, **behaviour: Any) -> int:
        """Makes it do what `Behaviour` says from now on; returns how many calls there were."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Target/Behave")
            text = msgspec.json.encode(Behaviour(**behaviour)).decode()
            answer = await call(StringValue(value=text).SerializeToString(), wait_for_ready=True)
            return int(StringValue.FromString(answer).value)


@contextmanager
def servers(folder: Path, *transports: str, **conf: Any) -> Iterator[list[Server]]:
    """A server for each of the transports, started together. ``conf`` is their configuration in YAML's keys.

    What it does not say is as in production, but that nothing is shed: others may use the machine, too.
    """
    with ExitStack() as stack:
        started = [
            stack.enter_context(_process(folder / f"{number}-{transport}", transport, conf))
            for number, transport in enumerate(transports)
        ]
        yield [_listening(process, log) for process, log in started]


@contextmanager
def _process(
    folder: Path, transport: str, conf: Mapping[str, Any]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    folder.mkdir(parents=True)
    file, log = folder / "target.yaml", folder / "log"
    file.write_text(  # JSON is YAML
        json.dumps(
            {
                "Name": NAME,
                "ListenOn": "127.0.0.1:0",
                "Transport": transport,
                "DevServer": {"Enabled": False},
                "CpuThreshold": 0,
                **conf,
            }
        )
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ZERO_STATE_DIR": str(folder.parent / "state"),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server", "-f", str(file)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()


def _listening(process: subprocess.Popen[bytes], log: Path) -> Server:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        if found := _LISTENS.search(log.read_text()):
            return Server(found[1], log, process)
        assert process.poll() is None, f"ended with {process.returncode}:\n{log.read_text()}"
        time.sleep(0.05)
    raise AssertionError(f"not ready after {_START} s:\n{log.read_text()}")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is over."""

    begun: float
    ended: float
    server: str
    """Who answered; empty if nobody did."""

    error: ZeroError | None


class Load:
    """Calls at a steady rate, whatever becomes of those before."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        """Those that are over."""

    def begun(self, since: float, until: float = float("inf")) -> list[Call]:
        """The calls that began in a span of time, by `now`."""
        return [call for call in self.calls if since <= call.begun < until]

    @property
    def failed(self) -> list[Call]:
        return [call for call in self.calls if call.error]


def run(test: Coroutine[Any, Any, None], limit: float = 60) -> None:
    """Runs a test, for ``limit`` seconds at most."""
    asyncio.run(asyncio.wait_for(test, limit))


def now() -> float:
    """The clock of calls, in seconds."""
    return time.monotonic()


@asynccontextmanager
async def client(idempotent: bool = False, **conf: Any) -> AsyncIterator[Answer]:
    """A function that calls one of the servers; ``conf`` is the client's configuration, in YAML's keys."""
    async with rpc.connect(msgspec.convert(conf, config.RpcClientConf)) as channel:
        call = channel.unary_unary("/test.Target/Answer", StringValue, StringValue, idempotent=idempotent)

        async def answer() -> str:
            return (await call(StringValue(), {})).value

        yield answer


@asynccontextmanager
async def load(answer: Answer, rate: float) -> AsyncIterator[Load]:
    """Calls from here to the end of the block, ``rate`` per second. All of them are over after it."""
    done = Load()
    calls: set[asyncio.Task[None]] = set()

    async def one() -> None:
        begun, server, error = now(), "", None
        try:
            server = await answer()
        except ZeroError as failure:
            error = failure
        done.calls.append(Call(begun, now(), server, error))

    async def all_of_them() -> None:
        start, count = now(), 0
        while True:
            while start + count / rate <= now():
                count += 1
                calls.add(task := asyncio.ensure_future(one()))
                task.add_done_callback(calls.discard)
            await asyncio.sleep(start + count / rate - now())

    calling = asyncio.ensure_future(all_of_them())
    try:
        yield done
    finally:
        calling.cancel()
        await asyncio.gather(*calls)


async def until(holds: Callable[[], bool], seconds: float) -> float:
    """Waits until something holds; returns how long it took. Fails after ``seconds``."""
    start = now()
    while not holds():
        assert now() - start < seconds, f"not so after {seconds} s"
        await asyncio.sleep(0.05)
    return now() - start
