"""What a stack is made of: `stack.json`, which the backend writes from the target."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from zero_codegen.diagnostics import ContractError, Diagnostic, did_you_mean

IMAGES = {
    "prometheus": "docker.io/prom/prometheus:v2.55.1",
    "grafana": "docker.io/grafana/grafana:11.4.0",
    "jaeger": "docker.io/jaegertracing/all-in-one:1.62.0",
    "otel-collector": "docker.io/otel/opentelemetry-collector-contrib:0.115.1",
    "fluentd": "docker.io/fluent/fluentd:v1.16-debian-1",
    "etcd": "quay.io/coreos/etcd:v3.5.17",
    "redis": "docker.io/library/redis:7.4-alpine",
    "postgresql": "docker.io/library/postgres:16-alpine",
    "mariadb": "docker.io/library/mariadb:10.11",
}
"""What the compose file starts besides the services, by the name it has there."""

_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
    r"(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


class StackSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A set of services, as the target has it."""

    name: str
    address: str
    database: Literal["postgresql", "mariadb"]
    """What the compose file keeps the tables of services in."""
    images: dict[str, str]
    """Images that take the place of those in `IMAGES`."""
    archives: dict[str, str] = {}
    """Where the images of services are when they are packaged, by service, relative to the stack."""

    def image(self, name: str) -> str:
        return self.images.get(name, IMAGES[name])


def read_stack(path: Path) -> StackSpec:
    """Read and check a specification. Raises ContractError with every wrong value at the target."""
    spec = msgspec.json.decode(path.read_bytes(), type=StackSpec)
    if mistakes := list(_wrong_images(spec)):
        raise ContractError(mistakes)
    return spec


def _wrong_images(spec: StackSpec) -> Iterator[Diagnostic]:
    for name, image in spec.images.items():
        if name not in IMAGES:
            known = ", ".join(f"`{each}`" for each in IMAGES)
            hint = did_you_mean(name, IMAGES) or f"known here: {known}"
            yield Diagnostic(spec.address, 0, 0, f"`images`: the stack has no `{name}`", hint)
        elif not _REFERENCE.fullmatch(image):
            hint = "write it like `registry.example.com/prom/prometheus:v2.55.1`"
            yield Diagnostic(spec.address, 0, 0, f"`images`: `{image}` is not the name of an image", hint)
