"""Generating from HTTP contracts, and what these depend on."""

from __future__ import annotations

from dataclasses import dataclass

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField, PythonSourceField
from pants.engine.rules import Get, collect_rules, rule
from pants.engine.target import (
    GeneratedSources,
    GenerateSourcesRequest,
    InferDependenciesRequest,
    InferredDependencies,
)
from pants.engine.unions import UnionRule

from pants_backend_zero.api.target_types import ApiDependenciesField, ApiSourceField
from pants_backend_zero.codegen import GenerateContractRequest
from pants_backend_zero.contracts import ContractFieldSet, infer_contract_dependencies


class GeneratePythonFromApiRequest(GenerateSourcesRequest):
    input = ApiSourceField
    output = PythonSourceField


@rule(desc="Generate Python from .api contracts")
async def generate_python_from_api(request: GeneratePythonFromApiRequest) -> GeneratedSources:
    return await Get(GeneratedSources, GenerateContractRequest(request.protocol_target.address))


@dataclass(frozen=True)
class ApiFieldSet(ContractFieldSet):
    required_fields = (ApiSourceField, ApiDependenciesField, PythonResolveField)

    source: ApiSourceField
    dependencies: ApiDependenciesField
    resolve: PythonResolveField


class InferApiDependenciesRequest(InferDependenciesRequest):
    infer_from = ApiFieldSet


@rule(desc="Infer dependencies of .api contracts")
async def infer_api_dependencies(
    request: InferApiDependenciesRequest, python_setup: PythonSetup
) -> InferredDependencies:
    return await infer_contract_dependencies(request.field_set, python_setup)


def rules():
    return [
        *collect_rules(),
        UnionRule(GenerateSourcesRequest, GeneratePythonFromApiRequest),
        UnionRule(InferDependenciesRequest, InferApiDependenciesRequest),
    ]
