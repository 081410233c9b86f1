"""The packaged objects of all examples, in every form and environment, given to Kubernetes' API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.kubernetes_api import KubernetesApi, kubernetes_api
from tests.servers.process import require_built

FLAGS = ("--server-side", "--field-manager=zero")
PACKAGED = {folder.parent.name: folder for folder in sorted(Path().glob("services*/*/k8s"))}


@pytest.fixture(scope="module")
def cluster() -> Iterator[KubernetesApi]:
    with kubernetes_api() as found:
        for namespace in ("shop", "shop-staging"):
            found.kubectl("create", "namespace", namespace)
        yield found


def rendered(cluster: KubernetesApi, service: str) -> list[str]:
    """The objects of a service as YAML: in no environment in particular, and in each."""
    folder = PACKAGED[service]
    if (chart := folder / "chart").exists():
        command = (require_built("helm"), "template", service, str(chart), "--kube-version=1.36.0")
        values = [(), *((f"--values={file}",) for file in sorted(chart.glob("values-*.yaml")))]
        return [subprocess.check_output([*command, *more], text=True) for more in values]
    if (base := folder / "base").exists():
        return [cluster.kubectl("kustomize", str(path)) for path in (base, *folder.glob("overlays/*"))]
    return [path.read_text() for path in sorted(folder.glob(f"**/{service}.yaml"))]


def apply(cluster: KubernetesApi, objects: str) -> dict[str, dict[str, Any]]:
    """The objects as the server has them after it was given these, by kind."""
    options = ("--validate=strict", "--filename=-", "--output=json")
    items = json.loads(cluster.kubectl("apply", *FLAGS, *options, given=objects))["items"]
    return {one["kind"]: one for one in items}


def test_all_forms_are_among_the_examples() -> None:
    assert set(PACKAGED) == {"chat", "shop", "shop-sweep", "user-api", "user-rpc"}
    forms = {entry.name for folder in PACKAGED.values() for entry in folder.iterdir()}
    assert {"base", "chart", "user-api.yaml"} <= forms


@pytest.mark.parametrize("service", PACKAGED)
def test_the_server_takes_every_object_and_a_second_time_changes_none(
    cluster: KubernetesApi, service: str
) -> None:
    environments = rendered(cluster, service)
    assert len(environments) > 1
    for objects in environments:
        first, second = apply(cluster, objects), apply(cluster, objects)
        assert {"ServiceAccount", "ConfigMap", "NetworkPolicy"} <= set(first)
        changed = {
            kind
            for kind, one in first.items()
            if one["metadata"]["resourceVersion"] != second[kind]["metadata"]["resourceVersion"]
        }
        assert changed == set()
        assert cluster.kubectl("diff", *FLAGS, "--filename=-", given=objects) == ""


def test_the_server_refuses_what_no_schema_would(cluster: KubernetesApi) -> None:
    """So that the tests above say something: a selector cannot change, and unknown fields are no fields."""
    objects = rendered(cluster, "user-rpc")[0]
    apply(cluster, objects)
    (deployment,) = (one for one in yaml.safe_load_all(objects) if one and one["kind"] == "Deployment")
    for change, problem in (
        ({"selector": {"matchLabels": {"app.kubernetes.io/name": "other"}}}, "field is immutable"),
        ({"replicaz": 3}, "spec.replicaz"),
    ):
        wrong = {**deployment, "spec": {**deployment["spec"], **change}}
        result = cluster.try_kubectl("apply", *FLAGS, "--filename=-", given=json.dumps(wrong))
        assert result.returncode == 1
        assert problem in result.stderr
