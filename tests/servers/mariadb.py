"""MariaDB, for everything that speaks to MySQL."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.certificates import Authority
from tests.servers.process import PATH, free_port, require, running

USER, PASSWORD = "zero", "p@ss/w:rd?&#%王"
"""An account with all rights. The password has every character that a data source could trip over."""


class MariaDb:
    """A server with the databases that tests make in it."""

    def __init__(self, command: Sequence[str], folder: Path, client: str) -> None:
        self.port = free_port()
        self.socket = folder / "s"
        self._log = folder / "log"
        self._client = client
        self._command = [*command, f"--port={self.port}", f"--socket={self.socket}"]
        self._process = ExitStack()

    def start(self) -> None:
        self._process.enter_context(running(self._command, self._log, self._answers))

    def stop(self) -> None:
        self._process.close()

    def execute(self, sql: str) -> None:
        """Runs statements as the server's administrator."""
        command = [
            self._client,
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
            "--default-character-set=utf8mb4",
        ]
        subprocess.run(command, input=sql, check=True, text=True, capture_output=True)

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its data source, a DSN of go-sql-driver."""
        self.execute(f"CREATE OR REPLACE DATABASE `{name}` CHARACTER SET utf8mb4")
        return f"{USER}:{PASSWORD}@tcp(127.0.0.1:{self.port})/{name}?charset=utf8mb4&parseTime=true"

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return self.socket.exists() and probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def mariadb(*settings: str, authority: Authority | None = None) -> Iterator[MariaDb]:
    """A running server with data in a temporary folder, and these options of its command line.

    With an ``authority`` it speaks TLS to those who want to.
    """
    server = require("mariadbd", "mariadb-server")
    install = require("mariadb-install-db", "mariadb-server")
    client = require("mariadb", "mariadb-server")
    # Not in $TMPDIR: the path of a Unix socket has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="mariadb-", dir="/tmp") as temporary:
        folder = Path(temporary)
        data = folder / "data"
        # The server refuses to run as root without being told whom to run as.
        account = ["--user=root"] if os.geteuid() == 0 else []
        # Small and quick to start; what a test writes need not survive a power cut.
        options = [
            "--no-defaults",
            *account,
            f"--datadir={data}",
            # A server that starts removes other servers' temporary tables from a folder they share.
            f"--tmpdir={folder}",
            "--innodb-log-file-size=4M",
            "--innodb-buffer-pool-size=16M",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-fast-shutdown=2",
        ]
        made = subprocess.run(
            [install, *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
            capture_output=True,
            text=True,
            env={"PATH": PATH},
        )
        assert made.returncode == 0, made.stdout + made.stderr
        started = [
            server,
            *options,
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            f"--pid-file={folder / 'pid'}",
            *settings,
        ]
        if authority is not None:
            issued = authority.issue("mariadb")
            started += [f"--ssl-cert={issued.certificate}", f"--ssl-key={issued.key}"]
        running_server = MariaDb(started, folder, client)
        running_server.start()
        try:
            running_server.execute(
                f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
                f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1';"
            )
            yield running_server
        finally:
            running_server.stop()
