"""Generating from RPC contracts, and what these depend on."""

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
from pants_backend_zero.rpc.target_types import RpcDependenciesField, RpcSourceField


class GeneratePythonFromRpcRequest(GenerateSourcesRequest):
    input = RpcSourceField
    output = PythonSourceField


@rule(desc="Generate Python from protobuf contracts")
async def generate_python_from_rpc(request: GeneratePythonFromRpcRequest) -> GeneratedSources:
    return await Get(GeneratedSources, GenerateContractRequest(request.protocol_target.address))


@dataclass(frozen=True)
class RpcFieldSet(ContractFieldSet):
    required_fields = (RpcSourceField, RpcDependenciesField, PythonResolveField)

    source: RpcSourceField
    dependencies: RpcDependenciesField
    resolve: PythonResolveField


class InferRpcDependenciesRequest(InferDependenciesRequest):
    infer_from = RpcFieldSet


@rule(desc="Infer dependencies of protobuf contracts")
async def infer_rpc_dependencies(
    request: InferRpcDependenciesRequest, python_setup: PythonSetup
) -> InferredDependencies:
    return await infer_contract_dependencies(request.field_set, python_setup)


def rules():
    return [
        *collect_rules(),
        UnionRule(GenerateSourcesRequest, GeneratePythonFromRpcRequest),
        UnionRule(InferDependenciesRequest, InferRpcDependenciesRequest),
    ]
