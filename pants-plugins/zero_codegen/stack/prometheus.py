"""Where Prometheus finds the services: beside it in a compose file, or in Kubernetes.

The label `job` is the name of the service everywhere, and `kind` what it serves, `api` or `rpc`. Rules and
dashboards go by `job`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zero_codegen.service.administration import METRICS_PATH, Metrics
from zero_codegen.stack.fleet import Fleet, Member
from zero_codegen.stack.spec import StackSpec

INTERVAL = "15s"
"""Between two scrapes, and two looks at the rules."""
ALERTS = "alerts.yml"

_POD = "__meta_kubernetes_pod"
_NAME_LABEL = "app_kubernetes_io_name"
"""The label of pods that has the name of their service, as Prometheus writes it."""


def compose(stack: StackSpec, fleet: Fleet) -> dict[str, Any]:
    """Each service by its name, and what is around them as far as it has metrics."""
    own = [_static("prometheus", "localhost:9090"), _static("otel-collector", "otel-collector:8888")]
    return _configuration(
        stack,
        [
            {
                "job_name": member.name,
                **_path(metrics),
                "static_configs": [
                    {"targets": [f"{member.name}:{metrics.port}"], "labels": {"kind": member.kind}}
                ],
            }
            for member, metrics in _scraped(fleet)
        ]
        + own,
    )


def kubernetes(stack: StackSpec, fleet: Fleet) -> dict[str, Any]:
    """The pods of each service, by the label that Zero's manifests give them."""
    return _configuration(
        stack,
        [
            {
                "job_name": member.name,
                **_path(metrics),
                "kubernetes_sd_configs": [{"role": "pod", **_namespaces(member)}],
                "relabel_configs": [
                    _keep(f"{_POD}_label_{_NAME_LABEL}", member.name),
                    _keep(f"{_POD}_container_port_name", metrics.port_name),
                    _keep(f"{_POD}_phase", "Running"),
                    {"target_label": "kind", "replacement": member.kind},
                    {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
                    {"source_labels": [f"{_POD}_name"], "target_label": "pod"},
                    {"source_labels": [f"{_POD}_node_name"], "target_label": "node"},
                ],
            }
            for member, metrics in _scraped(fleet)
        ],
    )


def _configuration(stack: StackSpec, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "global": {
            "scrape_interval": INTERVAL,
            "evaluation_interval": INTERVAL,
            "external_labels": {"stack": stack.name},
        },
        "rule_files": [ALERTS],
        "scrape_configs": jobs,
    }


def _scraped(fleet: Fleet) -> Iterator[tuple[Member, Metrics]]:
    for member in fleet:
        if metrics := member.metrics:
            yield member, metrics


def _static(job: str, target: str) -> dict[str, Any]:
    return {"job_name": job, "static_configs": [{"targets": [target]}]}


def _path(metrics: Metrics) -> dict[str, str]:
    return {} if metrics.path == METRICS_PATH else {"metrics_path": metrics.path}


def _namespaces(member: Member) -> dict[str, Any]:
    """Those that the target names, its own and those of environments; all there are where one of them is not
    said."""
    spec = member.wiring.spec
    found = {each.namespace for each in (spec, *spec.environments.values())}
    names = sorted(name for name in found if name)
    return {"namespaces": {"names": names}} if len(names) == len(found) else {}


def _keep(label: str, regex: str) -> dict[str, Any]:
    return {"source_labels": [label], "regex": regex, "action": "keep"}
