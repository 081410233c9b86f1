"""The command: what it writes, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from zero_codegen.cli import main
from zero_codegen.service.conftest import TESTDATA
from zero_codegen.stack.conftest import SERVICES, write_spec
from zero_codegen.stack.fleet_test import JOB

FILES = {
    "README.md",
    "compose.yaml",
    "database/init.sql",
    "fluentd/fluent.conf",
    "grafana/dashboards/stack.json",
    "grafana/provisioning/dashboards/zero.yaml",
    "grafana/provisioning/datasources/zero.yaml",
    "otel-collector/config.yaml",
    "prometheus/alerts.yml",
    "prometheus/kubernetes.yml",
    "prometheus/prometheus.yml",
    "topology.mmd",
    "topology.svg",
}


class Stack:
    """A stack of services that a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.description: dict[str, Any] = {
            "name": "stack",
            "address": "services:stack",
            "database": "postgresql",
            "images": {},
            "archives": {"user-api": "../../services.user/user-api/user-api.oci.tar"},
        }
        self.services: dict[str, dict[str, Any]] = {name: {} for name in SERVICES}

    def generate(self) -> int:
        stack = self.folder / "stack.json"
        stack.write_text(json.dumps(self.description))
        specs = [write_spec(self.folder, *each) for each in self.services.items()]
        arguments = ["--stack", str(stack), *(f"--spec={spec}" for spec in specs), "--out", str(self.out)]
        return main(["stack", *arguments])

    @property
    def written(self) -> dict[str, str]:
        paths = (path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_text() for path in paths}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.chdir(TESTDATA)
    return Stack(tmp_path)


def test_everything_is_written_and_says_where_it_comes_from(stack: Stack) -> None:
    assert stack.generate() == 0
    assert set(stack.written) == FILES
    unmarked = {path for path, text in stack.written.items() if "services:stack" not in text}
    assert unmarked == {"database/init.sql", "grafana/dashboards/stack.json", "topology.svg"}
    assert "docker load -i ../../services.user/user-api/user-api.oci.tar\n" in stack.written["README.md"]


def test_the_same_stack_is_the_same_text(stack: Stack) -> None:
    stack.generate()
    first = stack.written
    stack.generate()
    assert stack.written == first


def test_a_stack_of_jobs_alone_needs_no_metrics(stack: Stack) -> None:
    stack.services = {"user-rpc/user-sweep": JOB}
    assert stack.generate() == 0
    assert yaml.safe_load(stack.written["prometheus/alerts.yml"]) == {"groups": []}
    jobs = yaml.safe_load(stack.written["prometheus/prometheus.yml"])["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["prometheus", "otel-collector"]


def test_all_mistakes_are_told_and_nothing_is_written(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.services["user-api"] = {"config": {"Timout": 5}}
    stack.services["user-rpc"] = {"config": {"Log": {"Levle": "info"}}}
    assert stack.generate() == 1
    told = capsys.readouterr().err
    assert "services/user:user-api: `config`: unknown key `Timout`\n  = hint: did you mean `Timeout`?" in told
    assert "services/user:user-rpc: `config`: unknown key `Log.Levle`" in told
    assert not stack.written


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            {"graphana": "x:1"},
            "`images`: the stack has no `graphana`\n  = hint: did you mean `grafana`?",
        ),
        (
            {"redis": "Redis 7"},
            "`images`: `Redis 7` is not the name of an image\n"
            "  = hint: write it like `registry.example.com/prom/prometheus:v2.55.1`",
        ),
    ],
)
def test_wrong_images(
    stack: Stack, images: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.description["images"] = images
    assert stack.generate() == 1
    assert capsys.readouterr().err == f"services:stack: {message}\n"


def test_a_service_may_not_be_named_as_what_is_around_it(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.services = {"user-rpc": {"name": "redis"}}
    assert stack.generate() == 1
    assert capsys.readouterr().err == (
        "services/user:user-rpc: the stack has a `redis` of its own, beside this service\n"
        "  = hint: name the service otherwise: `redis-rpc`\n"
    )
