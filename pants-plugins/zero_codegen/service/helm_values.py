"""The values of a chart: which there are, what they are called, and what its templates say in place of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zero_codegen.service.differences import MISSING, Identity, Path
from zero_codegen.service.yaml_text import Block

CHECKSUM = "checksum/config"
_CONTAINER = ("spec", "containers", 0)
_POD_TEMPLATES: dict[str, Path] = {
    "Deployment": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Value:
    """A value of the chart.

    `path` is where it stands in an object, `name` where in the values. `default` is what it is where no object has
    it.
    """

    path: Path
    name: tuple[str, ...]
    default: Any = None

    def read(self, found: Any) -> Any:
        """What the file of values has for what an object has at the path, which may be MISSING."""
        return self.default if found is MISSING else found

    def lines(self, key: str, indent: int, example: Any, is_optional: bool) -> Iterator[str]:
        """What a template has in place of the key and its value, of which `example` is one."""
        if is_optional:
            yield f"{{{{- with {self.reference} }}}}"
        what = "." if is_optional else self.reference
        if isinstance(example, dict | list):
            yield f"{key}:"
            yield f"  {{{{- toYaml {what} | nindent {indent + 2} }}}}"
        else:
            yield f"{key}: {{{{ toJson {what} }}}}"
        if is_optional:
            yield "{{- end }}"

    @property
    def reference(self) -> str:
        """The value, as templates name it."""
        return reference(self.name)


class Image(Value):
    """The image: repository and digest, each a value."""

    def read(self, found: Any) -> Any:
        repository, _, digest = found.partition("@")
        return {"repository": repository, "digest": digest}

    def lines(self, key: str, indent: int, example: Any, is_optional: bool) -> Iterator[str]:
        yield f'{key}: "{{{{ {self.reference}.repository }}}}@{{{{ {self.reference}.digest }}}}"'


class Configuration(Value):
    """The text of the configuration, which a helper lays `config` over."""

    def read(self, found: Any) -> Any:
        return Block(found)

    def lines(self, key: str, indent: int, example: Any, is_optional: bool) -> Iterator[str]:
        yield f"{key}: |"
        yield f'  {{{{- include "zero.configuration" . | nindent {indent + 2} }}}}'


class Annotations(Value):
    """The annotations of a pod beside the sum of its configuration, by which a new one makes new pods."""

    def read(self, found: Any) -> Any:
        return {key: value for key, value in found.items() if key != CHECKSUM}

    def lines(self, key: str, indent: int, example: Any, is_optional: bool) -> Iterator[str]:
        yield f"{key}:"
        yield f'  {CHECKSUM}: {{{{ include "zero.configuration" . | sha256sum }}}}'
        yield f"  {{{{- with {self.reference} }}}}"
        yield f"  {{{{- toYaml . | nindent {indent + 2} }}}}"
        yield "  {{- end }}"


HELPERS = """\
{{/* The file of configuration, with `config` on top; as text just as it is where there is none. */}}
{{- define "zero.configuration" -}}
{{- if .Values.config -}}
{{- toYaml (mergeOverwrite (fromYaml .Values.configuration) (deepCopy .Values.config)) -}}
{{- else -}}
{{- .Values.configuration -}}
{{- end -}}
{{- end -}}
"""


def reference(name: Sequence[str]) -> str:
    """A value, as templates name it."""
    if all(map(_NAME.fullmatch, name)):
        return ".".join(("", "Values", *name))
    return f"(index .Values {' '.join(f'{chr(34)}{part}{chr(34)}' for part in name)})"


def knobs(identity: Identity, label: str) -> Iterator[Value]:
    """What people set of an object, whether or not environments differ in it. `label` is the object's own section."""
    if identity.namespace is None:
        yield Value(("metadata", "namespace"), ("namespace",))
    template = _POD_TEMPLATES.get(identity.kind)
    if template is not None:
        container = (*template, *_CONTAINER)
        yield Image((*container, "image"), ("image",))
        yield Value((*container, "resources"), ("container", "resources"))
        yield Value((*container, "env"), ("container", "env"), [])
        annotations = Annotations if identity.kind == "Deployment" else Value
        yield annotations((*template, "metadata", "annotations"), ("pod", "annotations"), {})
        for key, default in _POD_KNOBS.items():
            yield Value((*template, "spec", key), ("pod", key), default)
    for path, default in _KNOBS.get(identity.kind, {}).items():
        yield Value(path, (label, str(path[-1])), default)
    if identity.kind == "ConfigMap":
        yield Configuration(("data", f"{identity.name}.yaml"), ("configuration",))


_POD_KNOBS: dict[str, Any] = {
    "nodeSelector": {},
    "tolerations": [],
    "affinity": {},
    "priorityClassName": "",
    "imagePullSecrets": [],
}
_KNOBS: dict[str, dict[Path, Any]] = {
    "ServiceAccount": {("metadata", "annotations"): {}},
    "Deployment": {("spec", "replicas"): None},
    "CronJob": {("spec", "schedule"): None},
    "HorizontalPodAutoscaler": {("spec", "minReplicas"): None, ("spec", "maxReplicas"): None},
    "NetworkPolicy": {("spec", "ingress"): [], ("spec", "egress"): []},
    "HTTPRoute": {("spec", "hostnames"): None, ("spec", "parentRefs"): None},
    "GRPCRoute": {("spec", "hostnames"): None, ("spec", "parentRefs"): None},
}


def name_of(identity: Identity, label: str, path: Path) -> tuple[str, ...]:
    """What a value is called that is one because environments differ in it: where it stands, in short."""
    template = _POD_TEMPLATES.get(identity.kind)
    sections: list[tuple[Path, str]] = [(("spec",), label), (("metadata",), label)]
    if template is not None:
        of_pod = (((*template, "spec"), "pod"), ((*template, "metadata"), "pod"))
        sections = [((*template, *_CONTAINER), "container"), *of_pod, *sections]
    for prefix, section in sections:
        if path[: len(prefix)] == prefix and len(path) > len(prefix):
            return section, *map(str, path[len(prefix) :])
    return label, *map(str, path)
