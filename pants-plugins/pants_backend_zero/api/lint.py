"""`lint` on contracts: everything that is wrong with them, of all files in one run."""

from __future__ import annotations

import os.path
from collections import defaultdict
from dataclasses import dataclass
from typing import DefaultDict

from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.core.goals.lint import LintResult, LintTargetsRequest
from pants.core.util_rules.partitions import Partition, Partitions
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import FallibleProcessResult
from pants.engine.rules import Get, collect_rules, rule
from pants.engine.target import FieldSet, Target
from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel
from pants.util.strutil import pluralize

from pants_backend_zero.api.target_types import ApiSourceField, SkipApiLintField
from pants_backend_zero.codegen import ContractProgram, ContractProgramRequest
from pants_backend_zero.tools import ZeroTools


class ZeroApiLint(Subsystem):
    options_scope = "zero-api-lint"
    name = "Zero's checks of HTTP contracts"
    help = "What is wrong with the `.api` files of `zero_api` targets: the checks that code generation makes too."

    skip = SkipOption("lint")


@dataclass(frozen=True)
class ApiLintFieldSet(FieldSet):
    required_fields = (ApiSourceField,)

    source: ApiSourceField

    @classmethod
    def opt_out(cls, target: Target) -> bool:
        return target.get(SkipApiLintField).value


class ApiLintRequest(LintTargetsRequest):
    field_set_type = ApiLintFieldSet
    tool_subsystem = ZeroApiLint


@dataclass(frozen=True)
class Folder:
    """The contracts of a folder: one process serves them, and an edit does not rerun other folders'."""

    path: str

    @property
    def description(self) -> str:
        return self.path or "."


@rule
async def partition_api_lint(
    request: ApiLintRequest.PartitionRequest[ApiLintFieldSet], subsystem: ZeroApiLint
) -> Partitions[ApiLintFieldSet, Folder]:
    if subsystem.skip:
        return Partitions()
    folders: DefaultDict[str, list[ApiLintFieldSet]] = defaultdict(list)
    for field_set in request.field_sets:
        folders[os.path.dirname(field_set.source.file_path)].append(field_set)
    return Partitions(
        Partition(tuple(field_sets), Folder(path)) for path, field_sets in sorted(folders.items())
    )


@rule(desc="Check HTTP contracts", level=LogLevel.DEBUG)
async def run_api_lint(
    request: ApiLintRequest.Batch[ApiLintFieldSet, Folder], tools: ZeroTools
) -> LintResult:
    addresses = tuple(field_set.address for field_set in request.elements)
    program = await Get(ContractProgram, ContractProgramRequest(addresses))
    result = await Get(
        FallibleProcessResult,
        VenvPexProcess(
            tools.python,
            argv=("-m", "zero_codegen", "api", "lint", *program.arguments),
            input_digest=await Get(Digest, MergeDigests([tools.codegen, program.digest])),
            description=f"Check {pluralize(len(program.paths), 'HTTP contract')}.",
            level=LogLevel.DEBUG,
        ),
    )
    return LintResult.create(request, result)


def rules():
    return [*collect_rules(), *ApiLintRequest.rules()]
