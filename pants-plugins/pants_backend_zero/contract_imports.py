"""Contracts that import others: who imports whom."""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from pants.engine.addresses import Address
from pants.engine.fs import DigestContents, PathGlobs
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import DependenciesRequest, ExplicitlyProvidedDependencies
from pants.util.frozendict import FrozenDict

from pants_backend_zero.contracts import AllContracts, Contract, ContractDependenciesField


@dataclass(frozen=True)
class ContractImportsRequest:
    address: Address


@dataclass(frozen=True)
class ContractImports:
    """The contracts that one contract imports: those it depends on, and a target of each file.

    `ambiguous` has the imported paths that several targets own, where the contract's own `dependencies` do not settle
    which of them is meant. If these all own one file, its content is known nevertheless.
    """

    addresses: tuple[Address, ...]
    files: tuple[Address, ...]
    ambiguous: FrozenDict[str, tuple[Address, ...]]


@rule
async def find_imports(request: ContractImportsRequest, all_contracts: AllContracts) -> ContractImports:
    contract = all_contracts.by_address[request.address]
    syntax = contract.kind.imports
    if syntax is None:
        return ContractImports((), (), FrozenDict())
    contents, explicit = await MultiGet(
        Get(DigestContents, PathGlobs([contract.path])),
        Get(
            ExplicitlyProvidedDependencies,
            DependenciesRequest(contract.target[ContractDependenciesField]),
        ),
    )
    found: set[Address] = set()
    files: set[Address] = set()
    ambiguous: dict[str, tuple[Address, ...]] = {}
    paths = [path for file in contents for path in syntax.paths(file.content.decode("utf-8", "replace"))]
    for path in paths:
        if syntax.relative:
            beside = os.path.normpath(os.path.join(os.path.dirname(contract.path), path))
            contracts = all_contracts.by_path.get(beside, ())
        else:
            contracts = all_contracts.by_stripped_path.get(path, ())
        owners = tuple(owner.target.address for owner in contracts)
        chosen = owners[0] if len(owners) == 1 else _chosen(owners, explicit)
        if chosen:
            found.add(chosen)
            files.add(chosen)
        elif owners:
            ambiguous[path] = owners
            if len({owner.path for owner in contracts}) == 1:
                files.add(owners[0])
    return ContractImports(tuple(sorted(found)), tuple(sorted(files)), FrozenDict(ambiguous))


def _chosen(owners: tuple[Address, ...], explicit: ExplicitlyProvidedDependencies) -> Address | None:
    """The one of several owners that `dependencies` names, or leaves when it names those that are not meant."""
    named = [owner for owner in owners if explicit.any_are_covered_by_includes((owner,))]
    return named[0] if len(named) == 1 else explicit.disambiguated(owners)


@dataclass(frozen=True)
class ContractClosureRequest:
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class ContractClosure:
    """Contracts and all that they import, directly or not."""

    contracts: tuple[Contract, ...]

    @property
    def files(self) -> dict[str, str]:
        """Their files: the paths below source roots, which imports name, and those in the repository."""
        return {contract.stripped_path: contract.path for contract in self.contracts}


@rule
async def find_contract_closure(
    request: ContractClosureRequest, all_contracts: AllContracts
) -> ContractClosure:
    seen: set[Address] = set()
    pending = set(request.addresses)
    while pending:
        seen |= pending
        found = await MultiGet(
            Get(ContractImports, ContractImportsRequest(address)) for address in sorted(pending)
        )
        pending = {address for imports in found for address in imports.files} - seen
    return ContractClosure(tuple(all_contracts.by_address[address] for address in sorted(seen)))


@dataclass(frozen=True)
class PartialContracts:
    """The paths of contracts that may be parts of others, because these import them."""

    paths: frozenset[str]


@rule(desc="Find contracts that others import")
async def find_partial_contracts(all_contracts: AllContracts) -> PartialContracts:
    importers = [
        address
        for address, contract in all_contracts.by_address.items()
        if contract.kind.imports and contract.kind.imports.parts
    ]
    found = await MultiGet(Get(ContractImports, ContractImportsRequest(address)) for address in importers)
    return PartialContracts(
        frozenset(all_contracts.by_address[address].path for imports in found for address in imports.files)
    )


def rules():
    return collect_rules()
