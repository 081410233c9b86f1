"""The packaged files, as the programs that they are for read them."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.servers.process import require, require_built
from tests.servers.prometheus import prometheus, promtool
from tests.stack.fleet import STACK, read

MANIFESTS = [
    Path("services.chat/chat/k8s/base/chat.yaml").absolute(),
    Path("services.user/user-api/k8s/user-api.yaml").absolute(),
    Path("services.user/user-rpc/k8s/user-rpc.yaml").absolute(),
]
"""The shop has a chart; it makes the same objects."""


def test_promtool_finds_nothing_wrong_with_the_configuration() -> None:
    result = promtool("check", "config", STACK / "prometheus/prometheus.yml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_finds_the_pods_of_the_manifests_and_no_others() -> None:
    """Debian's Prometheus cannot ask Kubernetes, so it is told what it would be answered: a target for each
    port of each pod, with the labels that the discovery gives it."""
    pods = [*_ports_of_pods(), _stranger()]
    configuration = read("prometheus/kubernetes.yml")
    configuration["rule_files"] = []
    for job in configuration["scrape_configs"]:
        (discovery,) = job.pop("kubernetes_sd_configs")
        assert discovery == {"role": "pod", "namespaces": {"names": ["shop", "shop-staging"]}}
        job["static_configs"] = pods
    with prometheus(configuration) as server:
        server.wait_for("up == 0")
        found = sorted((target["labels"] for target in server.targets()), key=lambda labels: labels["job"])
    assert [(labels["job"], labels["kind"], labels["pod"]) for labels in found] == [
        ("chat", "rpc", "chat-1"),
        ("user-api", "api", "user-api-1"),
        ("user-rpc", "rpc", "user-rpc-1"),
    ]
    assert {(labels["namespace"], labels["node"]) for labels in found} == {("shop", "node-1")}


def _ports_of_pods() -> Iterator[dict[str, Any]]:
    for number, manifest in enumerate(MANIFESTS, 1):
        (pod,) = (
            each["spec"]["template"]
            for each in yaml.safe_load_all(manifest.read_text())
            if each["kind"] == "Deployment"
        )
        (container,) = pod["spec"]["containers"]
        for port in container["ports"]:
            labels = pod["metadata"]["labels"]
            place = f"127.1.{number}.1:{port['containerPort']}"
            yield _target(place, f"{container['name']}-1", labels, port["name"])


def _stranger() -> dict[str, Any]:
    return _target("127.1.9.1:6060", "other-1", {"app.kubernetes.io/name": "other"}, "admin")


def _target(place: str, pod: str, labels: dict[str, str], port: str) -> dict[str, Any]:
    """A port of a pod as the discovery tells of it.

    https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod
    """
    told = {
        "pod_name": pod,
        "pod_phase": "Running",
        "pod_node_name": "node-1",
        "namespace": "shop",
        "pod_container_port_name": port,
        "pod_container_port_number": place.rpartition(":")[2],
        **{f"pod_label_{name.translate(_UNDERSCORES)}": value for name, value in labels.items()},
    }
    return {
        "targets": [place],
        "labels": {f"__meta_kubernetes_{name}": value for name, value in told.items()},
    }


_UNDERSCORES = str.maketrans("./-", "___")


def test_compose_takes_the_file() -> None:
    program = require("docker-compose", "docker-compose")
    command: list[str | Path] = [program, "-f", STACK / "compose.yaml", "config"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    services = yaml.safe_load(result.stdout)["services"]
    assert {"chat", "shop", "user-api", "user-rpc", "postgresql", "redis", "prometheus", "grafana"} <= {
        *services
    }


def test_what_the_compose_file_mounts_is_there() -> None:
    mounted = {
        volume.partition(":")[0]
        for service in read("compose.yaml")["services"].values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    }
    assert mounted
    assert [path for path in mounted if not (STACK / path).exists()] == []


def test_the_collector_takes_its_configuration() -> None:
    program = require_built("otelcol")
    command: list[str | Path] = [program, "validate", "--config", STACK / "otel-collector/config.yaml"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_dashboard_has_a_place_of_its_own_for_every_panel() -> None:
    dashboard = json.loads((STACK / "grafana/dashboards/stack.json").read_text())
    choices = {choice["name"]: choice for choice in dashboard["templating"]["list"]}
    assert choices.keys() == {"namespace", "service"}
    assert choices["service"]["query"].split(",") == ["chat", "shop", "user-api", "user-rpc"]
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 20
    cells = [
        (column, row)
        for place in (panel["gridPos"] for panel in panels)
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len({*cells}) == len(cells)
    assert max(column for column, _ in cells) < 24
    sources = {source["uid"] for source in read("grafana/provisioning/datasources/zero.yaml")["datasources"]}
    assert {panel["datasource"]["uid"] for panel in panels if "datasource" in panel} <= sources


def test_the_pictures_show_every_service() -> None:
    picture = ElementTree.parse(STACK / "topology.svg")
    texts = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert {"chat", "shop", "user-api", "user-rpc"} <= texts
    assert "user_api --> user_rpc" in (STACK / "topology.mmd").read_text()


def test_sections_of_fluentd_are_closed() -> None:
    """Fluentd is no Debian package; this much is seen without it."""
    open_: list[str] = []
    for line in (STACK / "fluentd/fluent.conf").read_text().splitlines():
        text = line.strip()
        if text.startswith("</"):
            assert open_.pop() == text[2:-1]
        elif text.startswith("<"):
            open_.append(text[1:-1].split()[0])
    assert not open_
