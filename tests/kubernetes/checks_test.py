"""The packaged manifests of the example services, in all their forms, as three checkers see them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.kubernetes.tools import helm, kustomize

VERSIONS = [f"1.{minor}" for minor in range(29, 38)]
CUSTOM = ("monitoring.coreos.com/", "gateway.networking.k8s.io/")
"""The groups of custom resources, of which kubernetes-validate knows nothing."""


def _manifests() -> Iterator[tuple[str, str]]:
    """All that the packages hold, by a name for it."""
    for folder in sorted(Path().glob("services*/*/k8s")):
        service = folder.parent.name
        for kustomization in sorted(folder.glob("**/kustomization.yaml")):
            yield f"{service}-{kustomization.parent.name}", kustomize(kustomization.parent)
        if (chart := folder / "chart").is_dir():
            yield service, helm(chart)
            for values in sorted(chart.glob("values-*.yaml")):
                yield f"{service}-{values.stem.removeprefix('values-')}", helm(chart, values)
        if not list(folder.glob("base")) and not chart.is_dir():
            for manifest in sorted(folder.glob("**/*.yaml")):
                yield "-".join((service, *manifest.relative_to(folder).parts[:-1])), manifest.read_text()


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file for each service in each environment."""
    folder = tmp_path_factory.mktemp("manifests")
    for name, text in _manifests():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def _run(tool: str, *arguments: str) -> Any:
    # By the Python that it was built for: the path may have another one.
    command = [sys.executable, f"tests.kubernetes/{tool}.pex", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_there_are_manifests_of_all_forms(manifests: Path) -> None:
    found = {file.stem for file in manifests.iterdir()}
    services = {"user-rpc", "user-api", "shop", "shop-sweep"}
    assert found == {
        *services,
        *(f"{service}-staging" for service in services),
        *("chat-base", "chat-staging"),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_them(manifests: Path, version: str) -> None:
    for file in manifests.iterdir():
        for each in filter(None, yaml.safe_load_all(file.read_text())):
            if not each["apiVersion"].startswith(CUSTOM):
                # An API version that Kubernetes does not have raises SchemaNotFoundError.
                assert kubernetes_validate.validate(each, version, strict=True) == version


def test_checkov_finds_nothing(manifests: Path) -> None:
    arguments = ("--framework", "kubernetes", "--skip-download", "--quiet", "--compact", "-o", "json")
    found = _run("checkov", *arguments, "-d", str(manifests))
    failed = [
        (each["check_id"], each["check_name"], each["resource"]) for each in found["results"]["failed_checks"]
    ]
    assert failed == []
    assert found["summary"]["skipped"] == found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] > 50 * len(list(manifests.iterdir()))


TRUSTED_REGISTRY = "KSV-0125"
"""Fires on every registry that is not on trivy's own list."""


def test_trivy_finds_at_most_that_it_does_not_know_the_registry(manifests: Path) -> None:
    offline = ("--skip-check-update", "--skip-version-check")
    found = _run("trivy", "config", *offline, "--include-non-failures", "--format", "json", str(manifests))
    checks = [check for result in found["Results"] for check in result.get("Misconfigurations", [])]
    failed = {(each["ID"], each["Message"]) for each in checks if each["Status"] == "FAIL"}
    assert {message for check, message in failed if check != TRUSTED_REGISTRY} == set()
    assert len(checks) > 50 * len(list(manifests.iterdir()))
