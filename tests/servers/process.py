"""What all servers share: finding their programs, ports, and starting and ending processes."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

PATH = os.pathsep.join(
    (
        os.environ.get("PATH", ""),
        # Each version has a folder of its own; the newest first.
        *sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True),
        "/usr/local/bin",
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


def require_built(program: str) -> str:
    """The path of a program that Debian does not have. Without it the test is skipped, or fails where
    ``ZERO_REQUIRE_BUILT_SERVERS=1`` forbids that."""
    if found := shutil.which(program, path=PATH):
        return found
    missing(
        f"{program} is not installed (build-support/test-servers builds it)", "ZERO_REQUIRE_BUILT_SERVERS"
    )


def missing(reason: str, forbidden_by: str = "ZERO_REQUIRE_SERVERS") -> NoReturn:
    """Skips the test, or fails it where a variable of the environment forbids that."""
    if os.environ.get(forbidden_by) == "1":
        pytest.fail(f"{reason}, and {forbidden_by}=1", pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """A port of the loopback interface that nobody uses at the moment.

    It is below those that the system gives to connections, which would take it before a server does.
    """
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def pause(process: subprocess.Popen[bytes]) -> None:
    """Makes it stop answering while its connections stay, as a machine does that hangs; SIGCONT ends that.

    A signal only asks for it: on a busy machine some threads answer once more, so all of them are waited for.
    """
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)


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
