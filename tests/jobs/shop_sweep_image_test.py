"""The image of the packaged sweep in a real engine, as Kubernetes runs it: with the least rights, to its end."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.podman import Podman, podman

FOLDER = Path("services.shop/shop-sweep")


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    with podman() as engine:
        engine("load", "--quiet", "--input", FOLDER / "shop-sweep.oci.tar")
        yield engine


@pytest.mark.parametrize(
    ("source", "status", "last"),
    [
        ("sqlite:////state/data.db", 0, "shop-sweep is done"),
        ("sqlite:////nowhere/data.db", 1, "cannot start"),
    ],
)
def test_a_run_ends_with_its_status(engine: Podman, source: str, status: int, last: str) -> None:
    environment = {
        **engine.environment,
        "DATA_SOURCE": source,
        "ZERO_MODE": "dev",  # it creates the tables
        "ZERO_CACHE__STORE": "none",
    }
    done = subprocess.run(
        engine.hardened("localhost/shop-sweep:latest"), env=environment, capture_output=True, text=True
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["content"].startswith(last)


def test_an_image_of_a_job_has_no_port(engine: Podman) -> None:
    assert "ExposedPorts" not in engine.inspect("localhost/shop-sweep:latest")["Config"]
