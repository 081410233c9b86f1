"""The load: h2load, one thread on a core of its own; and clients in Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# `user.LoginRequest` and `user.LoginResponse` as the clients in Python send and get them.
MOBILE, PASSWORD = b"13800000001", b"correct horse"
REQUEST = b"\x0a\x0b" + MOBILE + b"\x12\x0d" + PASSWORD
RESPONSE = b"\x08\x01\x12\x03Ann\x18\x01\x22\x0b" + MOBILE

_CONNECTIONS, _STREAMS = 4, 16
_PREFIX = 5
"""Bytes before a message of gRPC."""


@dataclass(frozen=True)
class Answered:
    """What became of the calls of one run."""

    calls: int
    seconds: float
    cpu: float = 0.0
    """Seconds of CPU that the client used, where it tells."""
    all: int = 0
    """Calls together with those that warmed the client up, where it tells."""


class H2load:
    """Calls Login over 4 connections, 16 calls at a time on each. Raises OSError when h2load is not
    installed."""

    def __init__(self, folder: Path, core: int) -> None:
        program = shutil.which("h2load")
        if program is None:
            raise OSError("h2load is not installed: it is in the Debian package `nghttp2-client`")
        body = folder / "login.bin"
        body.write_bytes(b"\0" + len(REQUEST).to_bytes(4, "big") + REQUEST)
        fields = ("content-type: application/grpc", "te: trailers", "grpc-timeout: 5S")
        self._core = core
        self._command = [
            program,
            f"--clients={_CONNECTIONS}",
            f"--max-concurrent-streams={_STREAMS}",
            f"--data={body}",
            *(f"--header={field}" for field in fields),
        ]

    def run(self, port: int, seconds: int) -> Answered:
        """Raises OSError when a call fails."""
        url = f"http://127.0.0.1:{port}/user.User/Login"
        output = _run([*self._command, f"--duration={seconds}", url], self._core)
        calls, content = _number(r"(\d+) succeeded", output), _number(r"\((\d+)\) data", output)
        # It does not see the status of gRPC, but a call that has failed has no content.
        if not calls or content < (calls - 1) * (len(RESPONSE) + _PREFIX):
            raise OSError(f"calls of {url} failed:\n{output}")
        return Answered(calls, seconds)


def run_client(command: Sequence[str | Path], environment: Mapping[str, str], core: int) -> Answered:
    """Runs a client in Python. Raises OSError when a call fails."""
    result = json.loads(_run(command, core, environment).splitlines()[-1])
    return Answered(result["calls"], result["seconds"], result["cpu"], result["all"])


def _run(command: Sequence[str | Path], core: int, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _number(pattern: str, output: str) -> int:
    match = re.search(pattern, output)
    if match is None:
        raise OSError(f"h2load says something unknown:\n{output}")
    return int(match[1])
