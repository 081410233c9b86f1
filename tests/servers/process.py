"""What all servers share: finding their programs, ports, and starting and ending processes."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

PATH = os.pathsep.join(
    (
        os.environ.get("PATH", ""),
        # Each version has a folder of its own; the newest first.
        *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True),
        "/usr/local/sbin",
        "/usr/sbin",
        "/sbin",
        "/usr/bin",
        "/bin",
    )
)
"""Where programs are looked for: Debian keeps servers where ordinary users, and sandboxes, do not look."""


def require(program: str, package: str) -> str:
    """The path of a program. Without it the test is skipped, or fails where ``ZERO_REQUIRE_SERVERS=1``
    forbids that."""
    if found := shutil.which(program, path=PATH):
        return found
    missing(f"{program} is not installed (Debian: apt-get install {package})")


def missing(reason: str) -> NoReturn:
    """Skips the test, or fails it where ``ZERO_REQUIRE_SERVERS=1`` forbids that."""
    if os.environ.get("ZERO_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason}, and ZERO_REQUIRE_SERVERS=1", pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """A port of the loopback interface that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], log: Path, ready: Callable[[], bool], timeout: float = 60.0
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process from the moment it is ready to the end of the block. Its output goes to ``log``."""
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + timeout
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(
                        f"{command[0]} did not start:\n{log.read_text(errors='replace')}", pytrace=False
                    )
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
