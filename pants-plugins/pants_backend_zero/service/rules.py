"""Generating a service's modules, and what the service depends on."""

from __future__ import annotations

from dataclasses import dataclass

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField, PythonSourceField
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestContents,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
    Snapshot,
)
from pants.engine.process import ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import (
    FieldSet,
    GeneratedSources,
    GenerateSourcesRequest,
    InferDependenciesRequest,
    InferredDependencies,
)
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_backend_zero.api.target_types import API
from pants_backend_zero.contracts import (
    ContractClosure,
    ContractClosureRequest,
    RuntimeModules,
    RuntimeModulesRequest,
)
from pants_backend_zero.errors import ContractErrors, parse_diagnostics
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
from pants_backend_zero.tools import ZeroTools

OUT = "__out"
DIAGNOSTICS = "__diagnostics.json"
SPEC = "__spec.json"

RUNTIME_MODULES = ("zero_runtime.config", "zero_runtime.service")


@dataclass(frozen=True)
class ServiceGeneratorRequest:
    """Run `zero_codegen <command>` on a service: `service` for its modules, `manifests` for what deploys it."""

    command: str
    address: Address
    inputs: Digest | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceGeneratorResult:
    digest: Digest


@rule
async def run_service_generator(request: ServiceGeneratorRequest, tools: ZeroTools) -> ServiceGeneratorResult:
    spec = await Get(ServiceSpec, ServiceSpecRequest(request.address))
    closure = await Get(
        ContractClosure,
        ContractClosureRequest(tuple(contract.target.address for contract in spec.references.contracts)),
    )
    sources, spec_digest = await MultiGet(
        Get(Digest, PathGlobs(sorted({contract.path for contract in closure.contracts}))),
        Get(Digest, CreateDigest([FileContent(SPEC, spec.json)])),
    )
    inputs = [sources, spec_digest, tools.codegen, *filter(None, [request.inputs])]
    result = await Get(
        ProcessResult,
        VenvPexProcess(
            tools.python,
            argv=[
                *("-m", "zero_codegen", request.command),
                f"--spec={SPEC}",
                f"--out={OUT}",
                f"--diagnostics={DIAGNOSTICS}",
                *request.arguments,
            ],
            input_digest=await Get(Digest, MergeDigests(inputs)),
            output_directories=[OUT],
            output_files=[DIAGNOSTICS],
            description=f"Generate the {request.command} of {request.address}",
            level=LogLevel.DEBUG,
        ),
    )
    (diagnostics,) = await Get(DigestContents, DigestSubset(result.output_digest, PathGlobs([DIAGNOSTICS])))
    wrong = parse_diagnostics(diagnostics.content)
    if wrong:
        raise ContractErrors(wrong)
    generated = await Get(Digest, DigestSubset(result.output_digest, PathGlobs([f"{OUT}/**"])))
    return ServiceGeneratorResult(await Get(Digest, RemovePrefix(generated, OUT)))


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
    modules = [*RUNTIME_MODULES, "zero_runtime.rest" if references.serves.kind == API else "zero_runtime.rpc"]
    runtime = await Get(
        RuntimeModules,
        RuntimeModulesRequest(
            tuple(modules),
            request.field_set.resolve.normalized_value(python_setup),
            request.field_set.dependencies,
        ),
    )
    contracts = (contract.target.address for contract in references.contracts)
    return InferredDependencies(sorted({*contracts, logic.address, *runtime.addresses}))


def rules():
    return [
        *collect_rules(),
        UnionRule(GenerateSourcesRequest, GeneratePythonFromServiceRequest),
        UnionRule(InferDependenciesRequest, InferServiceDependenciesRequest),
    ]
