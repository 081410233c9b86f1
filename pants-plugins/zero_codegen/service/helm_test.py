"""What a chart says. That it makes what it should is tested with the real tool, in tests/kubernetes."""

from typing import Any

import pytest
import yaml

from zero_codegen.service.configuration import configuration
from zero_codegen.service.conftest import Wire
from zero_codegen.service.helm import helm
from zero_codegen.service.kubernetes import Manifest, manifest

IMAGE = f"@sha256:{'0' * 64}"


@pytest.fixture
def chart(wired: Wire) -> Any:
    """`chart("user-api", staging={"port": 80})`: the files of a chart, with the values parsed."""

    def made(name: str, changes: dict[str, Any]) -> Manifest:
        wiring = wired(name, **changes)
        return manifest(wiring, configuration(wiring), wiring.spec.image_repository + IMAGE)

    def files(name: str, /, base: dict[str, Any] | None = None, **environments: dict[str, Any]) -> Any:
        there = {each: made(name, changes) for each, changes in environments.items()}
        found: dict[str, Any] = helm(name, made(name, base or {}), there)
        return {
            path.removeprefix("chart/"): yaml.safe_load(text) if "values" in path else text
            for path, text in found.items()
        }

    return files


def test_there_is_a_template_for_each_object_and_a_file_of_values_for_each_environment(chart: Any) -> None:
    assert chart("user-rpc", staging={}).keys() == {
        "Chart.yaml",
        "values.yaml",
        "values-staging.yaml",
        "templates/_helpers.tpl",
        *(
            f"templates/{each}.yaml"
            for each in (
                "service-account",
                "config-map",
                "deployment",
                "service",
                "pod-disruption-budget",
                "network-policy",
            )
        ),
    }


def test_what_people_set_is_a_value_without_any_environment(chart: Any) -> None:
    files = chart("user-api")
    values = files["values.yaml"]
    assert values["image"] == {
        "repository": "registry.example.com/shop/user-api",
        "digest": f"sha256:{'0' * 64}",
    }
    assert values["namespace"] == "shop"
    assert values["horizontalPodAutoscaler"] == {"minReplicas": 2, "maxReplicas": 10}
    assert values["container"]["resources"]["requests"]["memory"] == "256Mi"
    assert values["pod"]["tolerations"] == values["pod"]["imagePullSecrets"] == []
    assert values["serviceAccount"] == {"annotations": {}}
    assert values["config"] == {}
    assert yaml.safe_load(values["configuration"])["Name"] == "user-api"
    assert (
        "    {{- toYaml .Values.networkPolicy.egress | nindent 4 }}\n"
        in files["templates/network-policy.yaml"]
    )


def test_values_of_an_environment_are_what_differs(chart: Any) -> None:
    files = chart(
        "user-api",
        base={"annotations": {"team": "users"}},
        staging={"namespace": "staging", "replicas": {"min": 1, "max": 3}},
        same={"annotations": {"team": "users"}},
    )
    assert files["values-staging.yaml"] == {
        "namespace": "staging",
        "pod": {"annotations": {"team": None}},
        "horizontalPodAutoscaler": {"minReplicas": 1, "maxReplicas": 3},
    }
    assert files["values-same.yaml"] == {}


def test_an_object_that_not_all_environments_have_is_enabled(chart: Any) -> None:
    files = chart("user-api", staging={"monitor": True, "replicas": {"min": 1, "max": 1}})
    assert files["values.yaml"]["podMonitor"] == {"enabled": False}
    assert files["values.yaml"]["horizontalPodAutoscaler"]["enabled"] is True
    assert files["values-staging.yaml"]["podMonitor"] == {"enabled": True}
    assert files["values-staging.yaml"]["horizontalPodAutoscaler"] == {"enabled": False}
    assert files["values-staging.yaml"]["deployment"] == {"replicas": 1}
    monitor = files["templates/pod-monitor.yaml"]
    assert monitor.startswith("{{- if .Values.podMonitor.enabled }}\n")
    assert monitor.endswith("{{- end }}\n")


def test_what_differs_is_a_value_whatever_it_is(chart: Any) -> None:
    files = chart("user-api", staging={"config": {"DevServer": {"HealthPath": "/alive"}}})
    there = {"httpGet": {"path": "/alive"}}
    assert files["values-staging.yaml"]["container"] == {"startupProbe": there, "livenessProbe": there}
    path = "path: {{ toJson .Values.container.startupProbe.httpGet.path }}\n"
    assert path in files["templates/deployment.yaml"]


def test_text_that_looks_like_a_template_stays_text(chart: Any) -> None:
    files = chart("user-api", base={"config": {"DevServer": {"HealthPath": "/{{ .Values }}"}}})
    assert 'path: /{{ "{{" }} .Values }}\n' in files["templates/deployment.yaml"]


def test_the_version_follows_from_the_contents(chart: Any) -> None:
    def version(**base: Any) -> str:
        about = yaml.safe_load(chart("user-api", base=base)["Chart.yaml"])
        found: str = about["version"]
        return found

    assert version() == version() != version(env={"A": "1"})
    assert version().startswith("0.0.0-h")
