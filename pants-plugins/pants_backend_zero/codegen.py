"""Generating from contracts: one process per folder and kind, cut per target.

A process costs some 0.3 s of CPU before it generates anything, so a folder's contracts share one; a batch per
folder, not per repository, keeps an edit from regenerating everything. A bad contract does not spoil its
neighbours: the generator writes what it can and reports the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping

from pants.backend.python.target_types import PythonSourceField
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    DigestSubset,
    FileContent,
    MergeDigests,
    PathGlobs,
    Snapshot,
)
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import GeneratedSources, GenerateSourcesRequest
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_backend_zero.contract_imports import (
    ContractClosure,
    ContractClosureRequest,
    PartialContracts,
)
from pants_backend_zero.contracts import AllContracts, ContractSourceField
from pants_backend_zero.errors import ContractErrors
from pants_backend_zero.tools import GeneratorRequest, GeneratorResult

SETTINGS = "__settings.json"


@dataclass(frozen=True)
class ContractProgramRequest:
    """Contracts of one kind, for a run of the generator."""

    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class ContractProgram:
    """What the generator takes: its arguments about the contracts, their paths among them, and the files."""

    arguments: tuple[str, ...]
    paths: tuple[str, ...]
    digest: Digest


@rule
async def gather_program(
    request: ContractProgramRequest, all_contracts: AllContracts, partial: PartialContracts
) -> ContractProgram:
    closure = await Get(ContractClosure, ContractClosureRequest(request.addresses))
    contracts = [all_contracts.by_address[address] for address in request.addresses]
    paths = sorted({contract.path for contract in contracts})
    source_roots = sorted({contract.source_root for contract in closure.contracts})
    settings = settings_files(SETTINGS, {contract.path: contract.settings for contract in contracts})
    sources, settings_digest = await MultiGet(
        Get(Digest, PathGlobs(sorted({contract.path for contract in closure.contracts}))),
        Get(Digest, CreateDigest(settings)),
    )
    arguments = (
        *(f"--settings={file.path}" for file in settings),
        *(f"--source-root={root}" for root in source_roots),
        *(f"--imported={path}" for path in paths if path in partial.paths),
        *paths,
    )
    digest = await Get(Digest, MergeDigests([sources, settings_digest]))
    return ContractProgram(arguments, tuple(paths), digest)


def settings_files(name: str, settings: Mapping[str, Mapping[str, Any]]) -> list[FileContent]:
    """The file that tells the generator the settings of contracts by path; none where nothing is set."""
    given = {path: each for path, each in settings.items() if each}
    # A `FrozenDict` is no `dict`.
    return [FileContent(name, json.dumps(given, sort_keys=True, default=dict).encode())] if given else []


@dataclass(frozen=True)
class ContractBatchRequest:
    """All contracts of one kind in one folder."""

    kind: str
    addresses: tuple[Address, ...]


@rule(desc="Generate from contracts", level=LogLevel.DEBUG)
async def generate_batch(request: ContractBatchRequest) -> GeneratorResult:
    program = await Get(ContractProgram, ContractProgramRequest(request.addresses))
    return await Get(
        GeneratorResult,
        GeneratorRequest(
            (request.kind, "generate", *program.arguments),
            (program.digest,),
            f"Generate from {', '.join(program.paths)}",
        ),
    )


@dataclass(frozen=True)
class GeneratedContractRequest:
    address: Address


@dataclass(frozen=True)
class GeneratedContract:
    """All that is generated from the contracts in the folder of a good one, without their source root."""

    digest: Digest


@rule
async def generate_contract(
    request: GeneratedContractRequest, all_contracts: AllContracts
) -> GeneratedContract:
    contract = all_contracts.by_address[request.address]
    all_contracts.check_settings(contract)
    neighbours = all_contracts.in_folder_of(contract)
    batch = await Get(
        GeneratorResult,
        ContractBatchRequest(contract.kind.name, tuple(neighbour.target.address for neighbour in neighbours)),
    )
    closure = await Get(ContractClosure, ContractClosureRequest((request.address,)))
    paths = {contract.path for contract in closure.contracts}
    wrong = [diagnostic for diagnostic in batch.diagnostics if diagnostic.path in paths]
    if wrong:
        raise ContractErrors(wrong)
    return GeneratedContract(batch.digest)


class GeneratePythonFromContractRequest(GenerateSourcesRequest):
    input = ContractSourceField
    output = PythonSourceField


@rule(desc="Generate Python from contracts")
async def generate_python_from_contract(
    request: GeneratePythonFromContractRequest, all_contracts: AllContracts
) -> GeneratedSources:
    address = request.protocol_target.address
    contract = all_contracts.by_address[address]
    generated = await Get(GeneratedContract, GeneratedContractRequest(address))
    outputs = contract.kind.outputs(contract.stripped_path)
    own = await Get(Digest, DigestSubset(generated.digest, PathGlobs(outputs)))
    return GeneratedSources(await Get(Snapshot, AddPrefix(own, contract.source_root)))


def rules():
    return [
        *collect_rules(),
        UnionRule(GenerateSourcesRequest, GeneratePythonFromContractRequest),
    ]
