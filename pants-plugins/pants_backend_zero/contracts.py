"""What the three kinds of contract have in common: their targets' fields and their generated files.

A kind (`api`, `rpc`, `model`) is a `ContractKind`; its own package declares it with its targets.
"""

from __future__ import annotations

import os.path
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, DefaultDict, Iterable

from pants.engine.addresses import Address
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import AllTargets, Dependencies, Field, SingleSourceField, Target
from pants.source.source_root import SourceRoot, SourceRootRequest
from pants.util.frozendict import FrozenDict
from pants.util.ordered_set import FrozenOrderedSet

from pants_backend_zero.errors import ZeroError


@dataclass(frozen=True)
class ContractImportsSyntax:
    """How contracts of a kind import others.

    `paths` finds the paths in a contract's text. They are relative to the importing file, or else to a source root.
    `parts`: a file may be a part of its importer, and not complete without it.
    """

    paths: Callable[[str], Iterable[str]]
    relative: bool = False
    parts: bool = False


class ContractSettingField(Field):
    """A field that tells the generator something about a contract."""

    @property
    def objects(self) -> tuple[tuple[str, str], ...]:
        """What the generated code imports because of it: names with the Python modules that have them."""
        return ()


@dataclass(frozen=True)
class ContractKind:
    """One kind of contract.

    `output_suffixes` follow the stem of the contract's file: Python modules, and files that these load.
    `runtime_modules` tells from a contract's text what its generated code imports besides the standard library.
    `packaged` are generated files that `package` writes, and what ends their names there.
    `settings` are the fields of its targets that the generator is told (`--settings`), by their names.
    """

    name: str
    extension: str
    output_suffixes: tuple[str, ...]
    runtime_modules: Callable[[str], tuple[str, ...]]
    imports: ContractImportsSyntax | None = None
    packaged: FrozenDict[str, str] = field(default_factory=FrozenDict)
    settings: tuple[type[ContractSettingField], ...] = ()

    def outputs(self, path: str) -> tuple[str, ...]:
        """The files generated from the contract at `path`, in the same folder."""
        return tuple(self.output(path, suffix) for suffix in self.output_suffixes)

    def output(self, path: str, suffix: str) -> str:
        """The generated file that ends with `suffix`."""
        return os.path.join(os.path.dirname(path), re.sub(r"[-.]", "_", self.stem(path)) + suffix)

    def stem(self, path: str) -> str:
        """The name of a contract's file without its extension."""
        return os.path.basename(path)[: -len(self.extension)]

    def modules(self, stripped_path: str) -> FrozenOrderedSet[str]:
        """The dotted names of the generated modules; a stub (`.pyi`) is its module's."""
        return FrozenOrderedSet(
            os.path.splitext(output)[0].replace("/", ".")
            for output in self.outputs(stripped_path)
            if output.endswith((".py", ".pyi"))
        )


class ContractSourceField(SingleSourceField):
    """The file of a contract; a subclass for each kind."""

    kind: ClassVar[ContractKind]


class ContractDependenciesField(Dependencies):
    pass


@dataclass(frozen=True)
class Contract:
    """A contract's target with its file's path and the source root of that."""

    target: Target
    path: str
    source_root: str

    @property
    def kind(self) -> ContractKind:
        return self.target[ContractSourceField].kind

    @property
    def stripped_path(self) -> str:
        return os.path.relpath(self.path, self.source_root)

    @property
    def modules(self) -> FrozenOrderedSet[str]:
        return self.kind.modules(self.stripped_path)

    @property
    def settings(self) -> dict[str, Any]:
        """What its target tells the generator; only what is set."""
        return {field.alias: field.value for field in self._settings if field.value is not None}

    @property
    def named_objects(self) -> tuple[tuple[str, str], ...]:
        """What its settings name in Python: modules, and a name in each."""
        return tuple(found for field in self._settings for found in field.objects)

    @property
    def _settings(self) -> list[ContractSettingField]:
        return [self.target[field] for field in self.kind.settings]


@dataclass(frozen=True)
class AllContracts:
    """Every contract of the repository: by address, by folder and kind, by path, and by path below its source root."""

    by_address: FrozenDict[Address, Contract]
    by_folder: FrozenDict[tuple[str, str], tuple[Contract, ...]]
    by_path: FrozenDict[str, tuple[Contract, ...]]
    by_stripped_path: FrozenDict[str, tuple[Contract, ...]]

    def in_folder_of(self, contract: Contract) -> tuple[Contract, ...]:
        return self.by_folder[os.path.dirname(contract.path), contract.kind.name]

    def check_settings(self, contract: Contract) -> None:
        """A file gives one module, so all targets that own it have to agree on what is generated."""
        for twin in self.by_path[contract.path]:
            differ = sorted(
                setting
                for setting in {**contract.settings, **twin.settings}
                if contract.settings.get(setting) != twin.settings.get(setting)
            )
            if differ:
                fields = ", ".join(f"`{setting}`" for setting in differ)
                raise ZeroError(
                    f"{contract.target.address} and {twin.target.address} both own {contract.path} and differ "
                    f"in {fields}. One module is generated from the file: give both the same, or remove one."
                )


@rule(desc="Find all contracts")
async def find_all_contracts(all_targets: AllTargets) -> AllContracts:
    targets = [target for target in all_targets if target.has_field(ContractSourceField)]
    source_roots = await MultiGet(
        Get(SourceRoot, SourceRootRequest, SourceRootRequest.for_target(target)) for target in targets
    )
    contracts = sorted(
        (
            Contract(target, target[ContractSourceField].file_path, source_root.path)
            for target, source_root in zip(targets, source_roots)
        ),
        key=lambda contract: (contract.path, contract.target.address),
    )
    by_folder: DefaultDict[tuple[str, str], list[Contract]] = defaultdict(list)
    by_path: DefaultDict[str, list[Contract]] = defaultdict(list)
    by_stripped_path: DefaultDict[str, list[Contract]] = defaultdict(list)
    for contract in contracts:
        by_path[contract.path].append(contract)
        by_folder[os.path.dirname(contract.path), contract.kind.name].append(contract)
        by_stripped_path[contract.stripped_path].append(contract)
    return AllContracts(
        FrozenDict({contract.target.address: contract for contract in contracts}),
        FrozenDict({key: tuple(group) for key, group in by_folder.items()}),
        FrozenDict({key: tuple(group) for key, group in by_path.items()}),
        FrozenDict({key: tuple(group) for key, group in by_stripped_path.items()}),
    )


def rules():
    return collect_rules()
