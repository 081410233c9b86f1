"""The load: wrk, one thread on a core of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

BODY = '{"mobile": "13800000001", "password": "correct horse"}'

_SCRIPT = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{BODY}'

function done(summary, latency, requests)
  local errors = summary.errors
  local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\\n{{"requests": %d, "micros": %d, "p99": %d, "wrong": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(99), wrong))
end
"""


@dataclass(frozen=True)
class Answered:
    """What became of the requests of one run."""

    requests: int
    seconds: float
    p99: float
    """Milliseconds."""


class Wrk:
    """Sends logins over ``connections`` that stay open. Raises OSError when wrk is not installed."""

    def __init__(self, folder: Path, core: int, connections: int) -> None:
        program = shutil.which("wrk")
        if program is None:
            raise OSError("wrk is not installed: it is the Debian package `wrk`")
        script = folder / "login.lua"
        script.write_text(_SCRIPT)
        self._core = core
        self._command = [
            program,
            "--threads",
            "1",
            "--connections",
            str(connections),
            "--script",
            str(script),
        ]

    def run(self, url: str, seconds: int) -> Answered:
        """Raises OSError when a request fails."""
        output = subprocess.run(
            [*self._command, "--latency", "--duration", f"{seconds}s", url],
            check=True,
            capture_output=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self._core}),
        ).stdout
        result = json.loads(output.splitlines()[-1])
        if result["wrong"] or not result["requests"]:
            raise OSError(f"{result['wrong']} requests to {url} failed:\n{output}")
        return Answered(result["requests"], result["micros"] / 1e6, result["p99"] / 1e3)
