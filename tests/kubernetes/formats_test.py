"""Three forms of one thing: overlays and charts make the objects of the plain manifests, in every environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.tools import helm, helm_lint, kustomize, objects
from zero_codegen import service as services
from zero_codegen.cli import main

TESTDATA = Path(services.__file__).parent / "testdata"

_ENVIRONMENTS: Mapping[str, Mapping[str, Any]] = {
    "same": {},
    "staging": {
        "namespace": "shop-staging",
        "replicas": {"min": 1, "max": 1},
        "config": {"Log": {"Mode": "file", "Fluentd": {"Host": "fluentd", "Spill": "/var/spill"}}},
        "env": {"GREETING": "{{ .Values }} on: 'off'\n\t%"},
    },
    "production": {
        "annotations": {"example.com/team": "a: 'b'\n{{ .x }}"},
        "config": {"Prometheus": {"Host": "0.0.0.0", "Port": 9081}, "Shutdown": {"WaitTime": "1m"}},
        "egress_ports": [443],
        "env": {},
        "gateway": "infra/public",
        "hostnames": ["shop.example.com", "*.shop.example.com"],
        "image_pull_secrets": ["registry"],
        "image_repository": "mirror.example.com/shop/service",
        "monitor": True,
        "node_selector": {"kubernetes.io/arch": "amd64"},
        "priority_class": "high",
        "replicas": {"min": 5, "max": 50},
        "resources": {"cpu_request": "1", "memory": "1Gi", "cpu_limit": None},
        "service_account_annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/users"},
    },
    "elsewhere": {
        "namespace": "a",
        "config": {
            "UserRpc": {"Target": "k8s://b/user-rpc:8080"},
            "DevServer": {"Enabled": True, "EnableMetrics": False},
        },
        "monitor": True,
    },
}
_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "user-api": {},
    "user-rpc": {"config": {"UserRpc": None}},
    "order-rpc": {"config": {"Redis": {"Host": "redis"}}},
    "order-sweep": {"config": {"Redis": {"Host": "redis"}}, "hostnames": None},
}
"""What each service needs besides, or cannot have: keys that are None are left out."""


def _environments(name: str, base: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    changes = _CHANGES[name]
    found = {}
    for environment, there in _ENVIRONMENTS.items():
        config = {**changes.get("config", {}), **there.get("config", {})}
        left_out = [key for key, value in changes.get("config", {}).items() if value is None]
        config = {key: value for key, value in config.items() if key not in left_out}
        spec = {**base, **there, **({"config": config} if environment != "same" else {})}
        if "hostnames" in changes:
            spec.pop("hostnames", None)
        found[environment] = spec
    return found


@pytest.mark.parametrize("name", _CHANGES)
def test_all_formats_make_the_same_objects(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TESTDATA)
    base = json.loads(Path(f"{name}.json").read_text())
    environments = _environments(name, base)
    for form in "manifest", "kustomize", "helm":
        spec = tmp_path / f"{form}.json"
        spec.write_text(json.dumps({**base, "environments": environments, "kubernetes_format": form}))
        arguments = ["--spec", str(spec), "--image", "image.json", "--out", str(tmp_path / form)]
        assert main(["manifests", *arguments]) == 0
    chart = tmp_path / "helm" / "chart"
    plain = objects((tmp_path / "manifest" / f"{name}.yaml").read_text())
    assert objects(kustomize(tmp_path / "kustomize" / "base")) == plain
    assert objects(helm(chart)) == plain
    helm_lint(chart)
    for environment in environments:
        there = objects((tmp_path / "manifest" / environment / f"{name}.yaml").read_text())
        assert (there == plain) == (environment == "same")
        assert objects(kustomize(tmp_path / "kustomize" / "overlays" / environment)) == there
        values = chart / f"values-{environment}.yaml"
        assert objects(helm(chart, values)) == there
        helm_lint(chart, values)


def test_a_chart_is_set_by_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TESTDATA)
    spec = tmp_path / "spec.json"
    spec.write_text(
        json.dumps({**json.loads(Path("user-api.json").read_text()), "kubernetes_format": "helm"})
    )
    arguments = ["--spec", str(spec), "--image", "image.json", "--out", str(tmp_path)]
    assert main(["manifests", *arguments]) == 0
    settings = (
        "namespace=other",
        "image.repository=mirror.example.com/user",
        "horizontalPodAutoscaler.maxReplicas=20",
        "container.resources.limits.memory=1Gi",
        "pod.annotations.team=users",
        "pod.tolerations[0].key=dedicated",
        "config.Log.Level=warn",
    )
    before, after = (objects(helm(tmp_path / "chart", settings=each)) for each in ((), settings))
    template, was = (
        found["Deployment", namespace, "user-api"]["spec"]["template"]
        for found, namespace in ((after, "other"), (before, "shop"))
    )
    (container,) = template["spec"]["containers"]
    assert {namespace for _, namespace, _ in after} == {"other"}
    assert container["image"].startswith("mirror.example.com/user@sha256:")
    assert after["HorizontalPodAutoscaler", "other", "user-api"]["spec"]["maxReplicas"] == 20
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert template["metadata"]["annotations"]["team"] == "users"
    assert template["spec"]["tolerations"] == [{"key": "dedicated"}]
    config = after["ConfigMap", "other", "user-api"]["data"]["user-api.yaml"]
    assert "  Level: warn\n" in config
    assert "Timeout: 5000\n" in config
    checksums = [each["metadata"]["annotations"]["checksum/config"] for each in (template, was)]
    assert checksums[0] != checksums[1]
