"""PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.servers.certificates import Authority
from tests.servers.process import PATH, free_port, require, running

USER, PASSWORD = "zero", "p@ss/w:rd?&#%王"
"""An account that owns its databases. The password has every character that a data source could trip over."""

_PACKAGE = "postgresql"

_ADMINISTRATOR = "postgres"


class PostgreSql:
    """A server with the databases that tests make in it."""

    def __init__(self, command: Sequence[str], folder: Path, client: str) -> None:
        self.port = free_port()
        self.socket = folder
        """The folder of its Unix socket, which lets everybody in."""

        self._log = folder / "log"
        self._client = client
        self._command = [*command, "-p", str(self.port)]
        self._running: ExitStack | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._running = ExitStack()
        self._process = self._running.enter_context(running(self._command, self._log, self._answers))

    def stop(self) -> None:
        """Ends it and all connections."""
        if self._running is None or self._process is None:
            return
        self._process.send_signal(signal.SIGINT)  # SIGTERM would wait until all clients have gone
        self._process.wait(timeout=20)
        self._running.close()
        self._running = self._process = None

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Runs statements as the server's administrator; the answer as psql prints it, without decoration."""
        command = [
            self._client,
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            f"--host={self.socket}",
            f"--port={self.port}",
            f"--username={_ADMINISTRATOR}",
            f"--dbname={database}",
        ]
        environment = {"PATH": PATH, "PGCLIENTENCODING": "UTF8"}
        done = subprocess.run(command, input=sql, check=True, text=True, capture_output=True, env=environment)
        return done.stdout

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its data source."""
        self.execute(
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE);\nCREATE DATABASE "{name}" OWNER "{USER}";'
        )
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}?sslmode=disable"

    def end_connections(self) -> None:
        """Ends every connection of `USER`, as an administrator may."""
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{USER}'")

    def _answers(self) -> bool:
        # The file of the process says "ready" when recovery is over; a port that listens may still refuse.
        state = self.socket / "data" / "postmaster.pid"
        with socket.socket() as probe:
            listens = probe.connect_ex(("127.0.0.1", self.port)) == 0
        return listens and state.exists() and "ready" in state.read_text()


@contextmanager
def postgresql(authority: Authority | None = None) -> Iterator[PostgreSql]:
    """A running server with data in a temporary folder.

    With an ``authority`` it speaks TLS to those who want to, and takes note of certificates of that
    authority.
    """
    server = require("postgres", _PACKAGE)
    install = require("initdb", _PACKAGE)
    client = require("psql", _PACKAGE)
    # Not in $TMPDIR: the path of a Unix socket has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir="/tmp") as temporary:
        folder = Path(temporary)
        account = _account(folder)
        data = folder / "data"
        made = subprocess.run(
            [
                *account,
                install,
                f"--pgdata={data}",
                f"--username={_ADMINISTRATOR}",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            env={"PATH": PATH},
            cwd="/",
        )
        assert made.returncode == 0, made.stdout + made.stderr
        # Small and quick to start; what a test writes need not survive a power cut.
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "shared_buffers": "16MB",
            "max_connections": "100",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
            "log_statement": "none",
        }
        if authority is not None:
            settings |= _tls(authority, folder)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        running_server = PostgreSql([*account, server, "-D", str(data), *options], folder, client)
        running_server.start()
        try:
            running_server.execute(f"CREATE ROLE \"{USER}\" LOGIN PASSWORD '{PASSWORD}'")
            yield running_server
        finally:
            running_server.stop()


def _tls(authority: Authority, folder: Path) -> dict[str, str]:
    """The settings for it, with files that the server takes: nobody else may read its key."""
    issued = authority.issue("postgresql")
    files = {"ssl_cert_file": issued.certificate, "ssl_key_file": issued.key, "ssl_ca_file": authority.file}
    settings = {"ssl": "on"}
    for name, file in files.items():
        copy = folder / file.name
        shutil.copyfile(file, copy)
        copy.chmod(0o600)
        if os.geteuid() == 0:
            owner = folder.stat()
            os.chown(copy, owner.st_uid, owner.st_gid)
        settings[name] = str(copy)
    return settings


def _account(folder: Path) -> list[str]:
    """What makes a program run as somebody who is not root, whom the server refuses, and owns the folder."""
    if os.geteuid() != 0:
        return []
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        account = pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    change = require("setpriv", "util-linux")
    return [change, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
