"""Redis, for limits and caches."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.process import free_port, require, running


class RedisServer:
    """A server of the loopback interface that forgets everything when it stops."""

    def __init__(self, folder: Path, *, cluster: bool = False, password: str = "") -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._log = folder / "log"
        self._command = [
            require("redis-server", "redis-server"),
            *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder), "--save", ""),
            *(("--requirepass", password) if password else ()),
            *(("--cluster-enabled", "yes", "--cluster-port", str(free_port())) if cluster else ()),
        ]
        self._cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None
        self._running = ExitStack()

    def start(self) -> None:
        self._process = self._running.enter_context(running(self._command, self._log, self._answers))
        if self._cluster:  # all of it on this node
            self.command("CLUSTER ADDSLOTSRANGE 0 16383")
            while b"cluster_state:ok" not in self.command("CLUSTER INFO"):
                time.sleep(0.02)

    def stop(self) -> None:
        self._running.close()

    def command(self, line: str) -> bytes:
        """What it says to a command without blanks in its arguments."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(f"{line}\r\nQUIT\r\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def _answers(self) -> bool:
        try:
            # An error is an answer too: without its password it says no more than that.
            return self.command("PING")[:1] in (b"+", b"-") and b"LOADING" not in self.command("PING")
        except OSError:
            return False


@contextmanager
def redis(*, cluster: bool = False, password: str = "") -> Iterator[RedisServer]:
    """A running server."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder), cluster=cluster, password=password)
        server.start()
        try:
            yield server
        finally:
            server.stop()
