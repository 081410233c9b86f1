"""The packaged Deployment, run for real by podman: with a read-only root, without privileges, and it answers."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.podman import Podman, podman

PACKAGE = Path("services.user/user-api")
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "user-api"},
    "data": {"AUTH_ACCESS_SECRET": base64.b64encode(b"a secret of more than thirty-two bytes").decode()},
}
PLAYED = ("ConfigMap", "Deployment")
"""What podman knows of the manifest's kinds."""


@contextmanager
def played(engine: Podman, manifest: Path) -> Iterator[dict[str, Any]]:
    """The container that a manifest makes, as podman describes it, until the end of the block."""
    engine("play", "kube", "--network=podman", manifest)
    try:
        names = engine("ps", "--format={{.Names}}").split()
        (name,) = (each for each in names if not each.endswith("-infra"))
        described = engine.inspect(name, kind="container")
        pod = json.loads(engine("pod", "inspect", described["Pod"]))
        infra = engine.inspect(pod["InfraContainerID"], kind="container")
        described["Address"] = infra["NetworkSettings"]["Networks"]["podman"]["IPAddress"]
        yield described
    finally:
        engine("pod", "rm", "--all", "--force", "--time=5")


@pytest.fixture
def engine() -> Iterator[Podman]:
    with podman() as engine:
        yield engine


def test_the_deployment_runs_hardened_and_answers(engine: Podman, tmp_path: Path) -> None:
    engine("load", f"--input={PACKAGE}/user-api.oci.tar")
    manifest = (PACKAGE / "k8s" / "user-api.yaml").read_text()
    config, deployment = (each for each in yaml.safe_load_all(manifest) if each and each["kind"] in PLAYED)
    for volume in deployment["spec"]["template"]["spec"]["volumes"]:
        if "secret" in volume:
            # What it is anyway; podman 4.3 stumbles where it is not said.
            volume["secret"]["optional"] = False
    played_manifest = tmp_path / "user-api.yaml"
    played_manifest.write_text(yaml.safe_dump_all([SECRET, config, deployment]))
    with played(engine, played_manifest) as container:
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert container["EffectiveCaps"] in ([], None)
        assert "no-new-privileges" in container["HostConfig"]["SecurityOpt"]
        assert container["Config"]["User"] == "65532:65532"
        assert container["HostConfig"]["Memory"] == 256 * 1024 * 1024
        address = container["Address"]
        assert _answers(f"http://{address}:6060/readyz") == 200, engine("logs", container["Name"])
        # It wants a token.
        assert _answers(f"http://{address}:8888/api/user/userinfo", b"{}") == 401


def _answers(url: str, body: bytes | None = None) -> int | None:
    """The status of the first answer within half a minute."""
    deadline = time.monotonic() + 30
    while (status := _status(url, body)) is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return status


def _status(url: str, body: bytes | None) -> int | None:
    """The status of an answer, None where there is none."""
    try:
        with urllib.request.urlopen(url, body, timeout=5) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
