"""The user service as packaged, running: what the end-to-end tests drive."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START = 30.0
"""Seconds a service may take to start; a zipapp PEX unpacks itself first."""

STOP = 20.0
"""Seconds it may take to drain and end after SIGTERM."""

_LISTENS = re.compile(r"listens on (?:http://)?(127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class Service:
    """A running service: where it listens, and what it logs."""

    address: str
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def running(command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> Iterator[Service]:
    """A service started by `command`, ready; at the end it must stop cleanly on SIGTERM."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Service(_address(process, log), log, process)
        process.terminate()
        assert process.wait(STOP) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if found := _LISTENS.search(log.read_text()):
            return found[1]
        assert process.poll() is None, f"ended with {process.returncode}:\n{log.read_text()}"
        time.sleep(0.05)
    raise AssertionError(f"not ready after {START} s:\n{log.read_text()}")


@contextmanager
def fleet(
    rpc: Sequence[str | Path],
    api: Sequence[str | Path],
    environment: Mapping[str, str],
    logs: Path,
    *,
    by_registry: bool = True,
) -> Iterator[httpx.Client]:
    """Both services on free ports, and an HTTP client of the gateway.

    The gateway finds the RPC server in the registry of their common state folder, or else is told its address.
    """
    rpc_environment = {**environment, "ZERO_LISTEN_ON": "127.0.0.1:0"}
    api_environment = {**environment, "ZERO_HOST": "127.0.0.1", "ZERO_PORT": "0"}
    with ExitStack() as stack:
        server = stack.enter_context(running(rpc, rpc_environment, logs / "user-rpc.log"))
        if not by_registry:
            api_environment["ZERO_USER_RPC__TARGET"] = f"direct:///{server.address}"
        gateway = stack.enter_context(running(api, api_environment, logs / "user-api.log"))
        yield stack.enter_context(httpx.Client(base_url=f"http://{gateway.address}", timeout=20))
