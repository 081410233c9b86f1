"""etcd, the registry of a fleet. Tests look at it through its JSON gateway, not through the client under
test."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.process import free_port, pause, require, running

USER, PASSWORD = "zero", "p@ss/w:rd%"
"""An account that may read and write everything, where accounts are asked for."""

ROOT_PASSWORD = "root"


class Etcd:
    """A server with a port and data of its own."""

    def __init__(self, folder: Path, *, token_ttl: int, authority: Authority | None) -> None:
        program = require("etcd", "etcd-server")
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        """What goes into ``Hosts``."""

        self._authority = authority
        self._certificate = authority.issue("etcd") if authority else None
        self._data = folder / "data"
        self._log = folder / "log"
        scheme = "https" if authority else "http"
        self._url = f"{scheme}://{self.host}"
        peer = f"http://127.0.0.1:{free_port()}"
        self._command = [
            program,
            f"--data-dir={self._data}",
            f"--listen-client-urls={self._url}",
            f"--advertise-client-urls={self._url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            f"--auth-token-ttl={token_ttl}",
            # It is alone, so it need not wait for others before it elects itself.
            "--heartbeat-interval=10",
            "--election-timeout=100",
            "--logger=zap",
        ]
        if authority and self._certificate:
            self._command += [
                f"--cert-file={self._certificate.certificate}",
                f"--key-file={self._certificate.key}",
                f"--trusted-ca-file={authority.file}",
                "--client-cert-auth",
            ]
        self._token = ""
        self._running: ExitStack | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it on its port, with the data it has."""
        self._running = ExitStack()
        self._process = self._running.enter_context(running(self._command, self._log, self._answers))

    def stop(self) -> None:
        """Ends it in peace."""
        if self._running is not None:
            self._running.close()
        self._running = self._process = None

    def kill(self) -> None:
        """Ends it as a power cut does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.stop()

    def pause(self) -> None:
        """Makes it stop answering while its connections stay, as a machine does that hangs."""
        assert self._process is not None
        pause(self._process)

    def go_on(self) -> None:
        """Ends `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restart(self, *, empty: bool = False) -> None:
        """Kills it and starts it again on the same port, with its data or ``empty``."""
        if self._process is not None:
            self.kill()
        if empty:
            self.forget()
        self.start()

    def forget(self) -> None:
        """Removes its data while it does not run."""
        shutil.rmtree(self._data, ignore_errors=True)
        self._token = ""

    def entries(self, prefix: str) -> dict[str, str]:
        """The keys that begin with ``prefix`` and their values."""
        answer = self.ask("kv/range", {"key": _coded(prefix), "range_end": _coded(_after(prefix))})
        return {_decoded(entry["key"]): _decoded(entry["value"]) for entry in answer.get("kvs", ())}

    def put(self, key: str, value: str) -> None:
        self.ask("kv/put", {"key": _coded(key), "value": _coded(value)})

    def delete(self, key: str) -> None:
        self.ask("kv/deleterange", {"key": _coded(key)})

    def leases(self) -> list[int]:
        """The ids of all leases there are."""
        return [int(lease["ID"]) for lease in self.ask("lease/leases", {}).get("leases", ())]

    def revoke(self, lease: int) -> None:
        self.ask("lease/revoke", {"ID": lease})

    def compact(self) -> None:
        """Forgets the history of all keys."""
        revision = self.ask("kv/range", {"key": _coded("x")})["header"]["revision"]
        self.ask("kv/compaction", {"revision": revision, "physical": True})

    def ask_for_accounts(self) -> None:
        """Lets nobody in but those who show an account: `USER`, and root for what this class does itself."""
        for name, password in (("root", ROOT_PASSWORD), (USER, PASSWORD)):
            self.ask("auth/user/add", {"name": name, "password": password})
        self.ask("auth/user/grant", {"user": "root", "role": "root"})
        self.ask("auth/role/add", {"name": "all"})
        everything = {"permType": "READWRITE", "key": _coded("\0"), "range_end": _coded("\0")}
        self.ask("auth/role/grant", {"name": "all", "perm": everything})
        self.ask("auth/user/grant", {"user": USER, "role": "all"})
        self.ask("auth/enable", {})
        self._token = "none yet"

    def ask(self, what: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """One request to the JSON gateway: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/."""
        try:
            return self._post(what, question)
        except urllib.error.HTTPError as error:
            if not self._token or "invalid auth token" not in error.read().decode():
                raise
        login = {"name": "root", "password": ROOT_PASSWORD}
        self._token = ""
        self._token = self._post("auth/authenticate", login)["token"]
        return self._post(what, question)

    def _post(self, what: str, question: Mapping[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(f"{self._url}/v3/{what}", json.dumps(question).encode())
        if self._token:
            request.add_header("Authorization", self._token)
        with urllib.request.urlopen(request, timeout=10, context=self._context()) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def _context(self) -> ssl.SSLContext | None:
        if self._authority is None or self._certificate is None:
            return None
        context = ssl.create_default_context(cafile=self._authority.file)
        context.load_cert_chain(self._certificate.certificate, self._certificate.key)
        return context

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/health", timeout=1, context=self._context()) as answer:
                return bool(json.load(answer)["health"] == "true")
        except (OSError, ValueError):
            return False


@contextmanager
def etcd(*, token_ttl: int = 300, authority: Authority | None = None, start: bool = True) -> Iterator[Etcd]:
    """A running server with data in a temporary folder.

    Tokens of accounts last ``token_ttl`` seconds. With an ``authority`` it speaks TLS, to clients that have a
    certificate of that authority.
    """
    with tempfile.TemporaryDirectory(prefix="etcd-", dir="/tmp") as folder:
        server = Etcd(Path(folder), token_ttl=token_ttl, authority=authority)
        if start:
            server.start()
        try:
            yield server
        finally:
            server.stop()


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _after(prefix: str) -> str:
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
