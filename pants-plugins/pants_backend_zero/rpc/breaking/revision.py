"""The protos of another git revision, and what they import."""

from __future__ import annotations

import os.path
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import DefaultDict

from pants.engine.rules import Get, collect_rules, rule
from pants.util.frozendict import FrozenDict

from pants_backend_zero.history.build_files import DeclaredContract
from pants_backend_zero.history.revision import PastContracts, PastContractsRequest
from pants_backend_zero.rpc.statements import imported_paths
from pants_backend_zero.rpc.target_types import RPC


@dataclass(frozen=True)
class RevisionRequest:
    """A revision, in any of the ways that git names one."""

    name: str


@dataclass(frozen=True)
class Revision:
    """The protos of a revision: all their texts by path, their source roots, and those that were contracts."""

    texts: FrozenDict[str, str]
    source_roots: FrozenDict[str, str]
    contracts: tuple[DeclaredContract, ...]

    def stripped(self, path: str) -> str:
        """The path below the source root, which imports name."""
        return os.path.relpath(path, self.source_roots[path])

    def closure(self, path: str) -> dict[str, str]:
        """A proto and all that it imports, directly or not: paths in imports, and paths.

        Of several files that an import may mean, it is that of the same source root, or else the first.
        """
        found: dict[str, str] = {}
        pending = [path]
        while pending:
            path = pending.pop()
            found[self.stripped(path)] = path
            for name in self._imports[path]:
                owners = self._owners.get(name)
                if name not in found and owners:
                    beside = os.path.normpath(os.path.join(self.source_roots[path], name))
                    pending.append(beside if beside in owners else owners[0])
        return found

    @cached_property
    def _imports(self) -> dict[str, tuple[str, ...]]:
        return {path: tuple(imported_paths(text)) for path, text in self.texts.items()}

    @cached_property
    def _owners(self) -> DefaultDict[str, list[str]]:
        """The files that imports of a path may mean."""
        owners: DefaultDict[str, list[str]] = defaultdict(list)
        for path in self.texts:
            owners[self.stripped(path)].append(path)
        return owners


@rule
async def read_revision(request: RevisionRequest) -> Revision:
    found = await Get(PastContracts, PastContractsRequest(request.name, RPC))
    return Revision(found.texts, found.source_roots, found.contracts)


def rules():
    return collect_rules()
