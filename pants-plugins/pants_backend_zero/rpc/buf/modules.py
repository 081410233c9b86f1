"""Protos as buf sees them: a module has one file for each path that imports name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, Iterable, Mapping, TypeVar

T = TypeVar("T")

Files = Mapping[str, str]
"""The files of a module: their paths below their source roots, which imports name, and those in the repository."""


@dataclass
class Module(Generic[T]):
    """Contracts that are checked together, with all that they import: as they are, and as they were."""

    contracts: list[T] = field(default_factory=list)
    now: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)

    def takes(self, now: Files, before: Files) -> bool:
        return agree(self.now, now) and agree(self.before, before)


def agree(some: Files, others: Files) -> bool:
    """Whether both mean the same files where they have the same paths in imports."""
    return all(some.get(name, path) == path for name, path in others.items())


def modules(contracts: Iterable[tuple[T, Files, Files]]) -> list[Module[T]]:
    """As few as it takes: several only if files below different source roots have the same path in imports.

    Contracts come with their files as they are and as they were.
    """
    found: list[Module[T]] = []
    for contract, now, before in contracts:
        module = next((module for module in found if module.takes(now, before)), None)
        if module is None:
            module = Module()
            found.append(module)
        module.contracts.append(contract)
        module.now.update(now)
        module.before.update(before)
    return found
