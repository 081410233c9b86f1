"""Generating a service's modules, and what the service depends on."""

from __future__ import annotations

from dataclasses import dataclass

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField, PythonSourceField
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    FileContent,
    PathGlobs,
    Snapshot,
)
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import (
    FieldSet,
    GeneratedSources,
    GenerateSourcesRequest,
    InferDependenciesRequest,
    InferredDependencies,
)
from pants.engine.unions import UnionRule

from pants_backend_zero.contract_dependencies import RuntimeModules, RuntimeModulesRequest
from pants_backend_zero.errors import ContractErrors
from pants_backend_zero.service.graph import (
    ServiceReferences,
    ServiceReferencesRequest,
    ServiceSpec,
    ServiceSpecRequest,
)
from pants_backend_zero.service.logic import ServiceLogic, ServiceLogicRequest
from pants_backend_zero.service.target_types import (
    LogicField,
    ServesField,
    ServiceDependenciesField,
    ServiceSourcesField,
)
from pants_backend_zero.tools import GeneratorRequest, GeneratorResult

SPEC = "__spec.json"

RUNTIME_MODULES = {
    None: ("zero_runtime.job",),
    "uvicorn": ("zero_runtime.service", "zero_runtime.rest"),
    "granian": ("zero_runtime.service", "zero_runtime.rest.granian"),
    "http2": ("zero_runtime.service", "zero_runtime.rpc"),
    "grpcio": ("zero_runtime.service", "zero_runtime.rpc.grpcio"),
}
"""The modules that the main module imports, by what the service is served by; None for a job."""


@dataclass(frozen=True)
class ServiceGeneratorRequest:
    """Run `zero_codegen <command>` on a service: `service`, `configuration` or `manifests`."""

    command: str
    address: Address
    inputs: Digest | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceGeneratorResult:
    digest: Digest


@rule
async def run_service_generator(request: ServiceGeneratorRequest) -> ServiceGeneratorResult:
    spec = await Get(ServiceSpec, ServiceSpecRequest(request.address))
    sources, spec_digest = await MultiGet(
        Get(Digest, PathGlobs(spec.contracts)),
        Get(Digest, CreateDigest([FileContent(SPEC, spec.json)])),
    )
    result = await Get(
        GeneratorResult,
        GeneratorRequest(
            (request.command, f"--spec={SPEC}", *request.arguments),
            (sources, spec_digest, *filter(None, [request.inputs])),
            f"Generate the {request.command} of {request.address}",
        ),
    )
    if result.diagnostics:
        raise ContractErrors(result.diagnostics)
    return ServiceGeneratorResult(result.digest)


class GeneratePythonFromServiceRequest(GenerateSourcesRequest):
    input = ServiceSourcesField
    output = PythonSourceField


@rule(desc="Generate the modules of services")
async def generate_python_from_service(
    request: GeneratePythonFromServiceRequest,
) -> GeneratedSources:
    address = request.protocol_target.address
    references, generated = await MultiGet(
        Get(ServiceReferences, ServiceReferencesRequest(address)),
        Get(ServiceGeneratorResult, ServiceGeneratorRequest("service", address)),
    )
    source_root = references.service.source_root
    return GeneratedSources(await Get(Snapshot, AddPrefix(generated.digest, source_root)))


@dataclass(frozen=True)
class ServiceDependenciesFieldSet(FieldSet):
    required_fields = (ServesField, LogicField, ServiceDependenciesField, PythonResolveField)

    logic: LogicField
    dependencies: ServiceDependenciesField
    resolve: PythonResolveField


class InferServiceDependenciesRequest(InferDependenciesRequest):
    infer_from = ServiceDependenciesFieldSet


@rule(desc="Infer dependencies of services")
async def infer_service_dependencies(
    request: InferServiceDependenciesRequest, python_setup: PythonSetup
) -> InferredDependencies:
    """A service depends on its contracts, its logic, and the runtime that its main module starts."""
    address = request.field_set.address
    references, logic = await MultiGet(
        Get(ServiceReferences, ServiceReferencesRequest(address)),
        Get(ServiceLogic, ServiceLogicRequest(request.field_set.logic)),
    )
    runtime = await Get(
        RuntimeModules,
        RuntimeModulesRequest(
            ("zero_runtime.config", *RUNTIME_MODULES[references.server]),
            request.field_set.resolve.normalized_value(python_setup),
            request.field_set.dependencies,
        ),
    )
    contracts = (contract.target.address for contract in references.contracts)
    return InferredDependencies(sorted({*contracts, *logic.addresses, *runtime.addresses}))


def rules():
    return [
        *collect_rules(),
        UnionRule(GenerateSourcesRequest, GeneratePythonFromServiceRequest),
        UnionRule(InferDependenciesRequest, InferServiceDependenciesRequest),
    ]
