"""OpenTelemetry's collector: what services send their traces and logs to."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.process import free_port, require_built, running


class OtelCollector:
    """A collector of the loopback interface that writes what it gets into files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.grpc, self.http, self.zipkin, self.fluentd = (f"127.0.0.1:{free_port()}" for _ in range(4))
        """Where it takes OTLP by gRPC and by HTTP, Zipkin's JSON, and Fluentd's forward protocol."""

    @property
    def configuration(self) -> dict[str, Any]:
        """What the collector is told."""
        return {
            "receivers": {
                "otlp": {
                    "protocols": {"grpc": {"endpoint": self.grpc}, "http": {"endpoint": self.http}},
                },
                "zipkin": {"endpoint": self.zipkin},
                "fluentforward": {"endpoint": self.fluentd},
            },
            "exporters": {
                f"file/{kind}": {"path": str(self._folder / f"{kind}.json"), "flush_interval": "100ms"}
                for kind in ("traces", "logs")
            },
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {
                    "traces": {"receivers": ["otlp", "zipkin"], "exporters": ["file/traces"]},
                    "logs": {"receivers": ["otlp", "fluentforward"], "exporters": ["file/logs"]},
                },
            },
        }

    def spans(self) -> list[dict[str, Any]]:
        """The spans that it has, each with the ``service`` that it is of and its ``attributes`` as a
        mapping."""
        return [
            {
                **span,
                "service": _mapping(resource["resource"]["attributes"])["service.name"],
                "attributes": _mapping(span.get("attributes", ())),
            }
            for batch in self._lines("traces")
            for resource in batch["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def logs(self) -> list[dict[str, Any]]:
        """The records that it has, each with its ``attributes`` as a mapping."""
        return [
            {**record, "attributes": _mapping(record.get("attributes", ()))}
            for batch in self._lines("logs")
            for resource in batch["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def _lines(self, kind: str) -> list[dict[str, Any]]:
        file = self._folder / f"{kind}.json"
        text = file.read_text() if file.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def listens(self) -> bool:
        """Whether all of its receivers take connections."""
        for address in (self.grpc, self.http, self.zipkin, self.fluentd):
            host, _, port = address.partition(":")
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))):
                    return False
        return True


def _mapping(attributes: Any) -> dict[str, Any]:
    """OTLP's list of keys and values, of which each is of some kind; integers are texts there."""
    found = {}
    for each in attributes:
        ((kind, value),) = each["value"].items() or (("stringValue", ""),)
        found[each["key"]] = int(value) if kind == "intValue" else value
    return found


@contextmanager
def collector(folder: Path) -> Iterator[OtelCollector]:
    """A running collector, whose files are in ``folder``."""
    program = require_built("otelcol")
    made = OtelCollector(folder)
    file = folder / "otelcol.json"
    file.write_text(json.dumps(made.configuration))
    with running([program, "--config", str(file)], folder / "otelcol.log", made.listens):
        yield made
