"""`package` on a contract: what others need to call a service that is not theirs, without the rest of it."""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from pants.core.goals.package import (
    BuiltPackage,
    BuiltPackageArtifact,
    OutputPathField,
    PackageFieldSet,
)
from pants.engine.fs import CreateDigest, Digest, DigestContents, DigestSubset, FileContent, PathGlobs
from pants.engine.rules import Get, collect_rules, rule
from pants.engine.unions import UnionRule

from pants_backend_zero.codegen import GeneratedContract, GeneratedContractRequest
from pants_backend_zero.contracts import AllContracts, Contract, ContractSourceField


@dataclass(frozen=True)
class PackageContractFieldSet(PackageFieldSet):
    required_fields = (ContractSourceField, OutputPathField)

    output_path: OutputPathField


def packaged_paths(contract: Contract, output_path: OutputPathField) -> dict[str, str]:
    """Where `package` writes a contract's generated files. Those of a `zero_apis` keep their folders below it."""
    kind, address = contract.kind, contract.target.address
    folder = output_path.value_or_default(file_ending=None)
    if address.is_file_target:
        below = os.path.relpath(os.path.dirname(contract.path), address.spec_path)
        folder = os.path.normpath(os.path.join(folder, below))
    return {
        kind.output(contract.stripped_path, suffix): os.path.join(folder, kind.stem(contract.path) + packaged)
        for suffix, packaged in kind.packaged.items()
    }


@rule(desc="Package a contract")
async def package_contract(field_set: PackageContractFieldSet, all_contracts: AllContracts) -> BuiltPackage:
    """The contract of types alone gives nothing."""
    contract = all_contracts.by_address[field_set.address]
    generated = await Get(GeneratedContract, GeneratedContractRequest(field_set.address))
    paths = packaged_paths(contract, field_set.output_path)
    found = await Get(DigestContents, DigestSubset(generated.digest, PathGlobs(paths)))
    files = [FileContent(paths[file.path], file.content) for file in found]
    return BuiltPackage(
        await Get(Digest, CreateDigest(files)), tuple(BuiltPackageArtifact(file.path) for file in files)
    )


def rules():
    return [*collect_rules(), UnionRule(PackageFieldSet, PackageContractFieldSet)]
