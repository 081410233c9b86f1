"""Processes on a core of their own, and the CPU that they and their children use."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

START = 30.0
"""Seconds a server may take until it listens."""

_TICKS = os.sysconf("SC_CLK_TCK")


def cores() -> tuple[int, int]:
    """The core of the servers and that of the load. Raises OSError on a machine with one core."""
    found = sorted(os.sched_getaffinity(0))
    if len(found) < 2:
        raise OSError("two cores are needed, one for the server and one for the load")
    return found[0], found[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def listening(
    command: Sequence[str | Path], port: int, core: int, environment: Mapping[str, str], log: Path
) -> Iterator[int]:
    """A server on a core of its own, by its process id; at the end it and its children are gone."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    try:
        _wait_for(process, port, log)
        yield process.pid
    finally:
        children = _tree(process.pid)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in children - {process.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def cpu_seconds(pid: int) -> float:
    """The CPU time, user and system, that a process and its living descendants have used."""
    return sum(sum(map(int, fields[11:13])) for each in _tree(pid) if (fields := _stat(each))) / _TICKS


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise OSError(f"{process.args!r} does not listen:\n{log.read_text()}")


def _tree(pid: int) -> set[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, new = {pid}, [pid]
    while new:
        below = children.get(new.pop(), [])
        found.update(below)
        new += below
    return found


def _stat(pid: int) -> list[str]:
    """What /proc/PID/stat says from the state on, or nothing when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
