"""What the three kinds of contract have in common: their targets' fields, generated modules, imports and dependencies.

A kind (`api`, `rpc`, `model`) is a `ContractKind`; its own package declares it with its targets and rules.
"""

from __future__ import annotations

import os.path
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar, DefaultDict, Pattern

from pants.backend.python.dependency_inference.module_mapper import (
    PythonModuleOwners,
    PythonModuleOwnersRequest,
)
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents, PathGlobs
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import (
    AllTargets,
    Dependencies,
    DependenciesRequest,
    ExplicitlyProvidedDependencies,
    FieldSet,
    InferDependenciesRequest,
    InferredDependencies,
    SingleSourceField,
    Target,
)
from pants.engine.unions import UnionRule
from pants.source.source_root import SourceRoot, SourceRootRequest
from pants.util.frozendict import FrozenDict
from pants.util.ordered_set import FrozenOrderedSet

from pants_backend_zero.errors import ZeroError


@dataclass(frozen=True)
class ContractKind:
    """One kind of contract.

    `output_suffixes` follow the stem of the contract's file; `runtime_modules` are what generated code
    imports besides the standard library; `imports` finds the paths of imported contracts in a contract's
    text.
    """

    name: str
    extension: str
    output_suffixes: tuple[str, ...]
    runtime_modules: tuple[str, ...]
    imports: Pattern[str] | None = None

    def outputs(self, path: str) -> tuple[str, ...]:
        """The files generated from the contract at `path`, in the same folder."""
        folder, file_name = os.path.split(path)
        stem = re.sub(r"[-.]", "_", file_name[: -len(self.extension)])
        return tuple(os.path.join(folder, stem + suffix) for suffix in self.output_suffixes)

    def modules(self, stripped_path: str) -> FrozenOrderedSet[str]:
        """The dotted names of the generated modules; a stub (`.pyi`) is its module's."""
        return FrozenOrderedSet(
            os.path.splitext(output)[0].replace("/", ".") for output in self.outputs(stripped_path)
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


@dataclass(frozen=True)
class AllContracts:
    """Every contract of the repository: by address, by folder and kind, and by path below its source root."""

    by_address: FrozenDict[Address, Contract]
    by_folder: FrozenDict[tuple[str, str], tuple[Contract, ...]]
    by_stripped_path: FrozenDict[str, tuple[Contract, ...]]

    def in_folder_of(self, contract: Contract) -> tuple[Contract, ...]:
        return self.by_folder[os.path.dirname(contract.path), contract.kind.name]


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
    by_stripped_path: DefaultDict[str, list[Contract]] = defaultdict(list)
    for contract in contracts:
        by_folder[os.path.dirname(contract.path), contract.kind.name].append(contract)
        by_stripped_path[contract.stripped_path].append(contract)
    return AllContracts(
        FrozenDict({contract.target.address: contract for contract in contracts}),
        FrozenDict({key: tuple(group) for key, group in by_folder.items()}),
        FrozenDict({key: tuple(group) for key, group in by_stripped_path.items()}),
    )


# -----------------------------------------------------------------------------------------------
# Imports between contracts
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ContractImportsRequest:
    address: Address


@dataclass(frozen=True)
class ContractImports:
    """The contracts that one contract imports, and the imported paths that more than one target owns."""

    addresses: tuple[Address, ...]
    ambiguous: FrozenDict[str, tuple[Address, ...]]


@rule
async def find_imports(request: ContractImportsRequest, all_contracts: AllContracts) -> ContractImports:
    contract = all_contracts.by_address[request.address]
    if contract.kind.imports is None:
        return ContractImports((), FrozenDict())
    contents = await Get(DigestContents, PathGlobs([contract.path]))
    found: set[Address] = set()
    ambiguous: dict[str, tuple[Address, ...]] = {}
    for file in contents:
        for path in contract.kind.imports.findall(file.content.decode("utf-8", "replace")):
            owners = all_contracts.by_stripped_path.get(path, ())
            if len(owners) == 1:
                found.add(owners[0].target.address)
            elif owners:
                ambiguous[path] = tuple(owner.target.address for owner in owners)
    return ContractImports(tuple(sorted(found)), FrozenDict(ambiguous))


@dataclass(frozen=True)
class ContractClosureRequest:
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class ContractClosure:
    """Contracts and all that they import, directly or not."""

    contracts: tuple[Contract, ...]


@rule
async def find_contract_closure(
    request: ContractClosureRequest, all_contracts: AllContracts
) -> ContractClosure:
    seen: set[Address] = set()
    pending = set(request.addresses)
    while pending:
        seen |= pending
        found = await MultiGet(
            Get(ContractImports, ContractImportsRequest(address)) for address in sorted(pending)
        )
        pending = {address for imports in found for address in imports.addresses} - seen
    return ContractClosure(tuple(all_contracts.by_address[address] for address in sorted(seen)))


# -----------------------------------------------------------------------------------------------
# Dependencies
# -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RuntimeModulesRequest:
    """The owners of modules that generated code imports, first- or third-party, in one resolve.

    `dependencies` is the field of the target that the code is generated from; it settles what is ambiguous.
    """

    modules: tuple[str, ...]
    resolve: str
    dependencies: Dependencies


@dataclass(frozen=True)
class RuntimeModules:
    addresses: tuple[Address, ...]


@rule
async def find_runtime_modules(request: RuntimeModulesRequest) -> RuntimeModules:
    address = request.dependencies.address
    explicit = await Get(ExplicitlyProvidedDependencies, DependenciesRequest(request.dependencies))
    owners = await MultiGet(
        Get(
            PythonModuleOwners,
            PythonModuleOwnersRequest(module, resolve=request.resolve, locality=address.spec_path),
        )
        for module in request.modules
    )
    found: set[Address] = set()
    missing = []
    for module, owner in zip(request.modules, owners):
        found.update(owner.unambiguous or _chosen(explicit, address, module, "module", owner.ambiguous))
        if not owner.unambiguous and not owner.ambiguous:
            missing.append(module)
    if missing:
        raise ZeroError(
            f"The code generated for {address} imports {', '.join(missing)}, and no target of the resolve "
            f"`{request.resolve}` provides it. Add the requirement to that resolve, or give the target the "
            "`resolve` that has it."
        )
    return RuntimeModules(tuple(sorted(found)))


def _chosen(
    explicit: ExplicitlyProvidedDependencies,
    address: Address,
    imported: str,
    what: str,
    owners: tuple[Address, ...],
) -> tuple[Address, ...]:
    """The one of several owners that the target's own `dependencies` leave; a warning where they do not."""
    explicit.maybe_warn_of_ambiguous_dependency_inference(
        owners,
        address,
        import_reference=what,
        context=f"The target {address} imports `{imported}`",
    )
    chosen = explicit.disambiguated(owners)
    return (chosen,) if chosen else ()


@dataclass(frozen=True)
class ContractFieldSet(FieldSet):
    required_fields = (ContractSourceField, ContractDependenciesField, PythonResolveField)

    source: ContractSourceField
    dependencies: ContractDependenciesField
    resolve: PythonResolveField


class InferContractDependenciesRequest(InferDependenciesRequest):
    infer_from = ContractFieldSet


@rule(desc="Infer dependencies of contracts")
async def infer_contract_dependencies(
    request: InferContractDependenciesRequest, python_setup: PythonSetup
) -> InferredDependencies:
    """A contract depends on the contracts it imports and on what the code generated from it imports."""
    field_set = request.field_set
    kind = field_set.source.kind
    resolve = field_set.resolve.normalized_value(python_setup)
    imports, runtime, explicit = await MultiGet(
        Get(ContractImports, ContractImportsRequest(field_set.address)),
        Get(
            RuntimeModules,
            RuntimeModulesRequest(kind.runtime_modules, resolve, field_set.dependencies),
        ),
        Get(ExplicitlyProvidedDependencies, DependenciesRequest(field_set.dependencies)),
    )
    found = {*imports.addresses, *runtime.addresses}
    for path, owners in imports.ambiguous.items():
        found.update(_chosen(explicit, field_set.address, path, "file", owners))
    return InferredDependencies(sorted(found))


def rules():
    return [
        *collect_rules(),
        UnionRule(InferDependenciesRequest, InferContractDependenciesRequest),
    ]
