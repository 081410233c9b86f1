"""What is run to deploy a service: kubectl, or helm, as a script for bash."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Optional

from pants_backend_zero.subsystem import DeployAction

K8S = "k8s"
"""The folder of the packaged objects, in which the script finds them."""

_RENDERED = "rendered.yaml"
_BY_HELM = "s|^    app.kubernetes.io/managed-by: .*|    app.kubernetes.io/managed-by: Helm|"
"""Of each object helm sets this label itself when it installs it, and not when it renders."""


@dataclass(frozen=True)
class Deployment:
    """A service in one environment, or in none in particular. The programs are paths."""

    name: str
    format: str
    environment: Optional[str]
    context: str
    namespace: Optional[str]
    is_job: bool
    kubectl: str
    helm: Optional[str]

    def script(self, action: DeployAction, rollout_timeout: int = 0, force_conflicts: bool = False) -> str:
        """`rollout_timeout` is in seconds; with 0 it does not wait for the pods."""
        if self.helm:
            return self._by_helm(action, rollout_timeout, force_conflicts)
        to_server = (
            *("--server-side", "--field-manager=zero"),
            *(["--force-conflicts"] if force_conflicts else []),
            self._objects,
        )
        if action is DeployAction.DIFF:
            return _shows(shlex.join((*self._kubectl, "diff", *to_server)))
        apply = (*self._kubectl, "apply", *to_server)
        if action is DeployAction.DRY_RUN:
            return shlex.join((*apply, "--dry-run=server"))
        if not rollout_timeout or self.is_job:
            return shlex.join(apply)
        rollout = ("rollout", "status", f"deployment/{self.name}", f"--timeout={rollout_timeout}s")
        return f"{shlex.join(apply)} && {shlex.join((*self._kubectl, *rollout, *self._in_namespace))}"

    def _by_helm(self, action: DeployAction, rollout_timeout: int, force_conflicts: bool) -> str:
        assert self.helm
        chart = (
            *(self.name, f"{K8S}/chart", f"--kube-context={self.context}"),
            *([f"--values={K8S}/chart/values-{self.environment}.yaml"] if self.environment else []),
            *self._in_namespace,
        )
        if action is DeployAction.DIFF:
            # What the cluster can do, and what is there, is asked of it; the release is there or will be.
            render = shlex.join((self.helm, "template", *chart, "--validate", "--is-upgrade"))
            # The objects are helm's: under another manager's name each change would be a conflict.
            diff = ("diff", "--server-side", "--force-conflicts", f"--filename={_RENDERED}")
            shown = _shows(shlex.join((*self._kubectl, *diff, *self._in_namespace)))
            labelled = f"{render} | sed {shlex.quote(_BY_HELM)} > {_RENDERED}"
            return f"set -o pipefail; {labelled} && {{ {shown}; }}"
        take_over = ["--take-ownership"] if force_conflicts else []
        upgrade = (self.helm, "upgrade", "--install", *chart, *take_over)
        if action is DeployAction.DRY_RUN:
            return shlex.join((*upgrade, "--dry-run=server"))
        wait = ("--wait", f"--timeout={rollout_timeout}s") if rollout_timeout else ()
        return shlex.join((*upgrade, *wait))

    @property
    def _kubectl(self) -> tuple[str, ...]:
        return self.kubectl, f"--context={self.context}"

    @property
    def _in_namespace(self) -> tuple[str, ...]:
        return (f"--namespace={self.namespace}",) if self.namespace else ()

    @property
    def _objects(self) -> str:
        """The option of kubectl that names what is packaged."""
        if self.format == "kustomize":
            folder = f"overlays/{self.environment}" if self.environment else "base"
            return f"--kustomize={K8S}/{folder}"
        folder = f"{K8S}/{self.environment}" if self.environment else K8S
        return f"--filename={folder}/{self.name}.yaml"


def _shows(diff: str) -> str:
    """`kubectl diff` answers 1 where something differs, which is no failure, and more where it failed."""
    return f"{diff}; [ $? -le 1 ]"
