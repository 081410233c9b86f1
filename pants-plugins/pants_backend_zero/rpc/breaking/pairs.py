"""Which contracts of today stand beside which of a revision."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import DefaultDict, Iterable, Sequence

from pants_backend_zero.history.build_files import DeclaredContract
from pants_backend_zero.rpc.breaking.revision import Revision
from pants_backend_zero.rpc.buf.modules import Files, Module, agree, modules
from pants_backend_zero.rpc.statements import package_of, statements


@dataclass(frozen=True)
class Today:
    """A contract as it is: its path, that in imports, its text, and its file with all that it imports."""

    path: str
    name: str
    text: str
    files: Files


def paired(
    today: Sequence[Today], revision: Revision, checked: Iterable[Today], gone: Iterable[DeclaredContract]
) -> list[Module[str]]:
    """The contracts that are checked, and those that are gone, as modules to compare. What is new is in none."""
    pairs = _Pairs(today, revision)
    return modules(
        [
            *(pairs.pair(old, contract.files) for contract in checked for old in pairs.olds(contract)),
            *(pairs.pair(declared.path, {}) for declared in gone),
        ]
    )


class _Pairs:
    def __init__(self, today: Sequence[Today], revision: Revision) -> None:
        self._revision = revision
        self._by_name: DefaultDict[str, list[Today]] = defaultdict(list)
        self._by_package: DefaultDict[str, list[Today]] = defaultdict(list)
        for contract in today:
            self._by_name[contract.name].append(contract)
            self._by_package[package_of(contract.text)].append(contract)
        paths = {contract.path for contract in today}
        self._gone = sorted({declared.path for declared in revision.contracts} - paths)

    def olds(self, contract: Today) -> list[str]:
        """What a contract was: itself, or of those that are gone the ones with the same path in imports, and those
        with a part of its own."""
        if contract.path in self._revision.texts:
            return [contract.path]
        parts = _parts(contract.text)
        return [
            path
            for path in self._gone
            if self._revision.stripped(path) == contract.name or parts & _parts(self._revision.texts[path])
        ]

    def pair(self, old: str, now: Files) -> tuple[str, Files, Files]:
        """A contract of the revision, what stands for it now, and what it was with all that it imported.

        For it stand those of the same paths and packages, too: what has moved to another file is not gone.
        """
        before = self._revision.closure(old)
        heirs = {heir.path: heir for name in before for heir in self._by_name[name]}
        for package in {package_of(self._revision.texts[path]) for path in before.values()}:
            heirs.update({heir.path: heir for heir in self._by_package[package]})
        found = dict(now)
        for heir in sorted(heirs.values(), key=lambda heir: (heir.path != before.get(heir.name), heir.path)):
            if agree(found, heir.files):
                found.update(heir.files)
        return old, found, before


def _parts(text: str) -> set[tuple[str, str, str]]:
    """The services and messages, with their package."""
    package = package_of(text)
    return {
        (package, statement.keyword, statement.name)
        for statement in statements(text)
        if statement.keyword in ("service", "message")
    }
