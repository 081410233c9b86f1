"""What contracts depend on: those they import, and what the code generated from them imports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Mapping

from pants.backend.python.dependency_inference.module_mapper import (
    FirstPartyPythonModuleMapping,
    PythonModuleOwners,
    PythonModuleOwnersRequest,
)
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.addresses import Address
from pants.engine.fs import DigestContents, PathGlobs
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import (
    Dependencies,
    DependenciesRequest,
    ExplicitlyProvidedDependencies,
    FieldSet,
    InferDependenciesRequest,
    InferredDependencies,
)
from pants.engine.unions import UnionRule

from pants_backend_zero.contract_imports import ContractImports, ContractImportsRequest
from pants_backend_zero.contracts import (
    AllContracts,
    Contract,
    ContractDependenciesField,
    ContractSourceField,
)
from pants_backend_zero.errors import ZeroError, nearest
from pants_backend_zero.named_objects import mistake_in_name


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
async def find_runtime_modules(
    request: RuntimeModulesRequest, first_party: FirstPartyPythonModuleMapping
) -> RuntimeModules:
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
        _warn_of_ambiguity(explicit, address, module, "module", owner.ambiguous)
        chosen = explicit.disambiguated(owner.ambiguous)
        found.update(owner.unambiguous or ((chosen,) if chosen else ()))
        if not owner.unambiguous and not owner.ambiguous:
            missing.append(module)
    if missing:
        known = first_party.resolves_to_modules_to_providers.get(request.resolve, {})
        close = [name for name in (nearest(module, known) for module in missing) if name]
        raise ZeroError(
            f"The code generated for {address} imports {', '.join(missing)}, and no target of the resolve "
            f"`{request.resolve}` provides it. "
            + (f"Did you mean {', '.join(f'`{name}`' for name in close)}? Else add" if close else "Add")
            + " the source or the requirement to that resolve, or give the target the `resolve` that has it."
        )
    return RuntimeModules(tuple(sorted(found)))


def _warn_of_ambiguity(
    explicit: ExplicitlyProvidedDependencies,
    address: Address,
    imported: str,
    what: str,
    owners: tuple[Address, ...],
) -> None:
    """A warning where a target's own `dependencies` do not leave one of several owners."""
    explicit.maybe_warn_of_ambiguous_dependency_inference(
        owners,
        address,
        import_reference=what,
        context=f"The target {address} imports `{imported}`",
    )


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
    request: InferContractDependenciesRequest, all_contracts: AllContracts, python_setup: PythonSetup
) -> InferredDependencies:
    """A contract depends on the contracts it imports and on what the code generated from it imports."""
    field_set = request.field_set
    contract = all_contracts.by_address[field_set.address]
    resolve = field_set.resolve.normalized_value(python_setup)
    contents = await Get(DigestContents, PathGlobs([contract.path]))
    named = dict.fromkeys(module for module, _ in contract.named_objects)
    text = "".join(file.content.decode("utf-8", "replace") for file in contents)
    imports, runtime, explicit = await MultiGet(
        Get(ContractImports, ContractImportsRequest(field_set.address)),
        Get(
            RuntimeModules,
            RuntimeModulesRequest(
                (*contract.kind.runtime_modules(text), *named),
                resolve,
                field_set.dependencies,
            ),
        ),
        Get(ExplicitlyProvidedDependencies, DependenciesRequest(field_set.dependencies)),
    )
    for path, owners in imports.ambiguous.items():
        _warn_of_ambiguity(explicit, field_set.address, path, "file", owners)
    sources = {module: path for module in named for path in _files(module, runtime.addresses)}
    texts = await Get(DigestContents, PathGlobs(sorted(sources.values())))
    _check_named_objects(
        contract, sources, {file.path: file.content.decode("utf-8", "replace") for file in texts}
    )
    return InferredDependencies(sorted({*imports.addresses, *runtime.addresses}))


def _files(module: str, addresses: Iterable[Address]) -> Iterator[str]:
    """The file of a module, where it is a source; what is generated has none."""
    ending = f"{module.replace('.', '/')}.py"
    for address in addresses:
        if address.is_file_target and f"/{address.filename}".endswith(f"/{ending}"):
            yield address.filename


def _check_named_objects(contract: Contract, sources: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """Raises ZeroError if a module lacks what the settings of a contract name in it."""
    mistakes = [
        mistake
        for module, name in contract.named_objects
        if module in sources
        for mistake in [mistake_in_name(sources[module], texts[sources[module]], name)]
        if mistake
    ]
    if mistakes:
        told = "\n".join(mistakes)
        raise ZeroError(f"What {contract.target.address} names in Python does not exist:\n\n{told}\n")


def rules():
    return [
        *collect_rules(),
        UnionRule(InferDependenciesRequest, InferContractDependenciesRequest),
    ]
