"""Generating Python from contracts: one process per folder and kind, cut per target.

A process costs some 0.3 s of CPU before it generates anything, so a folder's contracts share one; a batch per
folder, not per repository, keeps an edit from regenerating everything. A bad contract does not spoil its
neighbours: the generator writes what it can and reports the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from pants.backend.python.target_types import PythonSourceField
from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    Digest,
    DigestContents,
    DigestSubset,
    MergeDigests,
    PathGlobs,
    RemovePrefix,
    Snapshot,
)
from pants.engine.process import ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import GeneratedSources, GenerateSourcesRequest
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_backend_zero.contracts import (
    AllContracts,
    ContractClosure,
    ContractClosureRequest,
    ContractSourceField,
)
from pants_backend_zero.errors import ContractErrors, Diagnostic, parse_diagnostics
from pants_backend_zero.tools import ZeroTools

OUT = "__out"
DIAGNOSTICS = "__diagnostics.json"


@dataclass(frozen=True)
class ContractBatchRequest:
    """All contracts of one kind in one folder."""

    kind: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class ContractBatch:
    """What was generated, below the source root, and what was wrong."""

    digest: Digest
    diagnostics: tuple[Diagnostic, ...]


async def _subset(digest: Digest, glob: str) -> Digest:
    return await Get(Digest, DigestSubset(digest, PathGlobs([glob])))


async def _read_result(output: Digest) -> ContractBatch:
    generated, (diagnostics,) = await MultiGet(
        Get(Digest, RemovePrefix(await _subset(output, f"{OUT}/**"), OUT)),
        Get(DigestContents, Digest, await _subset(output, DIAGNOSTICS)),
    )
    return ContractBatch(generated, parse_diagnostics(diagnostics.content))


@rule(desc="Generate from contracts", level=LogLevel.DEBUG)
async def generate_batch(
    request: ContractBatchRequest, tools: ZeroTools, all_contracts: AllContracts
) -> ContractBatch:
    closure = await Get(ContractClosure, ContractClosureRequest(request.addresses))
    paths = sorted({all_contracts.by_address[address].path for address in request.addresses})
    source_roots = sorted({contract.source_root for contract in closure.contracts})
    sources = await Get(Digest, PathGlobs(sorted({c.path for c in closure.contracts})))
    input_digest = await Get(Digest, MergeDigests([sources, tools.codegen]))
    result = await Get(
        ProcessResult,
        VenvPexProcess(
            tools.python,
            argv=[
                *("-m", "zero_codegen", request.kind),
                *(f"--source-root={root}" for root in source_roots),
                f"--out={OUT}",
                f"--diagnostics={DIAGNOSTICS}",
                *paths,
            ],
            input_digest=input_digest,
            output_directories=[OUT],
            output_files=[DIAGNOSTICS],
            description=f"Generate Python from {', '.join(paths)}",
            level=LogLevel.DEBUG,
        ),
    )
    return await _read_result(result.output_digest)


class GeneratePythonFromContractRequest(GenerateSourcesRequest):
    input = ContractSourceField
    output = PythonSourceField


@rule(desc="Generate Python from contracts")
async def generate_python_from_contract(
    request: GeneratePythonFromContractRequest, all_contracts: AllContracts
) -> GeneratedSources:
    address = request.protocol_target.address
    contract = all_contracts.by_address[address]
    neighbours = all_contracts.in_folder_of(contract)
    batch = await Get(
        ContractBatch,
        ContractBatchRequest(contract.kind.name, tuple(neighbour.target.address for neighbour in neighbours)),
    )
    closure = await Get(ContractClosure, ContractClosureRequest((address,)))
    paths = {contract.path for contract in closure.contracts}
    wrong = [diagnostic for diagnostic in batch.diagnostics if diagnostic.path in paths]
    if wrong:
        raise ContractErrors(wrong)
    outputs = contract.kind.outputs(contract.stripped_path)
    own = await Get(Digest, DigestSubset(batch.digest, PathGlobs(outputs)))
    return GeneratedSources(await Get(Snapshot, AddPrefix(own, contract.source_root)))


def rules():
    return [
        *collect_rules(),
        UnionRule(GenerateSourcesRequest, GeneratePythonFromContractRequest),
    ]
