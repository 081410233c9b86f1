"""Which target generates a Python module, so that Pants infers dependencies from imports of it."""

from __future__ import annotations

from collections import defaultdict
from typing import DefaultDict, Iterator

from pants.backend.python.dependency_inference.module_mapper import (
    FirstPartyPythonMappingImpl,
    FirstPartyPythonMappingImplMarker,
    ModuleProvider,
    ModuleProviderType,
    ResolveName,
)
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.engine.rules import collect_rules, rule
from pants.engine.target import Target
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from pants_backend_zero.contracts import AllContracts
from pants_backend_zero.service.graph import AllServices


class ZeroModuleMappingMarker(FirstPartyPythonMappingImplMarker):
    pass


@rule(desc="Map generated Python modules to contracts and services", level=LogLevel.DEBUG)
async def map_generated_modules(
    all_contracts: AllContracts,
    all_services: AllServices,
    python_setup: PythonSetup,
    _: ZeroModuleMappingMarker,
) -> FirstPartyPythonMappingImpl:
    providers: DefaultDict[ResolveName, DefaultDict[str, list[ModuleProvider]]] = defaultdict(
        lambda: defaultdict(list)
    )

    def modules() -> Iterator[tuple[Target, str]]:
        for contract in all_contracts.by_address.values():
            yield from ((contract.target, module) for module in contract.modules)
        for service in all_services:
            yield from ((service.target, module) for module in service.modules)

    for target, module in modules():
        resolve = target[PythonResolveField].normalized_value(python_setup)
        providers[resolve][module].append(ModuleProvider(target.address, ModuleProviderType.IMPL))
    return FirstPartyPythonMappingImpl.create(providers)


def rules():
    return [
        *collect_rules(),
        UnionRule(FirstPartyPythonMappingImplMarker, ZeroModuleMappingMarker),
    ]
