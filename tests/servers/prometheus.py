"""Prometheus, which scrapes services and answers queries, and its checker of configurations and rules."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.servers.process import free_port, require, running

Series = tuple[dict[str, str], list[tuple[float, float]]]
"""The labels of a series, and its values with their times."""


class Prometheus:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def value(self, query: str) -> list[tuple[dict[str, str], float]]:
        """What a query gives now: the labels and the value of each series. Raises ValueError for a wrong
        one."""
        found = self._ask("query", {"query": query})["result"]
        return [(series["metric"], float(series["value"][1])) for series in found]

    def values(self, query: str, start: float, end: float, step: float) -> list[Series]:
        """What a query gave from ``start`` to ``end``, in seconds since the epoch."""
        asked = {"query": query, "start": str(start), "end": str(end), "step": str(step)}
        return [
            (series["metric"], [(at, float(value)) for at, value in series["values"]])
            for series in self._ask("query_range", asked)["result"]
        ]

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes, with labels and health."""
        found: list[dict[str, Any]] = self._ask("targets", {"state": "active"})["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Its rules, with their state."""
        return [rule for group in self._ask("rules", {})["groups"] for rule in group["rules"]]

    def metrics(self) -> set[str]:
        """The names of all series that it has."""
        return {*self._ask("label/__name__/values", {})}

    def wait_for(self, query: str, timeout: float = 30.0) -> None:
        """Waits until a query gives something. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while not self.value(query):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing for {query}")
            time.sleep(0.1)

    def _ask(self, what: str, asked: Mapping[str, str]) -> Any:
        address = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(address, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{asked}: {json.load(error)['error']}") from None


@contextmanager
def prometheus(
    configuration: Mapping[str, Any], rules: Mapping[str, str] | None = None
) -> Iterator[Prometheus]:
    """A running server, with files of rules by their names."""
    program = require("prometheus", "prometheus")
    with tempfile.TemporaryDirectory(prefix="prometheus-", dir="/tmp") as name:
        folder, address = Path(name), f"127.0.0.1:{free_port()}"
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(dict(configuration)))
        for rule_file, text in (rules or {}).items():
            (folder / rule_file).write_text(text)
        command = [
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ]
        server = Prometheus(f"http://{address}")
        with running(command, folder / "log", lambda: _is_ready(server.url)):
            yield server


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs Prometheus' checker, which comes with it."""
    program = require("promtool", "prometheus")
    return subprocess.run([program, *arguments], capture_output=True, text=True)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=1):
            return True
    except OSError:
        return False
