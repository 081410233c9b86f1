"""The tools that make objects of what a service is packaged with, as those who deploy it run them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.servers.process import require_built

KUBERNETES = "1.34.0"
"""The version that charts are told they are installed in."""


def objects(text: str) -> dict[tuple[str, str | None, str], dict[str, Any]]:
    """The objects of a stream, by kind, namespace and name."""
    found = {}
    for each in yaml.safe_load_all(text):
        if each is not None:
            metadata = each["metadata"]
            found[each["kind"], metadata.get("namespace"), metadata["name"]] = each
    return found


def kustomize(folder: Path) -> str:
    """What `kubectl apply -k` would apply."""
    return _run(require_built("kubectl"), "kustomize", str(folder))


def helm(chart: Path, *values: Path, settings: tuple[str, ...] = ()) -> str:
    """What `helm install` would install."""
    files = [f"--values={file}" for file in values]
    sets = [f"--set={setting}" for setting in settings]
    return _run(
        require_built("helm"),
        "template",
        chart.name,
        str(chart),
        f"--kube-version={KUBERNETES}",
        *files,
        *sets,
    )


def helm_lint(chart: Path, *values: Path) -> str:
    """What Helm finds wrong with a chart; raises if that is an error."""
    return _run(
        require_built("helm"), "lint", "--strict", str(chart), *(f"--values={file}" for file in values)
    )


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Helm warns of values that it cannot merge.
    assert "warning" not in done.stderr.lower(), done.stderr
    return done.stdout
