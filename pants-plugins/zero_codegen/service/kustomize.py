"""A base, and an overlay for each environment: `kubectl apply -k overlays/staging`.

An overlay holds what differs, as patches by path (RFC 6902). They are made from the objects of both environments, so
the base with its patches is the manifest of the environment, whatever differs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zero_codegen.service.differences import (
    MISSING,
    Difference,
    Identity,
    Path,
    differences,
    identified,
)
from zero_codegen.service.kubernetes import Manifest
from zero_codegen.service.yaml_text import Block, document

_API_VERSION = "kustomize.config.k8s.io/v1beta1"
_ADDED = "added.yaml"
"""Objects that the base has not."""


def kustomize(name: str, base: Manifest, environments: Mapping[str, Manifest]) -> dict[str, str]:
    """The files of a service by path."""
    file = f"{name}.yaml"
    files = {
        "base/kustomization.yaml": _kustomization(base, resources=[file]),
        f"base/{file}": base.text,
    }
    for environment, there in environments.items():
        folder = f"overlays/{environment}"
        ours, theirs = identified(base), identified(there)
        resources = ["../../base"]
        added = [text for text, each in zip(there.documents, theirs, strict=True) if each not in ours]
        if added:
            resources.append(_ADDED)
            files[f"{folder}/{_ADDED}"] = "---\n".join(added)
        patches = [_removal(each) for each in ours if each not in theirs]
        for each in ours:
            if each in theirs and (found := list(differences(ours[each], theirs[each]))):
                patches.append(_patch(each, list(map(_operation, found))))
        more = {"patches": patches} if patches else {}
        files[f"{folder}/kustomization.yaml"] = _kustomization(there, resources=resources, **more)
    return files


def _kustomization(manifest: Manifest, **content: object) -> str:
    return manifest.head + document({"apiVersion": _API_VERSION, "kind": "Kustomization", **content})


def _patch(identity: Identity, patch: object) -> dict[str, Any]:
    # Selectors are regular expressions.
    target = {
        "version": identity.version,
        "kind": identity.kind,
        "name": re.sub(r"\.", r"\\.", identity.name),
    }
    if identity.group:
        target = {"group": identity.group, **target}
    if identity.namespace:
        target["namespace"] = identity.namespace
    return {"target": target, "patch": Block(document(patch))}


def _removal(identity: Identity) -> dict[str, Any]:
    metadata = {"name": identity.name} | ({"namespace": identity.namespace} if identity.namespace else {})
    whole = {"apiVersion": identity.api_version, "kind": identity.kind, "metadata": metadata}
    return _patch(identity, {"$patch": "delete", **whole})


def _operation(difference: Difference) -> dict[str, Any]:
    path = _pointer(difference.path)
    if difference.new is MISSING:
        return {"path": path, "op": "remove"}
    value = difference.new
    if isinstance(value, str) and "\n" in value:
        value = Block(value)
    # In this order, for kustomize trims a patch, and the value of the last operation may end in an empty line.
    return {"path": path, "value": value, "op": "add" if difference.old is MISSING else "replace"}


def _pointer(path: Path) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
