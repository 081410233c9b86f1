"""`fmt` on contracts: goctl's layout."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pants.backend.python.util_rules.pex import VenvPexProcess
from pants.core.goals.fmt import FmtResult, FmtTargetsRequest
from pants.core.util_rules.partitions import PartitionerType
from pants.engine.fs import Digest, DigestContents, DigestSubset, MergeDigests, PathGlobs, Snapshot
from pants.engine.process import ProcessResult
from pants.engine.rules import Get, MultiGet, collect_rules, rule
from pants.engine.target import FieldSet, Target
from pants.option.option_types import SkipOption
from pants.option.subsystem import Subsystem
from pants.util.logging import LogLevel
from pants.util.strutil import pluralize

from pants_backend_zero.api.target_types import ApiSourceField, SkipApiFormatField
from pants_backend_zero.errors import parse_diagnostics
from pants_backend_zero.tools import DIAGNOSTICS, ZeroTools

logger = logging.getLogger(__name__)


class ZeroApiFormat(Subsystem):
    options_scope = "zero-api-format"
    name = "Zero's formatter of HTTP contracts"
    help = "The layout of the `.api` files of `zero_api` targets: that of `goctl api format`."

    skip = SkipOption("fmt", "lint")


@dataclass(frozen=True)
class ApiFormatFieldSet(FieldSet):
    required_fields = (ApiSourceField,)

    source: ApiSourceField

    @classmethod
    def opt_out(cls, target: Target) -> bool:
        return target.get(SkipApiFormatField).value


class ApiFormatRequest(FmtTargetsRequest):
    field_set_type = ApiFormatFieldSet
    tool_subsystem = ZeroApiFormat
    partitioner_type = PartitionerType.DEFAULT_SINGLE_PARTITION


@rule(desc="Format HTTP contracts", level=LogLevel.DEBUG)
async def run_api_format(request: ApiFormatRequest.Batch, tools: ZeroTools) -> FmtResult:
    """A file that does not parse stays as it is: it must not keep others from being formatted, nor linters from
    running. `lint` fails for it by its own."""
    result = await Get(
        ProcessResult,
        VenvPexProcess(
            tools.python,
            argv=("-m", "zero_codegen", "api", "format", f"--diagnostics={DIAGNOSTICS}", *request.files),
            input_digest=await Get(Digest, MergeDigests([tools.codegen, request.snapshot.digest])),
            output_files=(*request.files, DIAGNOSTICS),
            description=f"Format {pluralize(len(request.files), 'HTTP contract')}.",
            level=LogLevel.DEBUG,
        ),
    )
    formatted, (diagnostics,) = await MultiGet(
        Get(Snapshot, DigestSubset(result.output_digest, PathGlobs(request.files))),
        Get(DigestContents, DigestSubset(result.output_digest, PathGlobs([DIAGNOSTICS]))),
    )
    for diagnostic in parse_diagnostics(diagnostics.content):
        logger.error(f"Not formatted, for it does not parse: {diagnostic.rendered}")
    return FmtResult(
        input=request.snapshot, output=formatted, stdout="", stderr="", tool_name=request.tool_name
    )


def rules():
    return [*collect_rules(), *ApiFormatRequest.rules()]
