"""Kubernetes' own API server with etcd behind it and no controllers: it checks objects and keeps them."""

from __future__ import annotations

import json
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority
from tests.servers.etcd import etcd
from tests.servers.process import free_port, require_built, running

CONTEXT = "zero-test"
"""The context of the kubeconfig that names the server. The current one names a server that does not exist."""

_TOKEN = "tests-only"


@dataclass(frozen=True)
class KubernetesApi:
    kubeconfig: Path

    def kubectl(self, *arguments: str, given: str = "") -> str:
        """What it prints; where it fails, the test does so with what kubectl says."""
        result = self.try_kubectl(*arguments, given=given)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def try_kubectl(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """``given`` is its standard input."""
        program = require_built("kubectl")
        command = [program, f"--kubeconfig={self.kubeconfig}", f"--context={CONTEXT}", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True)

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object, or a list of them, as `kubectl get` has it."""
        document: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json"))
        return document


@contextmanager
def kubernetes_api() -> Iterator[KubernetesApi]:
    """A running server with data of its own, and the file by which kubectl finds it."""
    program = require_built("kube-apiserver")
    with tempfile.TemporaryDirectory(prefix="kubernetes-", dir="/tmp") as name, etcd() as store:
        folder, port = Path(name), free_port()
        authority = Authority(folder)
        own, accounts = authority.issue("kube-apiserver"), authority.issue("accounts")
        tokens = folder / "tokens.csv"
        tokens.write_text(f'{_TOKEN},tester,1,"system:masters"\n')
        command = [
            program,
            f"--etcd-servers=http://{store.host}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={own.certificate}",
            f"--tls-private-key-file={own.key}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts.certificate}",
            f"--service-account-signing-key-file={accounts.key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It has no address that others may use.
            "--endpoint-reconciler-type=none",
        ]
        server = KubernetesApi(folder / "kubeconfig")
        server.kubeconfig.write_text(json.dumps(_kubeconfig(f"https://127.0.0.1:{port}", authority.file)))
        with running(command, folder / "log", lambda: _answers(port, authority.file)):
            yield server


def _kubeconfig(url: str, authority: Path) -> dict[str, Any]:
    def context(name: str, cluster: dict[str, str]) -> dict[str, Any]:
        return {
            "clusters": {"name": name, "cluster": cluster},
            "users": {"name": name, "user": {"token": _TOKEN}},
            "contexts": {"name": name, "context": {"cluster": name, "user": name}},
        }

    servers = (
        context(CONTEXT, {"server": url, "certificate-authority": str(authority)}),
        context("elsewhere", {"server": "https://127.0.0.1:9"}),
    )
    lists = {kind: [server[kind] for server in servers] for kind in ("clusters", "users", "contexts")}
    return {"apiVersion": "v1", "kind": "Config", "current-context": "elsewhere", **lists}


def _answers(port: int, authority: Path) -> bool:
    request = urllib.request.Request(f"https://127.0.0.1:{port}/readyz")
    request.add_header("Authorization", f"Bearer {_TOKEN}")
    try:
        context = ssl.create_default_context(cafile=authority)
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
