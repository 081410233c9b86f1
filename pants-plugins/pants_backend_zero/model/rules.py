"""Generating from table contracts, and what these depend on."""

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

from pants_backend_zero.codegen import GenerateContractRequest
from pants_backend_zero.contracts import ContractFieldSet, infer_contract_dependencies
from pants_backend_zero.model.target_types import ModelDependenciesField, ModelSourceField


class GeneratePythonFromModelRequest(GenerateSourcesRequest):
    input = ModelSourceField
    output = PythonSourceField


@rule(desc="Generate Python from SQL contracts")
async def generate_python_from_model(request: GeneratePythonFromModelRequest) -> GeneratedSources:
    return await Get(GeneratedSources, GenerateContractRequest(request.protocol_target.address))


@dataclass(frozen=True)
class ModelFieldSet(ContractFieldSet):
    required_fields = (ModelSourceField, ModelDependenciesField, PythonResolveField)

    source: ModelSourceField
    dependencies: ModelDependenciesField
    resolve: PythonResolveField


class InferModelDependenciesRequest(InferDependenciesRequest):
    infer_from = ModelFieldSet


@rule(desc="Infer dependencies of SQL contracts")
async def infer_model_dependencies(
    request: InferModelDependenciesRequest, python_setup: PythonSetup
) -> InferredDependencies:
    return await infer_contract_dependencies(request.field_set, python_setup)


def rules():
    return [
        *collect_rules(),
        UnionRule(GenerateSourcesRequest, GeneratePythonFromModelRequest),
        UnionRule(InferDependenciesRequest, InferModelDependenciesRequest),
    ]
