"""What contracts depend on: those they import, and what the code generated from them imports."""

from __future__ import annotations

from dataclasses import dataclass

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
    Dependencies,
    DependenciesRequest,
    ExplicitlyProvidedDependencies,
    FieldSet,
    InferDependenciesRequest,
    InferredDependencies,
)
from pants.engine.unions import UnionRule

from pants_backend_zero.contract_imports import ContractImports, ContractImportsRequest
from pants_backend_zero.contracts import ContractDependenciesField, ContractSourceField
from pants_backend_zero.errors import ZeroError


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
        _warn_of_ambiguity(explicit, address, module, "module", owner.ambiguous)
        chosen = explicit.disambiguated(owner.ambiguous)
        found.update(owner.unambiguous or ((chosen,) if chosen else ()))
        if not owner.unambiguous and not owner.ambiguous:
            missing.append(module)
    if missing:
        raise ZeroError(
            f"The code generated for {address} imports {', '.join(missing)}, and no target of the resolve "
            f"`{request.resolve}` provides it. Add the requirement to that resolve, or give the target the "
            "`resolve` that has it."
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
    request: InferContractDependenciesRequest, python_setup: PythonSetup
) -> InferredDependencies:
    """A contract depends on the contracts it imports and on what the code generated from it imports."""
    field_set = request.field_set
    kind = field_set.source.kind
    resolve = field_set.resolve.normalized_value(python_setup)
    contents = await Get(DigestContents, PathGlobs([field_set.source.file_path]))
    text = "".join(file.content.decode("utf-8", "replace") for file in contents)
    imports, runtime, explicit = await MultiGet(
        Get(ContractImports, ContractImportsRequest(field_set.address)),
        Get(
            RuntimeModules,
            RuntimeModulesRequest(kind.runtime_modules(text), resolve, field_set.dependencies),
        ),
        Get(ExplicitlyProvidedDependencies, DependenciesRequest(field_set.dependencies)),
    )
    for path, owners in imports.ambiguous.items():
        _warn_of_ambiguity(explicit, field_set.address, path, "file", owners)
    return InferredDependencies(sorted({*imports.addresses, *runtime.addresses}))


def rules():
    return [
        *collect_rules(),
        UnionRule(InferDependenciesRequest, InferContractDependenciesRequest),
    ]
