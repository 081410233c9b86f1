"""What differs between the objects of a service in one environment and in another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from zero_codegen.service.kubernetes import Manifest

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indices, from the object down."""

MISSING: Any = object()
"""Stands for a value that is not there."""


class Identity(NamedTuple):
    """What makes an object the same in all environments. `namespace` is None for the service's own one, whatever that
    is called."""

    api_version: str
    kind: str
    name: str
    namespace: str | None

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]


@dataclass(frozen=True)
class Difference:
    """A value, and what it is in the other object: each may be MISSING."""

    path: Path
    old: Any
    new: Any


def identified(manifest: Manifest) -> dict[Identity, dict[str, Any]]:
    """The objects of a manifest, in their order."""
    found = {}
    for each in manifest.objects:
        metadata = each["metadata"]
        namespace = metadata.get("namespace")
        own = namespace == manifest.namespace
        identity = Identity(each["apiVersion"], each["kind"], metadata["name"], None if own else namespace)
        found[identity] = each
    return found


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Difference]:
    """The smallest values that differ. A list is one value, but for the one container of a pod."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from differences(old.get(key, MISSING), new.get(key, MISSING), (*path, key))
    elif path[-1:] == ("containers",) and len(old) == len(new) == 1:
        yield from differences(old[0], new[0], (*path, 0))
    elif old != new:
        yield Difference(path, old, new)


def lookup(value: Any, path: Path) -> Any:
    """The value at a path, MISSING where there is none."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value
