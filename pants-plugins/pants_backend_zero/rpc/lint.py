"""`lint` on RPC contracts: what buf tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.partitions import Partition, Partitions
from pants.engine.fs import CreateDigest, Digest, DigestContents, FileContent, PathGlobs
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import FieldSet, Target
from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel
from pants.util.strutil import pluralize

from pants_backend_zero.contract_imports import ContractClosure, ContractClosureRequest
from pants_backend_zero.rpc.buf.config import BufConfig, module_config
from pants_backend_zero.rpc.buf.modules import modules
from pants_backend_zero.rpc.buf.tool import COMPILE, CONFIG, BufRequest, BufResult
from pants_backend_zero.rpc.target_types import RpcSourceField, SkipRpcLintField

DEFAULT_RULES = ("BASIC",)
"""What go-zero's own contracts keep to: names, and packages that are where their names say. Not `STANDARD`, which also
wants versions in the names of packages, and services to be called `…Service`."""

_MODULE = "module"
"""A folder apart, for the sandbox has others that are none of buf's affair."""


class ZeroRpcLint(Subsystem):
    options_scope = "zero-rpc-lint"
    name = "buf's checks of RPC contracts"
    help = "What is wrong with the `.proto` files of `zero_rpc` targets, by the rules of buf."

    skip = SkipOption("lint")


@dataclass(frozen=True)
class RpcLintFieldSet(FieldSet):
    required_fields = (RpcSourceField,)

    source: RpcSourceField

    @classmethod
    def opt_out(cls, target: Target) -> bool:
        return target.get(SkipRpcLintField).value


class RpcLintRequest(LintTargetsRequest):
    field_set_type = RpcLintFieldSet
    tool_subsystem = ZeroRpcLint


@dataclass(frozen=True)
class ProtoModule:
    """Contracts that are one module. A repository has more than one only if imports would not tell them apart."""

    description: str | None


@rule
async def partition_rpc_lint(
    request: RpcLintRequest.PartitionRequest[RpcLintFieldSet], subsystem: ZeroRpcLint
) -> Partitions[RpcLintFieldSet, ProtoModule]:
    if subsystem.skip:
        return Partitions()
    closures = await MultiGet(
        Get(ContractClosure, ContractClosureRequest((field_set.address,))) for field_set in request.field_sets
    )
    found = modules(
        (field_set, closure.files, {}) for field_set, closure in zip(request.field_sets, closures)
    )
    return Partitions(
        Partition(
            tuple(module.contracts),
            ProtoModule(f"with {module.contracts[0].source.file_path}" if len(found) > 1 else None),
        )
        for module in found
    )


@rule(desc="Check RPC contracts", level=LogLevel.DEBUG)
async def run_rpc_lint(
    request: RpcLintRequest.Batch[RpcLintFieldSet, ProtoModule], config: BufConfig
) -> LintResult:
    checked = {field_set.source.file_path for field_set in request.elements}
    addresses = tuple(field_set.address for field_set in request.elements)
    closure = await Get(ContractClosure, ContractClosureRequest(addresses))
    contents = await Get(DigestContents, PathGlobs(sorted(closure.files.values())))
    names = {path: name for name, path in closure.files.items()}
    section = {"use": DEFAULT_RULES, **config.lint}
    settings = module_config("lint", section, {name: [path] for path, name in names.items()})
    input_digest = await Get(
        Digest,
        CreateDigest(
            [
                FileContent(f"{_MODULE}/{CONFIG}", settings),
                *(FileContent(f"{_MODULE}/{names[file.path]}", file.content) for file in contents),
            ]
        ),
    )
    result = await Get(
        BufResult,
        BufRequest(("lint", _MODULE), input_digest, f"Check {pluralize(len(checked), 'RPC contract')}."),
    )
    paths = {f"{_MODULE}/{name}": path for path, name in names.items()}
    # What is imported is not checked here, but where it does not compile, its importers do not either.
    told = [
        f"{paths[annotation.path]}:{annotation.line}:{annotation.column}: {annotation.told}"
        for annotation in result.annotations
        if paths[annotation.path] in checked or annotation.rule == COMPILE
    ]
    return LintResult(
        exit_code=1 if told or result.failure else 0,
        stdout="".join(f"{line}\n" for line in told),
        stderr=result.failure or "",
        linter_name=request.tool_name,
        partition_description=request.partition_metadata.description,
    )


def rules():
    return [*collect_rules(), *RpcLintRequest.rules()]
