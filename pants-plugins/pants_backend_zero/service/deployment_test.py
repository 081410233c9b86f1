"""The scripts, run by bash with programs that write down how they were called."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pants_backend_zero.service.deployment import Deployment
from pants_backend_zero.subsystem import DeployAction


class Machine:
    """A folder with `kubectl` and `helm`, which end with the status that `statuses` has for their command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.statuses: dict[str, int] = {}

    def run(self, deployment: Deployment, *arguments) -> tuple[int, list[str]]:
        cases = "\n".join(f"{command}) exit {status} ;;" for command, status in self.statuses.items())
        for name in ("kubectl", "helm"):
            program = self.folder / name
            program.write_text(
                f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n'
                f'for word in "$@"; do case "$word" in\n{cases}\n*) ;; esac; done\n'
            )
            program.chmod(0o755)
        here = replace(
            deployment,
            kubectl=str(self.folder / "kubectl"),
            helm=deployment.helm and str(self.folder / "helm"),
        )
        script = here.script(*arguments)
        self.calls.write_text("")
        status = subprocess.run(["bash", "-c", script], cwd=self.folder).returncode
        return status, self.calls.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


BASE = Deployment(
    name="user-api",
    format="manifest",
    environment=None,
    context="prod eu",
    namespace=None,
    is_job=False,
    kubectl="kubectl",
    helm=None,
)
STAGING = replace(BASE, environment="staging", context="staging", namespace="shop")
BY_SERVER = "--server-side --field-manager=zero"


def test_applies_the_manifest_to_the_named_context_and_waits_for_the_pods(machine: Machine) -> None:
    assert machine.run(BASE, DeployAction.APPLY, 60) == (
        0,
        [
            f"kubectl --context=prod eu apply {BY_SERVER} --filename=k8s/user-api.yaml",
            "kubectl --context=prod eu rollout status deployment/user-api --timeout=60s",
        ],
    )


def test_an_environment_has_objects_and_a_namespace_of_its_own(machine: Machine) -> None:
    _, (apply, rollout) = machine.run(STAGING, DeployAction.APPLY, 60, True)
    assert apply == (
        f"kubectl --context=staging apply {BY_SERVER} --force-conflicts --filename=k8s/staging/user-api.yaml"
    )
    assert rollout.endswith(" --namespace=shop")


@pytest.mark.parametrize("environment, folder", [(None, "base"), ("staging", "overlays/staging")])
def test_kustomize_reads_a_folder(machine: Machine, environment: str, folder: str) -> None:
    deployment = replace(BASE, format="kustomize", environment=environment)
    _, calls = machine.run(deployment, DeployAction.APPLY)
    assert calls == [f"kubectl --context=prod eu apply {BY_SERVER} --kustomize=k8s/{folder}"]


def test_nobody_waits_for_a_job(machine: Machine) -> None:
    _, calls = machine.run(replace(BASE, is_job=True), DeployAction.APPLY, 60)
    assert len(calls) == 1


def test_pods_of_what_was_refused_are_not_waited_for(machine: Machine) -> None:
    machine.statuses = {"apply": 1}
    status, calls = machine.run(BASE, DeployAction.APPLY, 60)
    assert (status, len(calls)) == (1, 1)


def test_a_dry_run_is_the_server_s(machine: Machine) -> None:
    _, calls = machine.run(BASE, DeployAction.DRY_RUN, 60)
    assert calls == [
        f"kubectl --context=prod eu apply {BY_SERVER} --filename=k8s/user-api.yaml --dry-run=server"
    ]


@pytest.mark.parametrize("status, succeeds", [(0, True), (1, True), (2, False), (127, False)])
@pytest.mark.parametrize("helm", [None, "helm"])
def test_a_difference_is_no_failure(machine: Machine, status: int, succeeds: bool, helm: str) -> None:
    machine.statuses = {"diff": status}
    found, calls = machine.run(replace(BASE, helm=helm), DeployAction.DIFF, 60)
    assert (found == 0) is succeeds
    assert " diff --server-side " in calls[-1]


def test_helm_installs_a_release_of_the_service(machine: Machine) -> None:
    deployment = replace(STAGING, format="helm", helm="helm")
    chart = (
        "user-api k8s/chart --kube-context=staging --values=k8s/chart/values-staging.yaml --namespace=shop"
    )
    assert machine.run(deployment, DeployAction.APPLY, 60) == (
        0,
        [f"helm upgrade --install {chart} --wait --timeout=60s"],
    )
    assert machine.run(deployment, DeployAction.DRY_RUN, 60) == (
        0,
        [f"helm upgrade --install {chart} --dry-run=server"],
    )
    assert machine.run(deployment, DeployAction.APPLY, 0, True)[1] == [
        f"helm upgrade --install {chart} --take-ownership"
    ]
    assert machine.run(deployment, DeployAction.DIFF)[1][0] == (
        f"helm template {chart} --validate --is-upgrade"
    )


def test_a_chart_that_helm_cannot_read_is_a_failure(machine: Machine) -> None:
    machine.statuses = {"template": 1}
    status, calls = machine.run(replace(BASE, helm="helm"), DeployAction.DIFF)
    assert status != 0
    assert len(calls) == 1
