"""A service with workers, in processes of its own: nothing that it tells of itself is lost or told twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from zero_runtime.observability.conftest import Collector, attributes

MAIN = """
import os
from zero_runtime import config, rest, service

class Config(config.RestConf, kw_only=True, frozen=True):
    name: config.ServiceName = "test-api"

async def who(request):
    return rest.json_response(os.getpid())

async def wire(conf, resources):
    return rest.Server(conf, [rest.Route("GET", "/who/:number", who)])

service.run(Config, wire)
"""

REQUESTS = 400


class Service:
    """The service in processes of its own; reads the lines of its log as they come."""

    def __init__(self, folder: Path, conf: str) -> None:
        (folder / "main.py").write_text(MAIN)
        (folder / "conf.yaml").write_text(textwrap.dedent(conf))
        self.process = subprocess.Popen(
            [sys.executable, "main.py", "-f", "conf.yaml"],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            cwd=folder,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, words: str) -> str:
        """Reads up to the line whose content has these words; returns what follows them."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            self.lines.append(line)
            _, found, rest = line["content"].partition(words)
            if found:
                return str(rest)
        raise AssertionError(f"{words!r} is not in {self.lines}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=30)
        self.lines += map(json.loads, out.splitlines())
        return self.process.returncode


def scrape(address: str) -> list[Sample]:
    answer = httpx.get(address)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]


def counted(samples: Iterable[Sample]) -> float:
    return sum(sample.value for sample in samples if sample.name == "http_server_requests_code_total")


def test_workers(tmp_path: Path, http_collector: Collector) -> None:
    service = Service(
        tmp_path,
        f"""
        Host: 127.0.0.1
        Port: 0
        Workers: 2
        Telemetry: {{Endpoint: {http_collector.address}, Batcher: otlphttp}}
        DevServer: {{Host: 127.0.0.1, Port: 0, EnablePprof: true}}
        Prometheus: {{Host: 127.0.0.1, Port: 0, Path: /numbers}}
        Shutdown: {{WrapUpTime: 0s}}
        """,
    )
    try:
        phrases = " are answered on ", " are told on ", " listens on "
        found = [service.wait_for(words).split()[0] for words in phrases]
        admin, numbers, url = found[0].removesuffix("/healthz"), found[1], found[2]

        client = httpx.Client(base_url=url, limits=httpx.Limits(max_keepalive_connections=0))

        def ask(number: int) -> tuple[int, str]:
            answer = client.get(f"/who/{number}")
            return answer.json(), answer.headers["traceparent"]

        with client, ThreadPoolExecutor(4) as pool:
            answers = [*pool.map(ask, range(REQUESTS))]
        samples = scrape(f"{admin}/metrics")
        deadline = time.monotonic() + 5  # the workers count a little later than they answer
        while counted(samples) < REQUESTS and time.monotonic() < deadline:
            samples = scrape(f"{admin}/metrics")
        assert counted(scrape(numbers)) == counted(samples)
        assert httpx.get(f"{admin}/debug/pprof/profile").status_code == 501
        assert service.stop() == 0
    finally:
        service.process.kill()

    assert counted(samples) == REQUESTS
    workers = {sample.labels["worker"] for sample in samples if sample.name == "process_cpu_seconds_total"}
    assert workers == {"0", "1", "admin"}

    processes = Counter(process for process, _ in answers)
    assert len(processes) == 2
    traces = {(traceparent[3:35], traceparent[36:52]) for _, traceparent in answers}
    assert len(traces) == REQUESTS

    logged = [line for line in service.lines if line["logger"] == "zero.access"]
    assert sorted(line["content"] for line in logged) == sorted(f"GET /who/{n}" for n in range(REQUESTS))
    assert {(line["trace"], line["span"]) for line in logged} == traces

    assert {(span.trace_id.hex(), span.span_id.hex()) for span in http_collector.spans} == traces
    assert len(http_collector.spans) == REQUESTS
    exported = Counter(
        attributes(resource.resource)["process.pid"]
        for request in http_collector.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for _ in scope.spans
    )
    assert exported == processes
