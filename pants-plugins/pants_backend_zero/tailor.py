"""`tailor`: targets for contracts that have none."""

from __future__ import annotations

from dataclasses import dataclass

from pants.core.goals.tailor import (
    AllOwnedSources,
    PutativeTarget,
    PutativeTargets,
    PutativeTargetsRequest,
)
from pants.engine.fs import PathGlobs, Paths
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.dirutil import group_by_dir
from pants.util.logging import LogLevel

from pants_backend_zero.api.target_types import API, ZeroApisTarget
from pants_backend_zero.model.target_types import MODEL, ZeroModelsTarget
from pants_backend_zero.rpc.target_types import RPC, ZeroRpcsTarget
from pants_backend_zero.subsystem import Zero

GENERATORS = {API: ZeroApisTarget, RPC: ZeroRpcsTarget, MODEL: ZeroModelsTarget}


@dataclass(frozen=True)
class PutativeContractTargetsRequest(PutativeTargetsRequest):
    pass


@rule(desc="Determine candidate Zero targets to create", level=LogLevel.DEBUG)
async def find_putative_contract_targets(
    request: PutativeContractTargetsRequest, all_owned_sources: AllOwnedSources, zero: Zero
) -> PutativeTargets:
    if not zero.tailor:
        return PutativeTargets()
    paths_by_kind = await MultiGet(
        Get(Paths, PathGlobs, request.path_globs(f"*{kind.extension}")) for kind in GENERATORS
    )
    return PutativeTargets(
        # Named after its kind, as several kinds of contract commonly share a folder.
        PutativeTarget.for_target_type(
            target_type, path=folder, name=kind.name, triggering_sources=sorted(files)
        )
        for (kind, target_type), paths in zip(GENERATORS.items(), paths_by_kind)
        for folder, files in group_by_dir(set(paths.files) - set(all_owned_sources)).items()
    )


def rules():
    return [
        *collect_rules(),
        UnionRule(PutativeTargetsRequest, PutativeContractTargetsRequest),
    ]
