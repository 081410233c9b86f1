"""What the fields of a target may say, where others take less than a text: Kubernetes, registries, TCP."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from zero_codegen.diagnostics import Diagnostic

if TYPE_CHECKING:
    from zero_codegen.service.spec import Spec

_LABEL_LENGTH = 63
"""Characters of a label of DNS, and of many of Kubernetes' names and values."""
_NAME_LENGTH = 253
_SERVICE = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
"""Names of Kubernetes Services: RFC 1035 labels."""
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
"""Names of namespaces: RFC 1123 labels."""
_NAME = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*")
"""Names of most objects, and host names: RFC 1123 subdomains."""
_WORD = re.compile(r"[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?")
"""Values of labels, and their keys behind an optional `example.com/`."""
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?=localhost/|[^/]*[.:])[A-Za-z0-9.-]+(?::[0-9]+)?"
_REPOSITORY = re.compile(rf"(?:{_REGISTRY}/)?{_COMPONENT}(?:/{_COMPONENT})*")
_CPU = re.compile(r"(?=.*[1-9])(?:[0-9]+m|[0-9]+(?:\.[0-9]{1,3})?)")
_MEMORY = re.compile(r"[1-9][0-9]*(?:[KMGT]i|[kMGT])|[1-9][0-9]{6,}")
"""Without a unit it is bytes: less than a million are meant as something else."""


def mistakes(spec: Spec) -> Iterator[Diagnostic]:
    """All wrong values of a service in one environment, each at the target."""
    yield from _wrong_names(spec)
    yield from _wrong_labels(spec)
    yield from _wrong_routes(spec)
    yield from _wrong_numbers(spec)
    yield from _wrong_resources(spec)


def _wrong_names(spec: Spec) -> Iterator[Diagnostic]:
    if not _is(_SERVICE, spec.name):
        proposal = re.sub(r"[^a-z0-9]+", "-", spec.name.lower()).strip("-0123456789")
        proposal = proposal[:_LABEL_LENGTH].rstrip("-")
        yield spec.diagnostic(
            f"a service cannot be named `{spec.name}`: Kubernetes takes lower-case letters, digits and `-`, "
            f"a letter first, {_LABEL_LENGTH} characters at most",
            hint=f"name it `{proposal}`" if proposal else None,
        )
    if spec.namespace is not None and not _is(_LABEL, spec.namespace):
        yield spec.diagnostic(f"`namespace`: `{spec.namespace}` is not a name Kubernetes takes")
    objects = {"priority_class": (spec.priority_class,), "image_pull_secrets": spec.image_pull_secrets}
    for field, names in objects.items():
        for name in names:
            if name is not None and not _is(_NAME, name, _NAME_LENGTH):
                yield spec.diagnostic(f"`{field}`: `{name}` is not a name Kubernetes takes")
    if not _REPOSITORY.fullmatch(spec.image_repository):
        yield spec.diagnostic(
            f"`image_repository`: `{spec.image_repository}` is not the name of an image repository",
            hint="write it in lower case without tag and digest, like `registry.example.com/shop/user-api`",
        )
    for part in spec.module("").split(".")[:-1]:
        if not part.isidentifier() or keyword.iskeyword(part):
            yield spec.diagnostic(f"the folder name `{part}` cannot be part of a Python module name")
    for name in spec.env:
        if not _ENVIRONMENT_NAME.fullmatch(name):
            yield spec.diagnostic(f"`env`: `{name}` is not the name of an environment variable")


def _wrong_labels(spec: Spec) -> Iterator[Diagnostic]:
    labelled = {
        "annotations": spec.annotations,
        "service_account_annotations": spec.service_account_annotations,
        "node_selector": spec.node_selector,
    }
    for field, values in labelled.items():
        for key in values:
            prefix, _, name = key.rpartition("/")
            if not _is(_WORD, name) or ("/" in key and not _is(_NAME, prefix, _NAME_LENGTH)):
                hint = "write it like `team` or `example.com/team`"
                yield spec.diagnostic(f"`{field}`: `{key}` is not a key Kubernetes takes", hint=hint)
    for key, value in spec.node_selector.items():
        if value and not _is(_WORD, value):
            yield spec.diagnostic(
                f"`node_selector`: `{key}` cannot be `{value}`: that is no value of a label"
            )


def _wrong_routes(spec: Spec) -> Iterator[Diagnostic]:
    for host in spec.hostnames:
        if not _is(_NAME, host.removeprefix("*."), _NAME_LENGTH):
            hint = "write it without scheme and port: `shop.example.com`, `*.example.com`"
            yield spec.diagnostic(f"`hostnames`: `{host}` is not the name of a host", hint=hint)
    if spec.gateway is not None:
        namespace, _, name = spec.gateway.rpartition("/")
        if not _is(_NAME, name, _NAME_LENGTH) or ("/" in spec.gateway and not _is(_LABEL, namespace)):
            hint = "write `<namespace>/<name>`, or `<name>`"
            yield spec.diagnostic(f"`gateway`: `{spec.gateway}` is not the name of a Gateway", hint=hint)
    if spec.hostnames and spec.serves is None:
        yield spec.diagnostic("`hostnames`: a job serves nothing that a route could lead to")
    elif spec.hostnames and spec.gateway is None:
        hint = 'name its Gateway: `gateway="<namespace>/<name>"`'
        yield spec.diagnostic("`hostnames`: the route needs a Gateway to belong to", hint=hint)


def _wrong_numbers(spec: Spec) -> Iterator[Diagnostic]:
    ports = {"port": (spec.port,) if spec.port is not None else (), "egress_ports": spec.egress_ports}
    for field, numbers in ports.items():
        for number in numbers:
            if not 1 <= number <= 65535:
                yield spec.diagnostic(f"`{field}`: {number} is not a TCP port (1 to 65535)")
    low, high = spec.replicas.min, spec.replicas.max
    if low < 1:
        yield spec.diagnostic(f"`min_replicas`: {low} is less than 1")
    if low > high:
        yield spec.diagnostic(f"`min_replicas`: {low} is more than `max_replicas`, {high}")


def _wrong_resources(spec: Spec) -> Iterator[Diagnostic]:
    resources = spec.resources
    cpu = {"cpu_request": resources.cpu_request, "cpu_limit": resources.cpu_limit}
    wrong = {
        field: amount for field, amount in cpu.items() if amount is not None and not _CPU.fullmatch(amount)
    }
    for field, amount in wrong.items():
        hint = "write cores or thousandths of them: `0.5`, `500m`"
        yield spec.diagnostic(f"`{field}`: `{amount}` is not an amount of CPU", hint=hint)
    if not wrong and _cores(resources.cpu_request) > _cores(resources.cpu_limit or "inf"):
        message = (
            f"`cpu_request`: `{resources.cpu_request}` is more than `cpu_limit`, `{resources.cpu_limit}`"
        )
        yield spec.diagnostic(message)
    if not _MEMORY.fullmatch(resources.memory):
        message = f"`memory`: `{resources.memory}` is not an amount of memory"
        yield spec.diagnostic(message, hint="write it with its unit: `256Mi`, `1Gi`")


def _is(pattern: re.Pattern[str], name: str, length: int = _LABEL_LENGTH) -> bool:
    return pattern.fullmatch(name) is not None and len(name) <= length


def _cores(quantity: str) -> float:
    return float(quantity.removesuffix("m")) / 1000 if quantity.endswith("m") else float(quantity)
